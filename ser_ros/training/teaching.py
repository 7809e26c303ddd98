# SPDX-License-Identifier: Apache-2.0
"""What teaches besides the labels: a fine-tuned model that has heard nothing that tests, and other speech."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.errors import SerError
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.other_speech import load_other_speech, refuse_clips_of
from ser_ros.training.data.splits import Split
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.recipe import Recipe
from ser_ros.training.learning.targets import OtherRecordings, Targets
from ser_ros.training.learning.teacher import FinetunedTeacher
from ser_ros.training.measuring.heard import heard_clips
from ser_ros.training.measuring.origins import pretraining_of, trainings_of
from ser_ros.training.measuring.provenance import pretrainings


@dataclass(frozen=True)
class Teaching:
    """Where it is; how much of it is used stands in the recipe.

    teacher: a fine-tuned model's folder, or one with a folder `fold-N` for each fold; None for no teacher.
    taught_speech, ordinary_speech: folders of audio.
    """

    teacher: Path | None = None
    taught_speech: tuple[Path, ...] = ()
    ordinary_speech: tuple[Path, ...] = ()

    def names(self) -> dict[str, Any]:
        """Return what reports call it, by their fields."""
        return {
            'teacher': self.teacher.resolve().name if self.teacher else '',
            'taught_speech': tuple(str(read_dataset_card(folder)) for folder in self.taught_speech),
            'ordinary_speech': tuple(str(read_dataset_card(folder)) for folder in self.ordinary_speech),
        }

    def load_speech(self, corpus: Corpus, recipe: Recipe) -> OtherRecordings:
        """Return as many recordings as the variants of the clips can have of their own. Raises SerError."""
        refuse_clips_of(corpus, (*self.taught_speech, *self.ordinary_speech))
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

    def targets(self, split: Split, corpus: Corpus, recipe: Recipe, features: VariantFeatures) -> Targets:
        """Return what the model should answer in the fold `split`. Raises SerError; see teacher_of."""
        if self.teacher is None:
            return Targets(corpus.labels)
        folder = teacher_of(self.teacher, split, corpus)
        distillation = recipe.distillation
        teacher = FinetunedTeacher(folder, corpus.labels, features, temperature=distillation.temperature)
        return Targets(corpus.labels, teacher, distillation.weight)


def teacher_of(folder: Path, split: Split, corpus: Corpus) -> Path:
    """Return the teacher for `split`: `folder`, or in it the folder of the same fold.

    Raises SerError where there is none, and where it has heard test clips or, where the protocol separates speakers,
    test speakers: the figures would be worth nothing.
    """
    chosen = folder / f'fold-{split.fold}' if split.folds > 1 and not (folder / 'config.json').is_file() else folder
    if not (chosen / 'config.json').is_file():
        raise SerError(f'the teacher {chosen} is not there; train it with --protocol {split.protocol} first')
    if not split.test:
        return chosen
    heard = heard_clips(chosen, corpus)
    if heard is None:
        raise SerError(f'{chosen} was not made by train, so nobody knows what it has heard; train it first')
    cure = f'train it with --protocol {split.protocol} on the same folds'
    _refuse_what_tests(f'the teacher {chosen}', heard, _speakers_of(heard, corpus), split, cure)
    return chosen


def refuse_weights_that_heard(checkpoint: str, split: Split, corpus: Corpus) -> None:
    """Raise SerError where `train` made the weights in the folder `checkpoint` from what tests in `split`.

    As in teacher_of, but of the trainings before the last only the speakers are known, and a checkpoint that does not
    tell is taken.
    """
    if not checkpoint or not split.test:
        return
    heard = heard_clips(Path(checkpoint), corpus) or set()
    trainings = [training for training in trainings_of(checkpoint) if training.corpus == corpus.name]
    people = _speakers_of(heard, corpus).union(*(training.train_speakers for training in trainings))
    cure = 'begin with weights that have not heard them, or test nothing (--protocol full)'
    _refuse_what_tests(f'{checkpoint}, with which this begins,', heard, people, split, cure)


def _refuse_what_tests(who: str, heard: set[str], people: set[int | str], split: Split, cure: str) -> None:
    clips = [clip for clip in split.test if clip.name in heard]
    if clips:
        raise SerError(f'{who} has heard {len(clips)} of the {len(split.test)} clips that test here; {cure}')
    people = people & {clip.speaker for clip in split.test}
    if people and 'paper' not in split.protocol:
        raise SerError(
            f'{who} has heard speakers that test here ({", ".join(map(str, sorted(people, key=str)))}); {cure}'
        )


def _speakers_of(heard: set[str], corpus: Corpus) -> set[int | str]:
    return {clip.speaker for clip in corpus.clips if clip.name in heard and clip.speaker is not None}


def refuse_heard(held_out_speech: Sequence[Path], teaching: Teaching, checkpoint: str) -> None:
    """Raise SerError where speech that is to be new to the model taught it, or pretrained the encoder `checkpoint`.

    Folders are known by what their dataset cards, or else they themselves, are called.
    """
    known = {read_dataset_card(folder).name for folder in (*teaching.taught_speech, *teaching.ordinary_speech)}
    known |= {data.name for each in pretrainings(pretraining_of(checkpoint)) for data in each.speech}
    for folder in held_out_speech:
        if read_dataset_card(folder).name in known:
            raise SerError(f'the model has heard {folder} in its training; give speech that it has not heard')
