# SPDX-License-Identifier: Apache-2.0
"""Real speech of any length, from the package's own recording or a user's."""

from pathlib import Path

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.errors import SerError
from ser_ros.resources import share_folder
from ser_ros.speech.recording import segment_recording


def read_speech(file: Path | None) -> np.ndarray:
    """Return a recording (float32, 16 kHz): `file`, or the package's own. Raises SerError."""
    return read_recording(file or share_folder() / 'demo' / 'recording.flac')


def utterances_of(recording: np.ndarray) -> list[np.ndarray]:
    """Return its utterances. Raises SerError if there is no speech."""
    found = [utterance.samples for utterance in segment_recording(recording)]
    if not found:
        raise SerError('no speech was found in this recording; give one with speech')
    return found


def speech_of(utterances: list[np.ndarray], seconds: float) -> np.ndarray:
    """Return `seconds` of speech: the utterances one after another, repeated as needed."""
    count = round(seconds * SAMPLE_RATE)
    joined = np.concatenate(utterances)
    return np.tile(joined, -(-count // len(joined)))[:count]
