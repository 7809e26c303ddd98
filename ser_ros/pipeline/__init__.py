# SPDX-License-Identifier: Apache-2.0
"""The live line: from a source of sound to answered utterances, on two threads."""
