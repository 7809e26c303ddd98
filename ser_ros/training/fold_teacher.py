# SPDX-License-Identifier: Apache-2.0
"""Which fine-tuned model may teach in a fold: one that has heard nothing that tests there."""

from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.splits import Split
from ser_ros.training.measuring.heard import heard_clips


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
    clips = [clip for clip in split.test if clip.name in heard]
    if clips:
        raise SerError(
            f'the teacher {chosen} has heard {len(clips)} of the {len(split.test)} clips that test here; '
            f'train it with --protocol {split.protocol} on the same folds'
        )
    people = {clip.speaker for clip in corpus.clips if clip.name in heard} & {clip.speaker for clip in split.test}
    if people - {None} and 'paper' not in split.protocol:
        raise SerError(
            f'the teacher {chosen} has heard speakers that test here ({", ".join(map(str, sorted(people, key=str)))}); '
            f'train it with --protocol {split.protocol} on the same folds'
        )
    return chosen
