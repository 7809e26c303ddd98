# SPDX-License-Identifier: Apache-2.0
"""Utterances of a whole recording at once, cut exactly as the live stream would be."""

import numpy as np

from ser_ros.audio.block import AudioBlock
from ser_ros.speech.framing import Framer
from ser_ros.speech.segmenter import SegmentationConfig, Segmenter, Utterance
from ser_ros.speech.vad import SileroVad, VoiceActivityDetector


def segment_recording(
    samples: np.ndarray,
    config: SegmentationConfig | None = None,
    detector: VoiceActivityDetector | None = None,
) -> list[Utterance]:
    """Return the final utterances of `samples` (float32, shape (n,), 16 kHz); times count from its first sample.

    Without a `detector` a new Silero VAD listens.
    """
    detector = detector or SileroVad()
    segmenter = Segmenter(config or SegmentationConfig())
    framer = Framer()
    chunks = framer.push(AudioBlock(samples, 0.0, 0.0)) + framer.flush()
    found = [
        utterance for chunk in chunks for utterance in segmenter.push(chunk, detector.speech_probability(chunk.samples))
    ]
    return [utterance for utterance in found + segmenter.flush() if utterance.is_final]
