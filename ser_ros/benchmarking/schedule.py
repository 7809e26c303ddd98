# SPDX-License-Identifier: Apache-2.0
"""When a node that hears given sound in packets can know of each utterance, and when it must have decided its end."""

from dataclasses import dataclass

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.speech.segmenter import SegmentationConfig, Segmenter
from ser_ros.speech.vad import CHUNK_SAMPLES, SileroVad

PACKET = CHUNK_SAMPLES
"""Samples: one chunk of the detector in each packet, so that the packet that decides is known."""


@dataclass(frozen=True)
class Expected:
    """One utterance. speech_end, decision: numbers of the packets with the last speech, and that decided the end."""

    number: int
    speech_end: int
    decision: int


def expect(sound: np.ndarray, config: SegmentationConfig) -> list[Expected]:
    """Return what the node's own segmenter finds in `sound` (float32, 16 kHz, whole packets)."""
    segmenter, detector = Segmenter(config), SileroVad()
    found = []
    for packet in range(len(sound) // PACKET):
        samples = sound[packet * PACKET : (packet + 1) * PACKET]
        block = AudioBlock(samples, packet * PACKET / SAMPLE_RATE, 0.0)
        for utterance in segmenter.push(block, detector.speech_probability(samples)):
            if utterance.is_final:
                end = utterance.start_time + utterance.duration
                found.append(Expected(utterance.number, int((end * SAMPLE_RATE - 1) // PACKET), packet))
    return found
