# SPDX-License-Identifier: Apache-2.0
"""What teaches besides the labels: a fine-tuned model that has heard no test clips, and other speech."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.errors import SerError
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.other_speech import load_other_speech, load_outliers, refuse_clips_of
from ser_ros.training.data.recordings import Recording
from ser_ros.training.data.splits import Split
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe
from ser_ros.training.finetuning.teacher_classifier import TeacherClassifier
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.targets import OtherRecordings, Targets
from ser_ros.training.provenance.leakage import refuse_teacher_that_heard


@dataclass(frozen=True)
class Teaching:
    """Where it is; the recipe states how much of it is used.

    Attributes:
        teacher: A fine-tuned model's folder, or one with a folder `fold-N` for each fold; None for no teacher.
        taught_speech: Folders of audio that only the teacher labels.
        ordinary_speech: Folders of audio of people who act no emotion.
        outliers: Folders of sounds of people that are no speech.
        inliers: Folders of speech that is not to be taken for them.
    """

    teacher: Path | None = None
    taught_speech: tuple[Path, ...] = ()
    ordinary_speech: tuple[Path, ...] = ()
    outliers: tuple[Path, ...] = ()
    inliers: tuple[Path, ...] = ()

    @property
    def speech(self) -> tuple[Path, ...]:
        """All folders of audio."""
        return (*self.taught_speech, *self.ordinary_speech, *self.outliers, *self.inliers)

    def names(self) -> dict[str, Any]:
        """Return the names for reports, by their fields."""
        return {
            'teacher': self.teacher.resolve().name if self.teacher else '',
            'taught_speech': tuple(str(read_dataset_card(folder)) for folder in self.taught_speech),
            'ordinary_speech': tuple(str(read_dataset_card(folder)) for folder in self.ordinary_speech),
            'outliers': tuple(str(read_dataset_card(folder)) for folder in self.outliers),
            'inliers': tuple(str(read_dataset_card(folder)) for folder in self.inliers),
        }

    def load_speech(self, corpus: Corpus, recipe: FinetuningRecipe) -> OtherRecordings:
        """Return as many recordings as all variants of the clips need. Raises SerError."""
        refuse_clips_of(corpus, self.speech)
        amounts = recipe.other_speech
        rounds = recipe.augmentation.variants or recipe.optimisation.epochs or 1  # a frozen encoder has no epochs
        values: dict[str, Any] = {'longest': amounts.longest, 'seed': recipe.seed}
        return OtherRecordings(
            taught=load_other_speech(self.taught_speech, rounds * amounts.taught, emotion='', **values),
            ordinary=load_other_speech(
                self.ordinary_speech, rounds * amounts.ordinary, emotion=amounts.ordinary_emotion, **values
            ),
            taught_count=amounts.taught,
            ordinary_count=amounts.ordinary,
        )

    def load_outliers(self, recipe: FinetuningRecipe) -> list[Recording]:
        """Return as many copies of the outliers as the recipe wants. Raises SerError."""
        amounts = recipe.other_speech
        return load_outliers(self.outliers, amounts.outliers, longest=amounts.longest, seed=recipe.seed)

    def load_inliers(self, recipe: FinetuningRecipe) -> list[Recording]:
        """Return as much of the speech that is no outlier as the recipe wants. Raises SerError."""
        amounts = recipe.other_speech
        return load_other_speech(self.inliers, amounts.inliers, emotion='', longest=amounts.longest, seed=recipe.seed)

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

    Raises SerError if there is none, or if it has heard test clips; see refuse_teacher_that_heard.
    """
    chosen = folder / f'fold-{split.fold}' if split.folds > 1 and not (folder / 'config.json').is_file() else folder
    if not (chosen / 'config.json').is_file():
        raise SerError(f'the teacher {chosen} does not exist; train it with --protocol {split.protocol} first')
    refuse_teacher_that_heard(chosen, split, corpus)
    return chosen
