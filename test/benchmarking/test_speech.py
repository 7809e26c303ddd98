# SPDX-License-Identifier: Apache-2.0
"""Speech of any length."""

import numpy as np
import pytest
import soundfile

from ser_ros.benchmarking.speech import read_speech, speech_of, utterances_of


@pytest.mark.parametrize('seconds', [0.5, 1.0, 2.5])
def test_speech_is_as_long_as_asked_for_and_repeats_itself(seconds):
    utterances = [np.full(8_000, 0.1, dtype=np.float32), np.full(4_000, 0.2, dtype=np.float32)]
    speech = speech_of(utterances, seconds)
    assert len(speech) == round(seconds * 16_000)
    assert np.array_equal(speech, np.resize(np.concatenate(utterances), len(speech)))


def test_the_packages_own_recording_has_speech():
    assert len(utterances_of(read_speech(None))) > 1


def test_a_recording_in_which_nobody_speaks_is_refused(tmp_path, made_sound, refuses):
    soundfile.write(tmp_path / 'hum.wav', made_sound('hum', 1.0), 16_000)
    with refuses('no speech'):
        utterances_of(read_speech(tmp_path / 'hum.wav'))
