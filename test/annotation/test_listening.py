# SPDX-License-Identifier: Apache-2.0
"""That a recording is heard as the node hears it, with its times."""

import numpy as np
import pytest

from ser_ros.annotation.listening import annotate
from ser_ros.audio.file import FileSource, read_recording
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.errors import SerError, SettingError, named
from ser_ros.speech.recording import segment_recording


def hear(path, recogniser, **options):
    options = {'min_confidence': 0.0, 'on_progress': lambda blocks, utterances: None} | options
    return annotate(FileSource(path, realtime=False, clock=lambda: 100.0), recogniser, **options)


def test_every_utterance_is_found_with_its_time_and_its_samples(recording, said, recogniser):
    found = hear(recording, recogniser)
    assert [annotation.start_time - 100.0 for annotation in found] == pytest.approx(
        [utterance['start'] for utterance in said], abs=0.15
    )
    assert [annotation.duration for annotation in found] == pytest.approx(
        [utterance['duration'] for utterance in said], abs=0.3
    )
    assert [annotation.utterance for annotation in found] == [1, 2, 3, 4, 5, 6]
    assert [annotation.emotion for annotation in found] == list(LABELS[:6])
    assert recogniser.learned == [annotation.estimate for annotation in found]
    expected = segment_recording(read_recording(recording))
    for samples, utterance in zip(recogniser.heard, expected, strict=True):
        np.testing.assert_array_equal(samples, utterance.samples)


def test_what_the_model_is_not_sure_of_is_unknown(recording, recogniser):
    found = hear(recording, recogniser, min_confidence=recogniser.confidence + 0.01)
    assert [annotation.emotion for annotation in found] == [UNKNOWN] * 6
    assert [annotation.estimate.label for annotation in found] == list(LABELS[:6])


def test_a_model_that_fails_ends_it_with_the_place(recording, recogniser, refuses):
    def fail(samples, cancellation, voice):
        raise RuntimeError('out of memory')

    recogniser.classify = fail
    with refuses('101.', 'out of memory', 'try model.device cpu'):
        hear(recording, recogniser)


def test_a_cure_by_another_device_has_the_name_that_the_user_knows(recording, recogniser):
    def fail(samples, cancellation, voice):
        raise SettingError('model.device', lambda name: f'NaN on cuda; use {name} cpu')

    recogniser.classify = fail
    with pytest.raises(SettingError) as caught:
        hear(recording, recogniser)
    sentence = named(caught.value, {'model.device': '--device'})
    assert sentence.endswith('(NaN on cuda; use --device cpu); try --device cpu')


def test_of_a_file_that_breaks_off_what_is_there_is_heard(tmp_path, recording, said, recogniser):
    whole = recording.read_bytes()
    broken = tmp_path / 'broken.flac'
    broken.write_bytes(whole[: len(whole) // 2])
    found = hear(broken, recogniser)
    assert 2 <= len(found) < len(said)
    assert found[0].start_time - 100.0 == pytest.approx(said[0]['start'], abs=0.15)


def test_a_file_that_is_gone_ends_it(tmp_path, recogniser):
    with pytest.raises(SerError):
        hear(tmp_path / 'gone.flac', recogniser)
