# SPDX-License-Identifier: Apache-2.0
"""When somebody speaks: voice activity detection and utterance segmentation."""
