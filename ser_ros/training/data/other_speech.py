# SPDX-License-Identifier: Apache-2.0
"""Folders of sound without labels: as files, and as clips beside those of a corpus."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError
from ser_ros.places import files_below
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.recordings import Recording, load_recordings

SUFFIXES = ('.wav', '.flac', '.ogg', '.oga', '.opus', '.mp3', '.aif', '.aiff', '.au', '.caf', '.w64')
"""Of the formats of libsndfile that state their own rate."""

_OUTLIER_SPEEDS = (0.75, 1.35)
"""Of tempo and pitch: a few recordings as of many people, from the largest to children."""


def audio_files(folder: Path) -> dict[str, Path]:
    """Return the audio files anywhere below `folder` by names that are the same on every machine, in their order.

    Raises SerError if there is none.
    """
    files = [path for path in files_below(folder) if path.suffix.lower() in SUFFIXES] if folder.is_dir() else []
    if not files:
        what = 'holds no audio file' if folder.is_dir() else 'is not a folder'
        raise SerError(f'{folder} {what}; give a folder with {", ".join(SUFFIXES[:4])} or the like')
    root = folder.resolve().name
    return dict(sorted((f'{root}/{path.relative_to(folder).as_posix()}', path) for path in files))


def audio_files_of(folders: Sequence[Path]) -> dict[str, Path]:
    """Return the audio files of all folders; see audio_files. Raises SerError if two folders have the same name."""
    found: dict[str, Path] = {}
    for folder in folders:
        files = audio_files(folder)
        if found.keys() & files.keys():
            raise SerError(f'two folders are called {folder.resolve().name}; give each only once, or rename one')
        found |= files
    return found


def refuse_clips_of(corpus: Corpus, folders: Sequence[Path]) -> None:
    """Raise SerError if a folder of other speech holds clips of the corpus: some of them may be test clips.

    They are recognised by their paths, and copies of RAVDESS's clips by their names.
    """
    clips = {clip.path.resolve() for clip in corpus.clips} | {clip.name for clip in corpus.clips}
    for folder in folders:
        same = sum(path.resolve() in clips or path.stem in clips for path in audio_files(folder).values())
        if same:
            raise SerError(f'{folder} holds {same} clips of {corpus.name}, and clips that test must not be heard')


def load_other_speech(
    folders: Sequence[Path], count: int | None, *, emotion: str, longest: float, seed: int
) -> list[Recording]:
    """Return recordings of the audio files in `folders`.

    Args:
        folders: Where the files are, at any depth.
        count: How many files are drawn; all if there are fewer, or for None.
        emotion: Their label; '' for none.
        longest: Seconds of speech that are used of a recording.
        seed: Determines the draw.

    Raises:
        SerError: A folder holds no audio, two folders have the same name, or a file cannot be used.
    """
    found = [Clip(path=path, name=name, emotion=emotion) for name, path in audio_files_of(folders).items()]
    drawn = np.random.default_rng(seed).permutation(len(found))[:count]
    recordings = load_recordings([found[index] for index in sorted(drawn)])
    return [
        replace(recording, speech=(recording.speech[0], min(recording.speech[1], recording.speech[0] + longest)))
        for recording in recordings
    ]


def load_outliers(folders: Sequence[Path], count: int, *, longest: float, seed: int) -> list[Recording]:
    """Return `count` recordings without a label of the audio files in `folders`, in turn, each at a speed of its own.

    Raises SerError; see load_other_speech, also for the other arguments.
    """
    found = load_other_speech(folders, None, emotion='', longest=longest, seed=seed) if count else []
    rng = np.random.default_rng(seed)
    return [_at_speed(found[index % len(found)], rng.uniform(*_OUTLIER_SPEEDS), index) for index in range(count)]


def _at_speed(recording: Recording, speed: float, copy: int) -> Recording:
    start, end = recording.speech
    return replace(
        recording,
        clip=replace(recording.clip, name=f'{recording.clip.name}, copy {copy}'),
        samples=soxr.resample(recording.samples, SAMPLE_RATE * speed, SAMPLE_RATE),
        speech=(start / speed, end / speed),
    )
