# SPDX-License-Identifier: Apache-2.0
"""Utterances of a whole recording at once, cut and judged exactly as the live stream would be."""

from collections.abc import Iterator

import numpy as np

from ser_ros.audio.block import AudioBlock
from ser_ros.speech.framing import Framer
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.rejection import Rejection
from ser_ros.speech.segmenter import SegmentationConfig, Utterance
from ser_ros.speech.vad import VoiceActivityDetector


def segment_recording(
    samples: np.ndarray,
    config: SegmentationConfig | None = None,
    detector: VoiceActivityDetector | None = None,
) -> list[Utterance]:
    """Return the final utterances of `samples` (float32, shape (n,), 16 kHz); times count from its first sample.

    Nothing is rejected. Without a `detector` a new `FusedVad` listens.
    """
    hearing = Hearing(config, detector=detector)
    return list(_hear(hearing, samples))


def judge_recording(samples: np.ndarray) -> list[tuple[Utterance, Rejection | None]]:
    """Return the final utterances of `samples` (see segment_recording), and why the node would not answer each.

    None for those that it would answer, with the default parameters.
    """
    hearing = Hearing()
    return [(utterance, hearing.rejection(utterance)) for utterance in _hear(hearing, samples)]


def _hear(hearing: Hearing, samples: np.ndarray) -> Iterator[Utterance]:
    """Yield each final utterance at once: how loud the background is, by which it is judged, changes."""
    framer = Framer()
    for chunk in framer.push(AudioBlock(samples, 0.0, 0.0)) + framer.flush():
        yield from (utterance for utterance in hearing.hear(chunk) if utterance.is_final)
    yield from (utterance for utterance in hearing.end() if utterance.is_final)
