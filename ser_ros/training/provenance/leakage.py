# SPDX-License-Identifier: Apache-2.0
"""Keeps apart what a model has heard and what tests it: a figure on heard clips says nothing about new ones."""

from collections.abc import Sequence
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.splits import Split
from ser_ros.training.provenance.heard import choosing_test_clips, heard_clips
from ser_ros.training.provenance.origins import pretraining_of, trainings_of
from ser_ros.training.provenance.pretraining_report import pretrainings


def choose_clips(models: Sequence[Path], corpus: Corpus, *, all_clips: bool) -> tuple[tuple[Clip, ...], list[str]]:
    """Return the clips on which the models are to be tested, and what a reader of the figures must know of them.

    Left out are those that any of the model folders `models` has heard; none with `all_clips`.
    Raises SerError where no clip is left, and where a table of a model folder is damaged.
    """
    heard, choosing, notes = set(), set(), []
    for model in models:
        known = heard_clips(model, corpus)
        if known is None:
            notes.append(f'which clips trained {model.name} is not known: a test figure only if none of these did')
        heard |= known or set()
        choosing |= choosing_test_clips(model, corpus)
    clips = tuple(clip for clip in corpus.clips if all_clips or clip.name not in heard)
    counted = f'{len(heard)} of {len(corpus.clips)} clips'
    if not clips:
        raise SerError(
            f'all {len(corpus.clips)} clips of {corpus.name} trained the model or chose its checkpoint, so none is '
            'left for a test; give other clips, or --all-clips for figures that tell nothing of new ones'
        )
    if heard and all_clips:
        notes.append(f'{counted} trained the model or chose its checkpoint: not a test figure')
    elif heard:
        notes.append(f'{counted} trained the model or chose its checkpoint: left out')
    chose = sum(clip.name in choosing for clip in clips)
    if chose:
        notes.append(f'{chose} of the clips chose the checkpoint as test clips, as Gavali and Verma did: optimistic')
    return clips, notes


def refuse_teacher_that_heard(teacher: Path, split: Split, corpus: Corpus) -> None:
    """Raise SerError where the model in the folder `teacher` has heard what tests in `split`.

    That is a test clip or, where the protocol separates speakers, a test speaker.
    """
    if not split.test:
        return
    heard = heard_clips(teacher, corpus)
    if heard is None:
        raise SerError(f'{teacher} was not made by train, so nobody knows what it has heard; train it first')
    cure = f'train it with --protocol {split.protocol} on the same folds'
    _refuse_what_tests(f'the teacher {teacher}', heard, _speakers_of(heard, corpus), split, cure)


def refuse_weights_that_heard(checkpoint: str, split: Split, corpus: Corpus) -> None:
    """Raise SerError where `train` made the weights in the folder `checkpoint` from what tests in `split`.

    As in refuse_teacher_that_heard, but of the trainings before the last only the speakers are known, and a checkpoint
    that does not tell is taken.
    """
    if not checkpoint or not split.test:
        return
    heard = heard_clips(Path(checkpoint), corpus) or set()
    trainings = [training for training in trainings_of(checkpoint) if training.corpus == corpus.name]
    people = _speakers_of(heard, corpus).union(*(training.train_speakers for training in trainings))
    cure = 'begin with weights that have not heard them, or test nothing (--protocol full)'
    _refuse_what_tests(f'{checkpoint}, with which this begins,', heard, people, split, cure)


def refuse_speech_that_was_heard(held_out: Sequence[Path], heard: Sequence[Path], checkpoint: str) -> None:
    """Raise SerError where speech that is to be new to the model is in `heard`, or pretrained the encoder `checkpoint`.

    Folders are known by what their dataset cards, or else they themselves, are called.
    """
    known = {read_dataset_card(folder).name for folder in heard}
    known |= {data.name for each in pretrainings(pretraining_of(checkpoint)) for data in each.speech}
    for folder in held_out:
        if read_dataset_card(folder).name in known:
            raise SerError(f'the model has heard {folder} in its training; give speech that it has not heard')


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
