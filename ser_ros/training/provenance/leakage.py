# SPDX-License-Identifier: Apache-2.0
"""Keeps the clips that a model has heard out of its tests: figures on heard clips say nothing about new ones."""

from collections.abc import Sequence
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.dataset_card import read_dataset_card
from ser_ros.training.data.splits import Split
from ser_ros.training.provenance.heard import choosing_test_clips, clips_of_earlier_speakers, heard_clips
from ser_ros.training.provenance.origins import pretraining_of, trainings_of
from ser_ros.training.provenance.pretraining_report import pretrainings


def choose_clips(models: Sequence[Path], corpus: Corpus, *, all_clips: bool) -> tuple[tuple[Clip, ...], list[str]]:
    """Return the clips to test the models on, and what a reader of the figures must know about them.

    Left out are those that any of the model folders `models` has heard, and those of speakers who trained the weights
    that it started from; none with `all_clips`.

    Raises:
        SerError: No clip is left, or a table of a model folder is damaged.
    """
    heard, of_earlier_speakers, choosing, notes = set(), set(), set(), []
    for model in models:
        heard_by_model = heard_clips(model, corpus)
        if heard_by_model is None:
            notes.append(f'which clips trained {model.name} is not known: a test figure only if none of these did')
        heard |= heard_by_model or set()
        of_earlier_speakers |= clips_of_earlier_speakers(model, corpus)
        choosing |= choosing_test_clips(model, corpus)
    of_earlier_speakers -= heard
    known = heard | of_earlier_speakers
    clips = tuple(clip for clip in corpus.clips if all_clips or clip.name not in known)
    if not clips:
        raise SerError(
            f'all {len(corpus.clips)} clips of {corpus.name} trained the model or chose its checkpoint, or are of '
            'speakers who trained it before, so none is left for a test; give other clips, or --all-clips for figures '
            'that say nothing about new ones'
        )
    for names, what in (
        (heard, 'trained the model or chose its checkpoint'),
        (of_earlier_speakers, 'are of speakers who trained the weights that it started from'),
    ):
        if names:
            verdict = 'not a test figure' if all_clips else 'left out'
            notes.append(f'{len(names)} of {len(corpus.clips)} clips {what}: {verdict}')
    chose = sum(clip.name in choosing for clip in clips)
    if chose:
        notes.append(f'{chose} of the clips chose the checkpoint as test clips, as Gavali and Verma did: optimistic')
    return clips, notes


def refuse_teacher_that_heard(teacher: Path, split: Split, corpus: Corpus) -> None:
    """Raise SerError if the model in the folder `teacher` has heard test data of `split`.

    That is a test clip or, if the protocol separates speakers, a test speaker.
    """
    if not split.test:
        return
    heard = heard_clips(teacher, corpus)
    if heard is None:
        raise SerError(f'{teacher} was not made by train, so it is not known what it has heard; train it first')
    cure = f'train it with --protocol {split.protocol} on the same folds'
    _refuse_what_tests(f'the teacher {teacher}', heard, _people_of(heard, corpus), split, cure)


def refuse_weights_that_heard(checkpoint: str, split: Split, corpus: Corpus) -> None:
    """Raise SerError if `train` made the weights in the folder `checkpoint` from test data of `split`.

    As in refuse_teacher_that_heard, but for trainings before the last one only the speakers are known, and a checkpoint
    of unknown origin is accepted.
    """
    if not checkpoint or not split.test:
        return
    heard = heard_clips(Path(checkpoint), corpus) or set()
    people = _people_of(heard, corpus).union(*(training.train_speakers for training in trainings_of(checkpoint)))
    cure = 'give weights that have not heard them, or test nothing (--protocol full)'
    _refuse_what_tests(f'{checkpoint}, whose weights are used here,', heard, people, split, cure)


def refuse_speech_that_was_heard(held_out: Sequence[Path], heard: Sequence[Path], checkpoint: str) -> None:
    """Raise SerError if speech that must be new to the model is in `heard`, or pretrained the encoder `checkpoint`.

    Folders are recognised by the names in their dataset cards, otherwise by their own names.
    """
    heard_names = {read_dataset_card(folder).name for folder in heard}
    heard_names |= {data.name for one in pretrainings(pretraining_of(checkpoint)) for data in one.speech}
    for folder in held_out:
        if read_dataset_card(folder).name in heard_names:
            raise SerError(f'the model has heard {folder} in its training; give speech that it has not heard')


def _refuse_what_tests(who: str, heard: set[str], people: set[tuple[str, str]], split: Split, cure: str) -> None:
    clips = [clip for clip in split.test if clip.name in heard]
    if clips:
        raise SerError(f'{who} has heard {len(clips)} of the {len(split.test)} clips that test here; {cure}')
    testing = {clip.person: str(clip.speaker) for clip in split.test if clip.person in people}
    if testing and 'paper' not in split.protocol:
        raise SerError(f'{who} has heard speakers that test here ({", ".join(sorted(testing.values()))}); {cure}')


def _people_of(heard: set[str], corpus: Corpus) -> set[tuple[str, str]]:
    return {clip.person for clip in corpus.clips if clip.name in heard and clip.person}
