# SPDX-License-Identifier: Apache-2.0
"""Speech of people who act no emotion: what a node answers, and with what confidence at the model's temperature."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.recording import segment_recording
from ser_ros.speech.rejection import Rejection
from ser_ros.training.evaluation.coverage import LEAST_CONFIDENCES
from ser_ros.training.evaluation.held_out_speech import (
    FILE,
    HeldOutAnswers,
    SpeechAnswers,
    answer_held_out_speech,
    load_held_out_speech,
)

LABELS = ('neutral', 'calm', 'happy', 'angry')


def answers(*probabilities, speech='Laughs (cc0-1.0)', rejected=0):
    """Return the answers to four recordings with these probabilities at temperature 1, a row for each utterance."""
    return SpeechAnswers(
        speech=speech,
        recordings=4,
        rejected=rejected,
        longest_seconds=2.5,
        log_probabilities=np.log(probabilities).tolist(),
        outliers=[False] * len(probabilities),
    )


LAUGHS = answers(
    [0.1, 0.1, 0.7, 0.1],
    [0.1, 0.1, 0.6, 0.2],
    [0.0625, 0.03125, 0.0625, 0.84375],
    [0.9, 0.04, 0.03, 0.03],
    [0.2, 0.6, 0.1, 0.1],
)


def told(*folders, temperature):
    return HeldOutAnswers(labels=LABELS, folders=folders).at_temperature(temperature)


def points(speech):
    return {point.least_confidence: (point.share, point.most_frequent) for point in speech.emotions}


def test_neutral_and_calm_are_no_emotion():
    (laughs,) = told(LAUGHS, temperature=1.0)
    assert (laughs.speech, laughs.recordings, laughs.longest_seconds) == ('Laughs (cc0-1.0)', 4, 2.5)
    assert (laughs.utterances, laughs.rejected) == (5, 0)
    assert laughs.answers == {'neutral': 0.2, 'calm': 0.2, 'happy': 0.4, 'angry': 0.2, 'unknown': 0.0}
    found = points(laughs)
    assert tuple(found) == LEAST_CONFIDENCES
    assert found[0.0] == found[0.55] == (0.6, 'happy')
    assert found[0.65] == (0.4, 'happy')
    assert found[0.8] == (0.2, 'angry')
    assert found[0.9] == (0.0, '')


def test_what_is_rejected_counts_but_has_no_answer():
    laughs, nothing = told(replace(LAUGHS, rejected=15), answers(rejected=2, speech='Coughs'), temperature=1.0)
    assert (laughs.utterances, laughs.rejected) == (20, 15)
    assert laughs.answers == {'neutral': 0.05, 'calm': 0.05, 'happy': 0.1, 'angry': 0.05, 'unknown': 0.0}
    assert points(laughs)[0.0] == (0.15, 'happy')
    assert (nothing.utterances, nothing.rejected) == (2, 2)
    assert set(nothing.answers.values()) == {0.0} and set(points(nothing).values()) == {(0.0, '')}


def test_a_folder_in_which_nobody_speaks_has_no_answers():
    (silence,) = told(answers(), temperature=1.0)
    assert silence.utterances == 0 and set(silence.answers.values()) == {0.0}


def test_what_is_no_speech_is_neither_an_emotion_nor_none():
    (laughs,) = told(replace(LAUGHS, outliers=[True, False, False, True, False]), temperature=1.0)
    assert laughs.answers == {'neutral': 0.0, 'calm': 0.2, 'happy': 0.2, 'angry': 0.2, 'unknown': 0.4}
    assert points(laughs)[0.0] == (0.4, 'happy')


def test_confidences_are_those_of_the_temperature():
    (laughs,) = told(LAUGHS, temperature=4.0)
    assert laughs.answers == {'neutral': 0.2, 'calm': 0.2, 'happy': 0.4, 'angry': 0.2, 'unknown': 0.0}
    # The surest of them has 0.84375 ** 0.25 of the sum of all four, which is 0.43.
    assert points(laughs)[0.4] == (0.2, 'angry') and points(laughs)[0.45] == (0.0, '')
    (sharpened,) = told(LAUGHS, temperature=0.25)
    assert points(sharpened)[0.95] == (0.6, 'happy')


def test_each_folder_is_told_by_itself():
    laughs, speech = told(LAUGHS, answers([0.97, 0.01, 0.01, 0.01], speech='Plain'), temperature=1.0)
    assert (laughs.utterances, speech.utterances, speech.speech) == (5, 1, 'Plain')
    assert set(points(speech).values()) == {(0.0, '')}


def test_answers_are_kept_beside_the_model(tmp_path, refuses):
    assert HeldOutAnswers.load(tmp_path) is None
    kept = HeldOutAnswers(labels=LABELS, folders=(LAUGHS, answers([0.25] * 4, speech='Plain')))
    kept.save(tmp_path)
    assert HeldOutAnswers.load(tmp_path) == kept
    (tmp_path / FILE).write_text('{"folders": [{}]}')
    with refuses(FILE, 'make it again'):
        HeldOutAnswers.load(tmp_path)


@pytest.fixture
def folders(tmp_path, made_sound):
    """Return two folders of two and one recordings; the first has a dataset card."""
    for name, count in (('laughs', 2), ('plain', 1)):
        (tmp_path / name).mkdir()
        for number in range(count):
            soundfile.write(tmp_path / name / f'{number}.wav', made_sound('chord', 0.5 + number), 16_000)
    (tmp_path / 'laughs' / 'README.md').write_text('---\npretty_name: Laughs\nlicense: cc0-1.0\n---\n')
    return [tmp_path / 'laughs', tmp_path / 'plain']


def test_folders_go_by_the_names_of_their_cards(folders):
    speech = load_held_out_speech(folders, longest=1.0)
    assert {name: len(recordings) for name, recordings in speech.items()} == {
        'Laughs (cc0-1.0)': 2,
        'plain (licence not known)': 1,
    }
    for recordings in speech.values():
        assert all(recording.speech[1] - recording.speech[0] <= 1.0 for recording in recordings)


def test_folders_of_the_same_name_are_refused(folders, refuses):
    (folders[1] / 'README.md').write_text((folders[0] / 'README.md').read_text())
    with refuses('2 folders of held-out speech are called Laughs (cc0-1.0)', 'pretty_name'):
        load_held_out_speech(folders, longest=1.0)


def test_a_calibrated_model_keeps_what_it_would_say_at_temperature_1(spoken, tmp_path, monkeypatch):
    monkeypatch.setattr(Classifier, 'load', lambda folder: Made())
    (made,) = answer_held_out_speech(tmp_path, load_held_out_speech([spoken], longest=10.0)).folders
    assert (made.recordings, made.rejected) == (1, 0) and 0.0 < made.longest_seconds <= 10.0
    assert len(made.log_probabilities) >= 2
    for row in made.log_probabilities:
        assert np.exp(row) == pytest.approx([0.64, 0.04, 0.16, 0.16], abs=1e-3)


def test_utterances_that_the_node_would_reject_are_not_answered(spoken, tmp_path, monkeypatch):
    classifier = Made()
    monkeypatch.setattr(Classifier, 'load', lambda folder: classifier)
    speech = load_held_out_speech([spoken], longest=10.0)
    heard = len(answer_held_out_speech(tmp_path, speech).folders[0].log_probabilities)
    (recording,) = speech['spoken (licence not known)']
    assert classifier.heard == [
        len(utterance.samples) for utterance in segment_recording(recording.up_to_end_of_speech)
    ]
    monkeypatch.setattr('ser_ros.speech.rejection.Judge.judge', lambda *_: Rejection.NOISE)
    (rejected,) = answer_held_out_speech(tmp_path, speech).folders
    assert (rejected.rejected, rejected.log_probabilities) == (heard, [])


class Made:
    """A model with temperature 2 that answers everything alike, and notes how long it was."""

    labels = LABELS
    temperature = 2.0

    def __init__(self):
        self.heard = []

    def classify(self, samples):
        self.heard.append(len(samples))
        at_temperature_1 = np.array([0.64, 0.04, 0.16, 0.16])
        return Estimate(LABELS, np.float32(np.sqrt(at_temperature_1) / np.sqrt(at_temperature_1).sum()), 0.0)


@pytest.fixture
def spoken(tmp_path, demo_sound):
    """Return a folder with a recording of several utterances."""
    (tmp_path / 'spoken').mkdir()
    soundfile.write(tmp_path / 'spoken' / '0.wav', demo_sound, 16_000)
    return tmp_path / 'spoken'
