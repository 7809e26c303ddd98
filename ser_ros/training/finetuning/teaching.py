# SPDX-License-Identifier: Apache-2.0
"""What teaches besides the labels: a fine-tuned model that has heard nothing that tests, and other speech."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.errors import SerError
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.other_speech import load_other_speech, refuse_clips_of
from ser_ros.training.data.splits import Split
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe
from ser_ros.training.finetuning.teacher_classifier import TeacherClassifier
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.targets import OtherRecordings, Targets
from ser_ros.training.provenance.leakage import refuse_teacher_that_heard


@dataclass(frozen=True)
class Teaching:
    """Where it is; how much of it is used stands in the recipe.

    teacher: a fine-tuned model's folder, or one with a folder `fold-N` for each fold; None for no teacher.
    taught_speech, ordinary_speech: folders of audio.
    """

    teacher: Path | None = None
    taught_speech: tuple[Path, ...] = ()
    ordinary_speech: tuple[Path, ...] = ()

    @property
    def speech(self) -> tuple[Path, ...]:
        """All folders of audio."""
        return (*self.taught_speech, *self.ordinary_speech)

    def names(self) -> dict[str, Any]:
        """Return what reports call it, by their fields."""
        return {
            'teacher': self.teacher.resolve().name if self.teacher else '',
            'taught_speech': tuple(str(read_dataset_card(folder)) for folder in self.taught_speech),
            'ordinary_speech': tuple(str(read_dataset_card(folder)) for folder in self.ordinary_speech),
        }

    def load_speech(self, corpus: Corpus, recipe: FinetuningRecipe) -> OtherRecordings:
        """Return as many recordings as the variants of the clips can have of their own. Raises SerError."""
        refuse_clips_of(corpus, self.speech)
        asked = recipe.other_speech
        rounds = recipe.augmentation.variants or recipe.optimisation.epochs
        values: dict[str, Any] = {'longest': asked.longest, 'seed': recipe.seed}
        return OtherRecordings(
            taught=load_other_speech(self.taught_speech, rounds * asked.taught, emotion='', **values),
            ordinary=load_other_speech(
                self.ordinary_speech, rounds * asked.ordinary, emotion=asked.ordinary_emotion, **values
            ),
            taught_count=asked.taught,
            ordinary_count=asked.ordinary,
        )

    def targets(self, split: Split, corpus: Corpus, recipe: FinetuningRecipe, features: VariantFeatures) -> Targets:
        """Return what the model should answer in the fold `split`. Raises SerError; see teacher_of."""
        if self.teacher is None:
            return Targets(corpus.labels)
        folder = teacher_of(self.teacher, split, corpus)
        distillation = recipe.distillation
        teacher = TeacherClassifier(folder, corpus.labels, features, temperature=distillation.temperature)
        return Targets(corpus.labels, teacher, distillation.weight)


def teacher_of(folder: Path, split: Split, corpus: Corpus) -> Path:
    """Return the teacher for `split`: `folder`, or in it the folder of the same fold.

    Raises SerError where there is none, and where it has heard what tests; see refuse_teacher_that_heard.
    """
    chosen = folder / f'fold-{split.fold}' if split.folds > 1 and not (folder / 'config.json').is_file() else folder
    if not (chosen / 'config.json').is_file():
        raise SerError(f'the teacher {chosen} is not there; train it with --protocol {split.protocol} first')
    refuse_teacher_that_heard(chosen, split, corpus)
    return chosen
