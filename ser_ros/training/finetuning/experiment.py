# SPDX-License-Identifier: Apache-2.0
"""The task of one `train` command."""

from dataclasses import dataclass
from pathlib import Path

from ser_ros.training.data.corpus import Corpus
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe
from ser_ros.training.finetuning.teaching import Teaching
from ser_ros.training.reporting.supplement import Supplement


@dataclass(frozen=True)
class Experiment:
    """What all folds of one command share.

    Attributes:
        recipe_name: For the reports.
        recipe: How the model is trained.
        corpus: The clips that train and test.
        out: Folder of the model, or, if the protocol has several folds, of a folder `fold-N` for each.
        command: How to repeat it, for the reports.
        supplement: What the card shows besides the run's own report.
        resume: Whether to keep finished folds and continue an interrupted one.
        selects_on_test: Whether the test clips choose the checkpoint, as in Gavali and Verma.
        report_to: Trackers that transformers knows.
        teaching: What teaches besides the labels.
        conditions: Whether to measure the test clips in noise, in a room, over a telephone and softer as well.
        held_out_speech: Folders of speech of people who act no emotion, one for each kind; reports say how the
            model answers it.
    """

    recipe_name: str
    recipe: FinetuningRecipe
    corpus: Corpus
    out: Path
    command: str
    supplement: Supplement = Supplement()
    resume: bool = False
    selects_on_test: bool = False
    report_to: tuple[str, ...] = ()
    teaching: Teaching = Teaching()
    conditions: bool = False
    held_out_speech: tuple[Path, ...] = ()
