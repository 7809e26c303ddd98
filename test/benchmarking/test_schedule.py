# SPDX-License-Identifier: Apache-2.0
"""Which packet decides the end of an utterance, by the real detector and segmenter."""

import pytest

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.benchmarking.schedule import PACKET, background_noise, expect, lay_out
from ser_ros.benchmarking.speech import read_speech, utterances_of
from ser_ros.speech.segmenter import SegmentationConfig

_PACKET_SECONDS = PACKET / SAMPLE_RATE


@pytest.fixture(scope='module')
def said():
    return utterances_of(read_speech(None))


def test_every_utterance_is_decided_one_end_silence_after_its_last_speech(said):
    schedule = expect(lay_out(said[:2]))
    assert [utterance.number for utterance in schedule.utterances] == [1, 2]
    assert schedule.numbers == 2
    latency = SegmentationConfig().latency
    for utterance in schedule.utterances:
        waited = (utterance.decision - utterance.speech_end) * _PACKET_SECONDS
        # The end is sharpened inside what the detector found, so more than the end silence may lie between.
        assert latency - _PACKET_SECONDS <= waited <= latency + 0.5


def test_without_the_deciding_packet_nothing_is_decided(said):
    packets = lay_out(said[:1])
    decision = expect(packets).utterances[0].decision
    assert expect(packets[:decision]).utterances == ()
    assert expect(packets[: decision + 1]).utterances == expect(packets).utterances


def test_the_speech_is_kept_to_the_sample_step(said):
    packets = lay_out(said[:1])
    before = round(SAMPLE_RATE / PACKET) * PACKET
    heard = packets.ravel()[before : before + len(said[0])] / 32768
    assert abs(heard - said[0]).max() <= 0.5 / 32768 + 1e-9


def test_nobody_speaks_in_the_background_noise():
    packets = background_noise(3.0)
    assert packets.shape == (round(3.0 * SAMPLE_RATE / PACKET), PACKET)
    assert 0 < abs(packets).max() < 300
    assert expect(packets).numbers == 0
