# SPDX-License-Identifier: Apache-2.0
"""How a model learns: recipes, networks, augmentation, the Trainer, and the Hub that the result may go to."""
