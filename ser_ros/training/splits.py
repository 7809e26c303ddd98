# SPDX-License-Identifier: Apache-2.0
"""Which clips train and which test. Every figure carries the name of the protocol that it was measured with."""

from dataclasses import dataclass

from sklearn.model_selection import train_test_split

from ser_ros.errors import SerError
from ser_ros.training.ravdess import Clip

EMOBOX_TEST_SPEAKERS = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
"""Test actors of the six folds that others report on (EmoBox, Ma et al. 2024, arXiv 2406.07162)."""

PROTOCOLS = {
    'paper': 'one 80:20 split stratified by emotion; the same actors are on both sides',
    'speaker-independent': 'six folds (EmoBox), each tested on four actors that it has not heard',
    'leave-one-speaker-out': 'one fold for each actor',
    'full': 'every clip trains, none tests',
}

_PAPER_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """One fold of a protocol; no clip is both in `train` and in `test`."""

    protocol: str
    fold: int
    folds: int
    train: tuple[Clip, ...]
    test: tuple[Clip, ...]

    @property
    def name(self) -> str:
        """The protocol, and the fold where it has several."""
        return f'{self.protocol} fold {self.fold} of {self.folds}' if self.folds > 1 else self.protocol


def make_splits(clips: tuple[Clip, ...], protocol: str, *, seed: int) -> list[Split]:
    """Return the folds of `protocol`, numbered from 1; `seed` draws the paper's split and no other.

    Raises SerError where an actor that the protocol needs has no clip, or an emotion too few for a stratified split.
    """
    if protocol == 'full':
        return [Split(protocol, 1, 1, clips, ())]
    if protocol == 'paper':
        return [_stratified_split(clips, seed)]
    speakers = sorted({clip.speaker for clip in clips})
    if protocol == 'speaker-independent':
        tested = EMOBOX_TEST_SPEAKERS
    elif protocol == 'leave-one-speaker-out':
        tested = tuple((speaker,) for speaker in speakers)
    else:
        raise SerError(f"the protocol '{protocol}' is not known; use one of {', '.join(PROTOCOLS)}")
    missing = sorted({speaker for fold in tested for speaker in fold} - set(speakers))
    if missing or len(tested) < 2:
        which = f'actors {", ".join(map(str, missing))} have' if missing else 'all but one actor have'
        raise SerError(f'{which} no clip in the data, and {protocol} needs them; complete the data folder')
    return [
        Split(
            protocol,
            fold,
            len(tested),
            train=tuple(clip for clip in clips if clip.speaker not in test_speakers),
            test=tuple(clip for clip in clips if clip.speaker in test_speakers),
        )
        for fold, test_speakers in enumerate(tested, start=1)
    ]


def hold_out_for_validation(split: Split, speakers: int = 4) -> Split:
    """Return a split of `split.train` alone, whose test clips are those of every n-th training actor.

    Hyper-parameters are chosen on it, so that nobody looks at the test clips before the recipe is fixed.
    Raises SerError where there are too few actors.
    """
    present = sorted({clip.speaker for clip in split.train})
    if len(present) <= speakers:
        raise SerError(f'{len(present)} training actors are too few to hold {speakers} out; give more of the data')
    step = len(present) // speakers
    held_out = set(present[step // 2 :: step][:speakers])
    return Split(
        f'validation ({split.protocol})',
        split.fold,
        split.folds,
        train=tuple(clip for clip in split.train if clip.speaker not in held_out),
        test=tuple(clip for clip in split.train if clip.speaker in held_out),
    )


def _stratified_split(clips: tuple[Clip, ...], seed: int) -> Split:
    try:
        train, test = train_test_split(
            clips, test_size=_PAPER_TEST_SHARE, stratify=[clip.emotion for clip in clips], random_state=seed
        )
    except ValueError as error:
        raise SerError(f'the data cannot be split 80:20 by emotion ({error}); complete the data folder') from None
    return Split('paper', 1, 1, tuple(train), tuple(test))
