# SPDX-License-Identifier: Apache-2.0
"""Test clips with what a network returned for them, from which any order of them can be answered."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from scipy.special import softmax

from ser_ros.files import whole_file
from ser_ros.recognition.estimate import Estimate

FILE = 'spoken.npz'

_UTTERANCE = 'utterance'
"""In the file, before the names of the conditions."""

_MET = 'met'
"""In the file, what voices that the network knows said before."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a network returned for each of some utterances.

    Attributes:
        logits: float32, shape (utterances, model labels).
        pooled: float32, shape (utterances, width).
        outlier: bool, shape (utterances,); see Estimate. Their logits are all the same.
        doubt: float32, shape (utterances,); see Estimate.
    """

    logits: np.ndarray
    pooled: np.ndarray
    outlier: np.ndarray
    doubt: np.ndarray

    @classmethod
    def of(cls, estimates: Sequence[Estimate], temperature: float) -> 'Outputs':
        """Return what the network of that `temperature` returned for answers without adaptation.

        A constant is missing in the logits of each utterance, which changes no answer.
        """
        possible = np.maximum([estimate.probabilities for estimate in estimates], np.finfo(np.float32).tiny)
        doubt = np.array([estimate.doubt for estimate in estimates], dtype=np.float32)
        return cls(
            logits=(np.log(possible) * temperature * doubt[:, np.newaxis]).astype(np.float32),
            pooled=np.stack([estimate.pooled for estimate in estimates]),
            outlier=np.array([estimate.outlier for estimate in estimates]),
            doubt=doubt,
        )

    def probabilities(self, temperature: float) -> np.ndarray:
        """Return the answers without adaptation: float32, shape (utterances, model labels)."""
        return softmax(self.logits / (np.float32(temperature) * self.doubt[:, np.newaxis]), axis=-1)

    def followed_by(self, others: 'Outputs') -> 'Outputs':
        """Return these and the others."""
        return Outputs(
            *(np.concatenate([getattr(self, each.name), getattr(others, each.name)]) for each in fields(Outputs))
        )


@dataclass(frozen=True, eq=False)
class Spoken:
    """Test clips, and what a network returned for them.

    Attributes:
        labels: What is compared: str, shape (labels,).
        columns: int, same shape; where these are among the model's labels.
        truth: int, shape (clips,), index of each clip's label.
        possible: bool, shape (clips, labels); which of them could be the answer.
        voices: str, shape (clips,); who speaks, '' if it is not known.
        utterance: For the utterances as recorded.
        conditions: For the same utterances in each of CONDITIONS; empty if that was not measured.
        met: For what these voices said in clips that trained the network; None if it trained on none of theirs.
        met_voices: str, shape (utterances,); who says each of those.
    """

    labels: np.ndarray
    columns: np.ndarray
    truth: np.ndarray
    possible: np.ndarray
    voices: np.ndarray
    utterance: Outputs
    conditions: dict[str, Outputs]
    met: Outputs | None = None
    met_voices: np.ndarray = field(default_factory=lambda: np.array([], dtype=np.str_))

    def restrict(self, probabilities: np.ndarray, clips: np.ndarray) -> np.ndarray:
        """Return what could be the answer: float32, shape (n, labels), rows that sum to 1.

        Args:
            probabilities: Of all that the model can say, shape (n, model labels).
            clips: int, shape (n,), index of the clip of each row.
        """
        kept = np.maximum(probabilities[:, self.columns], np.finfo(np.float32).tiny) * self.possible[clips]
        return (kept / kept.sum(axis=-1, keepdims=True)).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write FILE into `folder`."""
        values = dataclasses.asdict(self)
        heard = {_UTTERANCE: values.pop('utterance'), _MET: values.pop('met'), **values.pop('conditions')}
        outputs = {f'{name}.{key}': array for name, pair in heard.items() if pair for key, array in pair.items()}
        with whole_file(folder / FILE) as part, part.open('wb') as file:
            np.savez(file, **values, **outputs)

    @classmethod
    def load(cls, folder: Path) -> 'Spoken | None':
        """Return what `save` wrote into `folder`; None if there is no FILE."""
        if not (folder / FILE).is_file():
            return None
        with np.load(folder / FILE) as arrays:
            values = dict(arrays)
        names = dict.fromkeys(key.removesuffix('.logits') for key in values if key.endswith('.logits'))
        heard = {name: Outputs(*(values.pop(f'{name}.{each.name}') for each in fields(Outputs))) for name in names}
        return cls(**values, utterance=heard.pop(_UTTERANCE), met=heard.pop(_MET, None), conditions=heard)
