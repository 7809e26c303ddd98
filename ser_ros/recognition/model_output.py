# SPDX-License-Identifier: Apache-2.0
"""What a network returns for one piece of sound, before its temperature and the softmax."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_WINDOWS_EXPONENT = 0.5
"""Of the power mean of the windows' probabilities. Their mean (1) is best for strangers, the mean of the logits (0) for
people of a studio that the model knows (docs/experiments.md, "Utterances of several windows")."""


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


def of_all_windows(outputs: Sequence[ModelOutput]) -> ModelOutput:
    """Return what the windows of one utterance say together.

    Its logits are the logarithm of a power mean of the windows' probabilities, its pooled state is the mean of theirs.
    Adaptation and temperature come after it, so that an utterance is adapted once, as a whole.
    """
    if len(outputs) == 1:
        return outputs[0]
    logits = np.stack([output.logits for output in outputs])
    powers = _WINDOWS_EXPONENT * (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    mean = np.logaddexp.reduce(powers, axis=0) - np.log(len(outputs))
    return ModelOutput(
        (mean / _WINDOWS_EXPONENT).astype(np.float32),
        np.stack([output.pooled for output in outputs]).mean(axis=0, dtype=np.float32),
    )
