# SPDX-License-Identifier: Apache-2.0
import math
import time

import numpy as np
import pytest

from ser_msgs.msg import Emotion
from ser_ros.affect import valence_arousal
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.node.messages import seconds, to_message
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance


def message(*, min_confidence=0.0, start_time=1795371376.2, ended_ago=0.25):
    probabilities = np.array([0.1, 0.6, 0.1, 0.05, 0.05, 0.05, 0.03, 0.02], dtype=np.float32)
    utterance = Utterance(
        number=3,
        samples=np.zeros(16000, dtype=np.float32),
        start_time=start_time,
        duration=1.5,
        end_arrival=time.monotonic() - ended_ago,
        is_final=True,
    )
    estimate = Estimate(LABELS, probabilities, 0.01)
    return to_message(utterance, estimate, model='m', frame_id='ear', min_confidence=min_confidence)


def test_all_fields_are_filled():
    sent = message()
    assert isinstance(sent, Emotion)
    assert (sent.utterance, sent.is_final, sent.emotion, sent.model) == (3, True, Emotion.CALM, 'm')
    assert sent.confidence == pytest.approx(0.6)
    assert list(sent.labels) == list(LABELS)
    assert list(sent.probabilities) == pytest.approx([0.1, 0.6, 0.1, 0.05, 0.05, 0.05, 0.03, 0.02])
    assert (sent.valence, sent.arousal) == pytest.approx(valence_arousal(LABELS, sent.probabilities))
    assert math.isnan(sent.direction)
    assert seconds(sent.duration) == 1.5
    assert sent.header.frame_id == 'ear'


@pytest.mark.parametrize('start_time', [0.0, 0.9999999999, 1795371376.2, 1795371376.999999999])
def test_stamps_are_exact_to_a_microsecond_and_well_formed(start_time):
    stamp = message(start_time=start_time).header.stamp
    assert 0 <= stamp.nanosec < 1_000_000_000
    assert seconds(stamp) == pytest.approx(start_time, abs=1e-6)


@pytest.mark.parametrize('start_time', [-0.9, -1e-9, -1e12, 2.0**31 - 0.2, 2.0**31, 1e12])
def test_what_ros_cannot_hold_becomes_the_nearest_that_it_can(start_time):
    """A voice just before simulated time began, and senders that stamp with any time."""
    stamp = message(start_time=start_time).header.stamp
    assert (stamp.sec, stamp.nanosec) == (0, 0) if start_time < 0.0 else stamp.sec == 2**31 - 1


def test_latency_runs_from_the_last_sample():
    assert 0.25 <= seconds(message(ended_ago=0.25).latency) < 1.0


def test_below_the_least_confidence_the_emotion_is_unknown_and_the_rest_stays():
    sent = message(min_confidence=0.7)
    assert sent.emotion == UNKNOWN == Emotion.UNKNOWN
    assert sent.confidence == pytest.approx(0.6)


def test_the_message_has_a_constant_for_every_label():
    assert {getattr(Emotion, label.upper()) for label in LABELS} == set(LABELS)
