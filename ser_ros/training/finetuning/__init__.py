# SPDX-License-Identifier: Apache-2.0
"""Fine-tunes a classifier on clips: the experiment, its folds, what teaches besides the labels, the model folder."""
