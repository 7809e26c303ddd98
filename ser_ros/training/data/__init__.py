# SPDX-License-Identifier: Apache-2.0
"""What there is to learn from: corpora, clips, decoded recordings, and which of them train and test."""
