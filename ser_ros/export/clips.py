# SPDX-License-Identifier: Apache-2.0
"""The real speech on which an optimised form is compared with its model."""

from pathlib import Path

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.errors import SerError
from ser_ros.places import files_below
from ser_ros.resources import share_folder
from ser_ros.speech.recording import segment_recording

_PIECES = (1.0, 2.0, 3.0)
"""Seconds: the beginnings of the demo's utterances that interim answers hear."""
_SOFT = np.float32(0.1)
"""20 dB softer."""
_SUFFIXES = ('.wav', '.flac')


def clips_of_demo() -> list[np.ndarray]:
    """Return the utterances of the package's own recording, their beginnings, and all of these 20 dB softer."""
    clips = [
        utterance.samples for utterance in segment_recording(read_recording(share_folder() / 'demo/recording.flac'))
    ]
    counts = [round(seconds * SAMPLE_RATE) for seconds in _PIECES]
    clips += [clip[:count] for clip in clips for count in counts if len(clip) > count]
    return clips + [clip * _SOFT for clip in clips]


def clips_in(folder: Path, count: int | None, seed: int = 0) -> list[np.ndarray]:
    """Return the utterances in the WAV and FLAC files below `folder`, of `count` files drawn by `seed` where given.

    If no speech is found in a file, it is used as it is. Raises SerError if there is no such file.
    """
    files = [path for path in files_below(folder) if path.suffix.lower() in _SUFFIXES]
    if not files:
        raise SerError(f'there is no WAV or FLAC file in {folder}; give a folder with recordings of speech')
    if count is not None and count < len(files):
        chosen = np.random.default_rng(seed).choice(len(files), size=count, replace=False)
        files = [files[index] for index in sorted(chosen)]
    clips = []
    for file in files:
        samples = read_recording(file)
        clips += [utterance.samples for utterance in segment_recording(samples)] or [samples]
    return clips
