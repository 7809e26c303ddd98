# SPDX-License-Identifier: Apache-2.0
"""When a node that hears given packets can detect each utterance, and when it must have decided its end."""

from dataclasses import dataclass

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.vad import CHUNK_SAMPLES

PACKET = CHUNK_SAMPLES
"""Samples: one chunk of the detector in each packet, so that the packet that decides is known."""

_FIRST_SILENCE = 1.0
_PAUSE = 1.0
"""Seconds of silence before and after each utterance."""
_BACKGROUND = 1e-3
"""Standard deviation of the white noise in it: -60 dBFS."""
_FULL_SCALE = 32768.0


@dataclass(frozen=True)
class Expected:
    """One utterance.

    Attributes:
        number: Counts utterances from 1.
        speech_end: Number of the packet with the last speech.
        decision: Number of the packet that decides the end.
    """

    number: int
    speech_end: int
    decision: int


@dataclass(frozen=True)
class Schedule:
    """What a node finds in some packets.

    Attributes:
        utterances: All that end, in order.
        numbers: How many utterance numbers it uses meanwhile.
    """

    utterances: tuple[Expected, ...]
    numbers: int


def lay_out(utterances: list[np.ndarray]) -> np.ndarray:
    """Return the utterances (float32, 16 kHz) with faint noise before, between and after them, as packets."""
    parts = [_noise(_FIRST_SILENCE)]
    for utterance in utterances:
        parts += [np.pad(utterance, (0, -len(utterance) % PACKET)), _noise(_PAUSE)]
    return _packets(np.concatenate(parts))


def background_noise(seconds: float) -> np.ndarray:
    """Return `seconds` of faint noise, as packets: int16, shape (n, PACKET), 16 kHz."""
    return _packets(_noise(seconds))


def expect(packets: np.ndarray) -> Schedule:
    """Return what the node's own detector and segmenter, at their defaults, find in `packets` (int16, (n, PACKET))."""
    hearing = Hearing()
    found = []
    for index, packet in enumerate(packets):
        samples = (packet / _FULL_SCALE).astype(np.float32)
        block = AudioBlock(samples, index * PACKET / SAMPLE_RATE, 0.0)
        for utterance in hearing.hear(block):
            last = round((utterance.start_time + utterance.duration) * SAMPLE_RATE) - 1
            found.append(Expected(utterance.number, last // PACKET, index))
    return Schedule(tuple(found), hearing.segmenter.utterances)


def _noise(seconds: float) -> np.ndarray:
    count = round(seconds * SAMPLE_RATE / PACKET) * PACKET
    return np.random.default_rng(0).normal(scale=_BACKGROUND, size=count).astype(np.float32)


def _packets(sound: np.ndarray) -> np.ndarray:
    return (sound * _FULL_SCALE).round().clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16).reshape(-1, PACKET)
