# SPDX-License-Identifier: Apache-2.0
"""The live pipeline: from an audio source to answered utterances, on two threads."""
