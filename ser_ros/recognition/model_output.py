# SPDX-License-Identifier: Apache-2.0
"""What a network returns for one piece of sound, before its temperature and the softmax."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ModelOutput:
    """The end of a network.

    Attributes:
        logits: float32, shape (labels,).
        pooled: float32, shape (width,); the input of the layer that makes the logits: for most families the mean over
            time of the projected hidden states.
    """

    logits: np.ndarray
    pooled: np.ndarray
