# SPDX-License-Identifier: Apache-2.0
"""Everything known about a run: the report that `train` writes into the folder of each model."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from ser_ros.training.data.protocols import fold_name
from ser_ros.training.evaluation.held_out_speech import HeldOutSpeech
from ser_ros.training.evaluation.scores import Evaluation
from ser_ros.training.provenance.origins import Origins
from ser_ros.training.provenance.pretraining_report import PretrainingReport
from ser_ros.training.storage.json_files import read_as
from ser_ros.training.storage.plain import from_plain

Kind = TypeVar('Kind', bound='Trained')

RANDOM = 'random'
"""Initial weights without a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What the report of a run and the summary of a protocol's folds have in common.

    Attributes:
        selection: How the checkpoint was chosen, a key of SELECTIONS.
        initial_weights: Name of a checkpoint, or 'random'.
        teacher: Name of the model that taught besides the labels; '' if none did.
        taught_speech: Speech that the teacher labelled; empty if there was none.
        ordinary_speech: Speech that counted as ordinary; empty if there was none.
        outliers: Sounds that are no speech, which its detector learned of; empty if there were none.
        inliers: Other speech that the detector learned not to take for them; empty if there was none.
        held_out_speech: Answers to each folder of it; empty if there was none. In a summary, means over folds.
        settings: The recipe, as plain values.
        remarks: Sentences on the data: what was left out, and what differs from the published counts.
    """

    recipe: str
    corpus: str
    protocol: str
    folds: int
    selection: str
    labels: tuple[str, ...]
    test_clips: int
    initial_weights: str
    pretraining: PretrainingReport | None
    teacher: str
    taught_speech: tuple[str, ...]
    ordinary_speech: tuple[str, ...]
    outliers: tuple[str, ...]
    inliers: tuple[str, ...]
    held_out_speech: tuple[HeldOutSpeech, ...]
    parameters: int
    model_megabytes: float
    training_minutes: float
    processes: int
    seed: int
    settings: dict[str, Any]
    hardware: str
    versions: dict[str, str]
    remarks: tuple[str, ...]

    @classmethod
    def from_json(cls: type[Kind], values: Any) -> Kind:
        """Return the object that `to_json` was called on. Raises ValueError for anything else."""
        return from_plain(cls, values)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @property
    def is_random(self) -> bool:
        """Whether the model started from random weights."""
        return self.initial_weights == RANDOM

    @property
    def description(self) -> str:
        """Of the recipe."""
        return self.settings['description'].strip()

    @property
    def choices(self) -> str:
        """How the recipe's values were chosen; may be empty."""
        return self.settings['selection'].strip()


@dataclass(frozen=True, kw_only=True)
class RunReport(Origins, Trained):
    """One run.

    Attributes:
        test_corpora: Names of the corpora of the test clips.
        evaluation: None if there were no test clips.
        validation_accuracy: Of the chosen checkpoint, 0..1; None if there were no validation clips.
        temperature: What logits are divided by.
        calibrated_on: The clips that the temperature was fitted to; '' for none.
        training_log: The Trainer's entries.
    """

    fold: int
    validation_clips: int
    validation_speakers: tuple[int | str, ...]
    test_corpora: tuple[str, ...]
    test_speakers: tuple[int | str, ...]
    evaluation: Evaluation | None
    validation_accuracy: float | None
    chosen_step: int
    steps: int
    steps_per_second: float | None
    peak_gpu_memory_gib: float | None
    temperature: float
    calibrated_on: str
    training_log: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """Recipe and protocol, and the fold if there are several."""
        return f'{self.recipe}, {fold_name(self.protocol, self.fold, self.folds)}'

    @property
    def epochs(self) -> int:
        """As set in the recipe."""
        return self.settings['optimisation']['epochs']

    @property
    def batch_size(self) -> int:
        """As set in the recipe."""
        return self.settings['optimisation']['batch_size']


def read_run_report(path: Path) -> RunReport | None:
    """Return the report of `train` in the file `path`; None if there is none. Raises SerError; see read_as."""
    return read_as(RunReport, path, 'train_clips')
