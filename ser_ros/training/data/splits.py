# SPDX-License-Identifier: Apache-2.0
"""Which clips train and which test. Every figure states the protocol that it was measured with."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from sklearn.model_selection import train_test_split

from ser_ros.errors import SerError
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.protocols import LEAVE_ONE_CORPUS_OUT, PROTOCOLS, fold_name

EMOBOX_TEST_SPEAKERS = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
"""Test actors of the six folds that are used in the literature (EmoBox, Ma et al. 2024, arXiv 2406.07162)."""

_PAPER_TEST_SHARE = 0.2

_OWN_FOLDS = 6

_DIGITS = 18
"""Of the longest number of a speaker; what is longer is a name."""


@dataclass(frozen=True)
class Split:
    """One fold of a protocol.

    No clip is in two of `train`, `validation` and `test`; only choose_on_test_clips makes the last two the same.

    Attributes:
        protocol: One of PROTOCOLS, or a trial on the validation clips of one.
        fold: Counts from 1.
        folds: How many the protocol has.
        train: The clips that train.
        validation: The clips on which the checkpoint is chosen; may be empty.
        test: The clips that test; may be empty.
        left_out: Clips that could only test, and whose emotion no clip that trains has: no model could be right.
    """

    protocol: str
    fold: int
    folds: int
    train: tuple[Clip, ...]
    validation: tuple[Clip, ...]
    test: tuple[Clip, ...]
    left_out: tuple[Clip, ...] = ()

    @property
    def name(self) -> str:
        """The protocol, and the fold if it has several."""
        return fold_name(self.protocol, self.fold, self.folds)


def make_splits(
    clips: tuple[Clip, ...],
    protocol: str,
    *,
    validation_share: float,
    seed: int,
    train_only: Collection[str] = (),
    test_only: Collection[str] = (),
) -> list[Split]:
    """Return the folds of `protocol`, numbered from 1.

    Args:
        clips: All clips.
        protocol: One of PROTOCOLS.
        validation_share: Share of the clips outside the test that is held out, 0..1: whole speakers if the protocol
            separates speakers, otherwise stratified by emotion; 0 for none.
        seed: Draws what is not fixed by speakers.
        train_only: Names of corpora whose clips train in every fold, and neither validate nor test.
        test_only: Names of corpora that a model of the others is tested on; for leave-one-corpus-out.

    Raises:
        SerError: The protocol is not known, an actor that it needs has no clip, speakers are not named or too few, an
            emotion has too few clips for a stratified split, a corpus shares too few emotions with the others, or the
            protocol has no use for corpora that only train or only test.
    """
    if test_only and protocol != LEAVE_ONE_CORPUS_OUT:
        raise SerError(
            f'{protocol} tests on the clips of the data that also train; leave out --test-only, or use '
            f'{LEAVE_ONE_CORPUS_OUT}'
        )
    if protocol == LEAVE_ONE_CORPUS_OUT:
        return _corpora_apart(clips, validation_share, train_only, test_only)
    if train_only:
        return _with_more_to_train(clips, protocol, validation_share, seed, train_only)
    if protocol == 'full':
        return [Split(protocol, 1, 1, clips, (), ())]
    if protocol == 'paper':
        train, test = _stratified(clips, _PAPER_TEST_SHARE, seed)
        train, validation = _stratified(train, validation_share, seed)
        return [Split(protocol, 1, 1, train, validation, test)]
    if protocol not in PROTOCOLS:
        raise SerError(f"the protocol '{protocol}' is not known; use one of {', '.join(PROTOCOLS)}")
    tested = _test_speakers(clips, protocol, seed)
    splits = []
    for fold, test_speakers in enumerate(tested, start=1):
        rest = tuple(clip for clip in clips if clip.speaker not in test_speakers)
        held_out = _validation_speakers(rest, validation_share)
        splits.append(
            Split(
                protocol,
                fold,
                len(tested),
                train=tuple(clip for clip in rest if clip.speaker not in held_out),
                validation=tuple(clip for clip in rest if clip.speaker in held_out),
                test=tuple(clip for clip in clips if clip.speaker in test_speakers),
            )
        )
    return splits


def _with_more_to_train(
    clips: tuple[Clip, ...],
    protocol: str,
    validation_share: float,
    seed: int,
    train_only: Collection[str],
) -> list[Split]:
    """Return the folds of the other clips, in each of which those of `train_only` train too."""
    more = tuple(clip for clip in clips if clip.corpus in train_only)
    rest = tuple(clip for clip in clips if clip.corpus not in train_only)
    if not rest:
        raise SerError(f'all clips only train, and {protocol} needs others; give them with --data')
    splits = make_splits(rest, protocol, validation_share=validation_share, seed=seed)
    return [replace(split, train=split.train + more) for split in splits]


def _corpora_apart(
    clips: tuple[Clip, ...], validation_share: float, train_only: Collection[str], test_only: Collection[str]
) -> list[Split]:
    corpora = tuple(dict.fromkeys(clip.corpus for clip in clips))
    if len(corpora) < 2:
        raise SerError(f'all clips are of the corpus {corpora[0]}, and {LEAVE_ONE_CORPUS_OUT} needs several; give more')
    tests = tuple(corpus for corpus in corpora if corpus not in train_only)
    if not tests:
        raise SerError(f'all clips only train, and {LEAVE_ONE_CORPUS_OUT} needs others; give them with --data')
    splits = []
    for fold, tested in enumerate(tests, start=1):
        rest = tuple(clip for clip in clips if clip.corpus != tested and clip.corpus not in test_only)
        held_out = _validation_speakers(tuple(clip for clip in rest if clip.corpus not in train_only), validation_share)
        train = tuple(clip for clip in rest if clip.speaker not in held_out)
        trained = {clip.emotion for clip in train}
        of_corpus = tuple(clip for clip in clips if clip.corpus == tested)
        test = tuple(clip for clip in of_corpus if clip.emotion in trained)
        if len({clip.emotion for clip in test}) < 2:
            raise SerError(
                f'{tested} shares fewer than two emotions with the other corpora, so it cannot test them; leave it '
                'out, or give it as a table with their labels'
            )
        splits.append(
            Split(
                LEAVE_ONE_CORPUS_OUT,
                fold,
                len(tests),
                train=train,
                validation=tuple(clip for clip in rest if clip.speaker in held_out),
                test=test,
                left_out=tuple(clip for clip in of_corpus if clip.emotion not in trained),
            )
        )
    return splits


def choose_on_test_clips(split: Split) -> Split:
    """Return `split` as in Gavali and Verma: all other clips train, and the test clips choose the checkpoint."""
    return replace(split, train=split.train + split.validation, validation=split.test)


def measure_on_validation_clips(split: Split) -> Split:
    """Return `split` without its test clips: a trial, for choosing values of a recipe.

    Raises SerError if the split has no validation clips.
    """
    if not split.validation:
        raise SerError('there are no validation clips to measure on; give validation.share a value above 0')
    return replace(split, protocol=f'validation ({split.protocol})', validation=(), test=split.validation, left_out=())


def _test_speakers(clips: tuple[Clip, ...], protocol: str, seed: int) -> tuple[tuple[int | str, ...], ...]:
    speakers = {clip.speaker for clip in clips if clip.speaker is not None}
    if nameless := sum(clip.speaker is None for clip in clips):
        raise SerError(
            f'{nameless} of {len(clips)} clips name no speaker, and {protocol} needs one for each; '
            'fill the column speaker, or use the protocol paper'
        )
    if len(speakers) < 2:
        raise SerError(f'all clips are of one speaker, and {protocol} tests on others; give more speakers')
    ordered = sorted(speakers, key=lambda speaker: (isinstance(speaker, str), speaker))
    if protocol == 'leave-one-speaker-out':
        return tuple((speaker,) for speaker in ordered)
    if _are_ravdess(clips):
        actors = {_number(speaker): speaker for speaker in speakers}
        missing = sorted({actor for fold in EMOBOX_TEST_SPEAKERS for actor in fold} - actors.keys())
        if missing:
            raise SerError(
                f'actors {", ".join(map(str, missing))} have no clip in the data, and {protocol} needs them; '
                'complete the data folder'
            )
        return tuple(tuple(actors[actor] for actor in fold) for fold in EMOBOX_TEST_SPEAKERS)
    order = np.random.default_rng(seed).permutation(len(ordered))
    folds = min(_OWN_FOLDS, len(ordered))
    return tuple(tuple(ordered[index] for index in sorted(part)) for part in np.array_split(order, folds))


def _are_ravdess(clips: tuple[Clip, ...]) -> bool:
    """Distinguish RAVDESS from a user's own table, whose speakers may be numbered too, by its two sentences."""
    sentences = set(RAVDESS.codes['statement'].values())
    actors = set(map(int, RAVDESS.codes['speaker'].values()))
    return all(clip.statement in sentences and _number(clip.speaker) in actors for clip in clips)


