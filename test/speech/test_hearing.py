# SPDX-License-Identifier: Apache-2.0
"""The stream of chunks becomes utterances, and whoever spoke before is forgotten."""

import numpy as np
import pytest

from ser_ros.audio.block import AudioBlock
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.segmenter import SegmentationConfig
from ser_ros.speech.vad import CHUNK_SAMPLES


class Scripted:
    """A detector that hears what it is told to, chunk after chunk, and notes at which chunk it was reset."""

    def __init__(self, *parts):
        self.script = [probability for probability, count in parts for _ in range(count)]
        self.chunks = 0
        self.resets = []

    def reset(self):
        self.resets.append(self.chunks)

    def speech_probability(self, chunk):
        self.chunks += 1
        return self.script[self.chunks - 1]


def hear(detector, **segmentation):
    """Return the utterances of the whole script, and what hears them."""
    hearing = Hearing(SegmentationConfig(**segmentation), detector=detector)
    found = []
    for index in range(len(detector.script)):
        sound = np.random.default_rng(index).normal(scale=0.1, size=CHUNK_SAMPLES).astype(np.float32)
        found += hearing.hear(AudioBlock(sound, index * 0.032, 0.0))
    return found, hearing


def test_the_detector_forgets_who_spoke_when_the_utterance_has_ended():
    detector = Scripted((0.0, 10), (0.9, 20), (0.0, 40), (0.9, 20), (0.0, 40))
    found, _ = hear(detector)
    assert len(found) == 2
    assert detector.resets == [10 + 20 + 16, 10 + 20 + 40 + 20 + 16]


@pytest.mark.parametrize('segmentation', [{'interim_period': 0.2}, {'max_utterance': 1.0}])
def test_while_somebody_speaks_it_remembers(segmentation):
    detector = Scripted((0.0, 10), (0.9, 100))
    found, _ = hear(detector, **segmentation)
    assert len(found) >= 2 and detector.resets == []


def test_a_voice_that_was_too_short_is_no_utterance_and_nothing_to_forget():
    detector = Scripted((0.0, 10), (0.9, 3), (0.0, 40))
    assert hear(detector)[0] == [] and detector.resets == []


def test_at_the_end_what_is_under_way_is_an_utterance_and_the_stream_is_forgotten():
    detector = Scripted((0.0, 10), (0.9, 20))
    found, hearing = hear(detector)
    assert found == []
    assert [utterance.is_final for utterance in hearing.end()] == [True]
    assert detector.resets == [30] and hearing.end() == []


def test_the_noise_floor_hears_every_chunk():
    _, hearing = hear(Scripted((0.0, 100)))
    assert hearing.noise_floor.level == pytest.approx(-20, abs=0.5)
