# SPDX-License-Identifier: Apache-2.0
"""When someone is speaking: voice activity detection and utterance segmentation."""
