# SPDX-License-Identifier: Apache-2.0
"""Utterances of a whole recording at once, cut exactly as the live stream would be."""

import numpy as np

from ser_ros.audio.block import AudioBlock
from ser_ros.speech.framing import Framer
from ser_ros.speech.hearing import Hearing
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
    framer = Framer()
    chunks = framer.push(AudioBlock(samples, 0.0, 0.0)) + framer.flush()
    found = [utterance for chunk in chunks for utterance in hearing.hear(chunk)] + hearing.end()
    return [utterance for utterance in found if utterance.is_final]