def _number(speaker: int | str | None) -> int | None:
    """Return the number of a speaker, also of `CORPUS:NUMBER`; None for others."""
    number = str(speaker).rpartition(':')[2]
    return int(number) if number.isdecimal() and len(number) <= _DIGITS else None


def _validation_speakers(clips: tuple[Clip, ...], share: float) -> set[int | str]:
    """Return every n-th speaker of `clips`, which are `share` of all; clips of nobody always train."""
    present = sorted(
        {clip.speaker for clip in clips if clip.speaker is not None},
        key=lambda speaker: (isinstance(speaker, str), speaker),
    )
    if share and not present:
        raise SerError('no clip names a speaker who could be held out for validation; set validation.share=0')
    count = math.ceil(share * len(present) - 1e-9)
    if not count:
        return set()
    if count >= len(present):
        raise SerError(
            f'{len(present)} speakers are too few to hold {count} out for validation; give more of the data, or '
            'validation.share=0 for the last checkpoint'
        )
    step = len(present) // count
    return set(present[step // 2 :: step][:count])


def _stratified(clips: tuple[Clip, ...], share: float, seed: int) -> tuple[tuple[Clip, ...], tuple[Clip, ...]]:
    if not share:
        return clips, ()
    try:
        rest, part = train_test_split(
            clips, test_size=share, stratify=[clip.emotion for clip in clips], random_state=seed
        )
    except ValueError as error:
        raise SerError(f'the data cannot be split by emotion ({error}); give more clips of each') from None
    return tuple(rest), tuple(part)
