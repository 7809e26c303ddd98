# SPDX-License-Identifier: Apache-2.0
"""How a model learns: networks, the parts that recipes share, augmentation, data sets, checkpoints."""
