# SPDX-License-Identifier: Apache-2.0
"""The data: corpora, clips, decoded recordings, and which of them train and test."""
