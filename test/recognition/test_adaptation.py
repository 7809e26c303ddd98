# SPDX-License-Identifier: Apache-2.0
"""What a model learns about a voice and a room from utterances, and what it does not take for the voice."""

import dataclasses
import os
import shutil
import zipfile

import numpy as np
import pytest
from permissions import permissions_count

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.emotions import LABELS as EMOTIONS
from ser_ros.errors import SerError
from ser_ros.recognition.adaptation import (
    MOST_VOICES,
    ORDINARY_SHIFT,
    Adaptation,
    AdaptationConfig,
    Heard,
    expecting,
)
from ser_ros.recognition.adaptation_file import load_heard, store_heard
from ser_ros.recognition.adaptation_prior import FILE, AdaptationPrior, read_prior, write_prior
from ser_ros.recognition.adapting_classifier import AdaptingClassifier
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.model_output import ModelOutput

LABELS = ('neutral', 'angry', 'sad')
WIDTH = 4
CENTROIDS = np.array([[0, 0, 0, 0], [4, 0, 0, 0], [0, 4, 0, 0]], dtype=np.float32)
WEIGHTS = np.array([[0, 0, 0, 0], [2, -1, 0, 0], [-1, 2, 0, 0]], dtype=np.float32)
BIAS = np.array([3, 0, 0], dtype=np.float32)
OFFSET = np.array([2, -1, 1, 0], dtype=np.float32)
"""Of a voice whose ordinary speech sounds angry to a model that does not know it."""
CALM_OFFSET = np.array([-1, -1, 0, 2], dtype=np.float32)
"""Of a voice that every model of the tests understands at once."""


@pytest.fixture
def prior():
    return AdaptationPrior(
        labels=LABELS,
        weights=WEIGHTS,
        centroids=CENTROIDS,
        prior_counts=np.full(WIDTH, 2.0, dtype=np.float32),
        typical_duration=0.1,
    )


class Network:
    """A backend whose pooled state is the first samples of the sound."""

    kind, device, degraded, window, temperature, labels = 'made', 'cpu', '', None, 2.0, LABELS

    def run(self, samples, cancellation):
        pooled = samples[:WIDTH]
        return ModelOutput(WEIGHTS @ pooled + BIAS, pooled)


def sound(label, offset=OFFSET, noise=0.0, seed=0):
    samples = np.zeros(16_000, dtype=np.float32)
    samples[:WIDTH] = CENTROIDS[LABELS.index(label)] + offset
    samples[:WIDTH] += np.random.default_rng(seed).normal(scale=noise, size=WIDTH)
    return samples


def classifier(prior):
    return Classifier(Network(), name='made', prior=prior)


def say(adapting, label, times, *, voice='', **options):
    """Let it hear an utterance that many times, and return its last answer."""
    for seed in range(times):
        estimate = adapting.classify(sound(label, noise=0.3, seed=seed, **options), voice=voice)
        adapting.hear(estimate)
    return estimate


def test_with_nothing_heard_it_answers_as_the_model_itself(prior):
    adapting = AdaptingClassifier(classifier(prior))
    for label in LABELS:
        answer = adapting.classify(sound(label))
        assert (answer.probabilities == classifier(prior).classify(sound(label)).probabilities).all()
        assert answer.heard == 0


@pytest.mark.parametrize(('seconds', 'doubt'), [(0.25, 2.0), (0.5, 2**0.5), (1.0, 1.0), (4.0, 1.0)])
def test_of_an_utterance_shorter_than_most_it_is_less_sure(prior, seconds, doubt):
    """By the root of what is missing, whether it adapts or not; the network's answer is the same."""
    samples = np.resize(sound('sad'), int(seconds * SAMPLE_RATE))
    typical = classifier(dataclasses.replace(prior, typical_duration=1.0))
    never = classifier(prior).classify(samples)
    assert never.doubt == 1.0
    for answer in (typical.classify(samples), AdaptingClassifier(typical).classify(samples)):
        assert answer.doubt == pytest.approx(doubt)
        expected = never.probabilities ** (1.0 / doubt)
        np.testing.assert_allclose(answer.probabilities, expected / expected.sum(), rtol=1e-4)


def test_a_voice_that_sounds_angry_is_ordinary_once_it_is_known(prior):
    adapting = AdaptingClassifier(classifier(prior))
    assert classifier(prior).classify(sound('neutral')).label == 'angry'
    say(adapting, 'neutral', 20)
    assert adapting.classify(sound('neutral')).label == 'neutral'
    assert adapting.classify(sound('angry')).label == 'angry'
    assert adapting.classify(sound('sad')).label == 'sad'
    assert adapting.classify(sound('sad')).heard == 20


@pytest.mark.parametrize('share', [0.01, 0.5, 0.8])
def test_so_much_ordinary_speech_is_expected_once_anything_was_heard(prior, share):
    adaptation = Adaptation(prior, AdaptationConfig(ordinary_share=share))
    even = np.full(3, 1 / 3, dtype=np.float32)
    assert (expecting(even, adaptation.odds()) == even).all()
    for heard in (1, 2000):
        adaptation.restore(Heard(heard, 1.0, np.zeros(WIDTH)), {})
        assert expecting(even, adaptation.odds()) == pytest.approx([share, *[(1 - share) / 2] * 2])
    adaptation.configure(AdaptationConfig(enabled=False, ordinary_share=share))
    assert (expecting(even, adaptation.odds()) == even).all()
    adaptation.configure(AdaptationConfig(ordinary_share=share))
    adaptation.forget()
    assert (expecting(even, adaptation.odds()) == even).all()


def test_what_it_learns_does_not_come_from_what_it_expects(prior):
    offsets = []
    for share in (0.5, 0.95, 0.01):
        adapting = AdaptingClassifier(classifier(prior), AdaptationConfig(ordinary_share=share))
        for label in LABELS:
            say(adapting, label, 8)
        offsets.append(adapting.adaptation.offset())
    np.testing.assert_allclose(offsets[1:], offsets[:1] * 2, rtol=1e-3)


def test_an_utterance_teaches_by_what_its_own_answer_expected(prior):
    """The share may change, or all be forgotten, between an answer and what is learned of it."""
    offsets = []
    for then in (lambda it: None, lambda it: it.configure(AdaptationConfig(ordinary_share=0.95)), Adaptation.forget):
        adapting = AdaptingClassifier(classifier(prior))
        say(adapting, 'neutral', 5)
        estimate = adapting.classify(sound('angry'))
        then(adapting.adaptation)
        before = adapting.adaptation.all_heard()[0].residuals
        adapting.hear(estimate)
        offsets.append(adapting.adaptation.all_heard()[0].residuals - before)
    np.testing.assert_allclose(offsets[1:], offsets[:1] * 2, rtol=1e-6)


@pytest.mark.parametrize('voice', ['', 'anna'])
def test_half_of_what_moves_ordinary_labels_against_the_others_is_taken_for_the_voice(prior, voice):
    adaptation = Adaptation(prior)
    residuals = 100 * OFFSET.astype(np.float64)
    heard = Heard(100, 100.0, residuals)
    adaptation.restore(heard, {'anna': heard} if voice else {})
    moved = ModelOutput(np.zeros(3, dtype=np.float32), np.zeros(WIDTH, dtype=np.float32))
    moves = -adaptation.adapt(moved, voice)
    whole = WEIGHTS @ adaptation.offset(voice)
    assert moves[1:] == pytest.approx(whole[1:], rel=1e-5)
    apart = whole[0] - whole[1:].mean()
    assert moves[0] - moves[1:].mean() == pytest.approx(ORDINARY_SHIFT * apart, rel=1e-5)


@pytest.mark.parametrize('labels', [('angry', 'sad', 'happy'), ('neutral', 'calm')])
def test_where_all_labels_or_none_are_ordinary_nothing_is_expected(labels):
    size = len(labels)
    adaptation = Adaptation(
        AdaptationPrior(labels, WEIGHTS[:size], CENTROIDS[:size], np.full(WIDTH, 2.0, dtype=np.float32), 0.1)
    )
    adaptation.restore(Heard(50, 50.0, np.zeros(WIDTH)), {})
    assert np.isfinite(adaptation.adapt(ModelOutput(np.zeros(size, np.float32), np.zeros(WIDTH, np.float32)))).all()
    answer = np.array([0.5, 0.3, 0.2], dtype=np.float32)[:size] / np.float32([0.5, 0.3, 0.2][:size]).sum()
    np.testing.assert_allclose(expecting(answer, adaptation.odds()), answer, rtol=1e-6)


def test_without_a_prior_it_answers_as_the_classifier_does(prior):
    adapting = AdaptingClassifier(classifier(None))
    answer = say(adapting, 'neutral', 3, voice='anna')
    assert adapting.adaptation is None
    assert (answer.label, answer.heard, answer.voice) == ('angry', 0, 'anna')


def test_the_offset_that_it_finds_is_that_of_the_voice(prior):
    adapting = AdaptingClassifier(classifier(prior))
    adaptation = adapting.adaptation
    say(adapting, 'neutral', 100, offset=CALM_OFFSET)
    assert np.abs(adaptation.offset() - CALM_OFFSET).max() < 1.0  # the centroids are four apart


def test_anger_that_goes_on_does_not_become_ordinary(prior):
    adapting = AdaptingClassifier(classifier(prior))
    say(adapting, 'neutral', 20)
    assert say(adapting, 'angry', 40).label == 'angry'


def test_it_learns_only_from_what_it_is_given_to_hear(prior):
    adapting = AdaptingClassifier(classifier(prior))
    adaptation = adapting.adaptation
    for _ in range(3):
        adapting.classify(sound('neutral'))
    assert adaptation.heard() == 0
    assert not adaptation.offset().any()


def test_what_was_heard_before_the_memory_loses_its_weight(prior):
    adapting = AdaptingClassifier(classifier(prior), AdaptationConfig(memory=10))
    adaptation = adapting.adaptation
    say(adapting, 'neutral', 50)
    say(adapting, 'neutral', 60, offset=CALM_OFFSET)
    assert np.abs(adaptation.offset() * 12 / 10 - CALM_OFFSET).max() < 1.0  # ten utterances, and a prior worth two
    assert adaptation.heard() == 110


def test_two_voices_known_by_name_keep_apart(prior):
    adapting = AdaptingClassifier(classifier(prior))
    adaptation = adapting.adaptation
    for _ in range(10):
        say(adapting, 'neutral', 2, voice='anna', offset=CALM_OFFSET)
        say(adapting, 'neutral', 2, voice='ben', offset=np.zeros(WIDTH))
    assert np.abs(adaptation.offset('anna') - adaptation.offset('ben') - CALM_OFFSET).max() < 0.4
    answer = adapting.classify(sound('neutral', offset=np.zeros(WIDTH)), voice='ben')
    assert (answer.voice, answer.heard, answer.label) == ('ben', 20, 'neutral')
    assert adaptation.heard() == 40


def test_a_voice_that_is_new_starts_at_what_the_microphone_heard(prior):
    adapting = AdaptingClassifier(classifier(prior))
    adaptation = adapting.adaptation
    say(adapting, 'neutral', 20)
    assert (adaptation.offset('carla') == adaptation.offset()).all()
    assert adaptation.heard('carla') == 0


def test_the_voice_that_was_silent_for_the_longest_time_is_forgotten(prior):
    adapting = AdaptingClassifier(classifier(prior))
    adaptation = adapting.adaptation
    for name in ['first', *(f'voice{index}' for index in range(MOST_VOICES - 1)), 'first', 'last']:
        say(adapting, 'neutral', 1, voice=name)
    _, voices = adaptation.all_heard()
    assert len(voices) == MOST_VOICES
    assert 'voice0' not in voices
    assert {'first', 'last'} <= set(voices)


def test_a_disabled_adaptation_neither_answers_nor_learns(prior):
    adapting = AdaptingClassifier(classifier(prior))
    adaptation = adapting.adaptation
    say(adapting, 'neutral', 20)
    adaptation.configure(AdaptationConfig(enabled=False))
    answer = say(adapting, 'neutral', 5)
    assert (answer.label, answer.heard) == ('angry', 0)
    adaptation.configure(AdaptationConfig())
    assert adaptation.heard() == 20


def test_forgetting_goes_back_to_the_beginning(prior):
    adapting = AdaptingClassifier(classifier(prior))
    adaptation = adapting.adaptation
    say(adapting, 'neutral', 5, voice='anna')
    adaptation.forget()
    assert (adaptation.heard(), adaptation.heard('anna')) == (0, 0)
    assert not adaptation.offset('anna').any()


def test_a_file_keeps_what_was_heard(prior, tmp_path):
    file = tmp_path / 'new' / 'heard.npz'
    adapting = AdaptingClassifier(classifier(prior))
    before, after = adapting.adaptation, Adaptation(prior)
    say(adapting, 'neutral', 5, voice='anna')
    store_heard(file, before)
    assert load_heard(file, after) == ''
    assert (after.offset('anna') == before.offset('anna')).all()
    assert (after.offset() == before.offset()).all()
    assert (after.heard(), after.heard('anna')) == (5, 5)
    assert (after.odds() == before.odds()).all() and after.odds()[0] != 1.0
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_no_file_is_nothing_heard(prior, tmp_path):
    adaptation = Adaptation(prior)
    assert load_heard(tmp_path / 'heard.npz', adaptation) == ''
    assert adaptation.heard() == 0


@pytest.mark.parametrize('content', [b'', b'not numpy', b'PK\x03\x04 cut short'])
def test_a_damaged_file_is_said_and_not_used(prior, tmp_path, content):
    file = tmp_path / 'heard.npz'
    file.write_bytes(content)
    adaptation = Adaptation(prior)
    assert 'nothing of it is used' in load_heard(file, adaptation)
    assert adaptation.heard() == 0


def test_a_file_with_impossible_counts_is_said_and_not_used(prior, tmp_path):
    file, adaptation = tmp_path / 'heard.npz', Adaptation(prior)
    store_heard(file, adaptation)
    with np.load(file) as arrays:
        np.savez(file, **{**arrays, 'weights': np.array([np.nan])})
    assert 'damaged' in load_heard(file, adaptation)
    assert not adaptation.offset().any()


def test_a_file_of_another_model_is_said_and_not_used(prior, tmp_path):
    other = dataclasses.replace(prior, prior_counts=prior.prior_counts * 2)
    adapting = AdaptingClassifier(classifier(other))
    say(adapting, 'neutral', 5)
    store_heard(tmp_path / 'heard.npz', adapting.adaptation)
    adaptation = Adaptation(prior)
    assert 'another model' in load_heard(tmp_path / 'heard.npz', adaptation)
    assert adaptation.heard() == 0


def test_a_file_is_used_when_other_labels_of_the_model_are_chosen(prior, tmp_path):
    adapting = AdaptingClassifier(classifier(prior))
    say(adapting, 'neutral', 5)
    store_heard(tmp_path / 'heard.npz', adapting.adaptation)
    adaptation = Adaptation(prior.among(('neutral', 'sad')))
    assert load_heard(tmp_path / 'heard.npz', adaptation) == ''
    assert adaptation.heard() == 5
    assert np.array_equal(adaptation.offset(), adapting.adaptation.offset())


def test_a_file_that_cannot_be_written_is_one_sentence(prior, tmp_path):
    (tmp_path / 'taken').write_text('a file')
    with pytest.raises(SerError, match=r'adaptation\.file .* cannot be written'):
        store_heard(tmp_path / 'taken' / 'heard.npz', Adaptation(prior))


def test_a_prior_comes_back_from_its_folder(prior, tmp_path):
    assert read_prior(tmp_path, LABELS) is None
    write_prior(tmp_path, prior)
    again = read_prior(tmp_path, LABELS)
    assert again.fingerprint == prior.fingerprint
    assert (again.labels, again.typical_duration) == (LABELS, prior.typical_duration)


def test_a_prior_of_other_labels_is_refused(prior, tmp_path):
    write_prior(tmp_path, prior)
    with pytest.raises(SerError, match='it has the labels neutral, angry, sad, and the model has neutral, happy'):
        read_prior(tmp_path, ('neutral', 'happy'))


@pytest.mark.parametrize(
    ('name', 'values'),
    [
        ('prior_counts', np.zeros(WIDTH)),
        ('centroids', np.full((3, WIDTH), np.nan)),
        ('centroids', np.zeros((3, WIDTH + 1))),
        ('typical_duration', 0.0),
        ('typical_duration', np.nan),
    ],
)
def test_a_prior_with_impossible_values_is_refused(prior, tmp_path, name, values):
    write_prior(tmp_path, dataclasses.replace(prior, **{name: values}))
    with pytest.raises(SerError, match=f'its .*{name}'):
        read_prior(tmp_path, LABELS)


def test_a_damaged_prior_is_refused(tmp_path):
    (tmp_path / FILE).write_bytes(b'not numpy')
    with pytest.raises(SerError, match='copy the model again'):
        read_prior(tmp_path, LABELS)


def bomb(path):
    """Write a small file that unpacks to more than any of ours."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr('labels.npy', bytes((256 << 20) + 1))


def pickled(path):
    np.savez(path, **dict.fromkeys(('model', 'labels', 'weights'), np.array([{}], dtype=object)))


NO_ARRAYS = {
    'a named pipe': os.mkfifo,
    'a device': lambda path: path.symlink_to('/dev/zero'),
    'a folder': lambda path: path.mkdir(),
    'terabytes': lambda path: (path.touch(), os.truncate(path, 1 << 42)),
    'a bomb': bomb,
    'pickled objects': pickled,
}


@pytest.mark.parametrize('kind', NO_ARRAYS)
def test_files_of_arrays_that_would_take_all_memory_or_time_are_not_read(prior, tmp_path, kind):
    NO_ARRAYS[kind](tmp_path / FILE)
    with pytest.raises(SerError, match='copy the model again'):
        read_prior(tmp_path, LABELS)
    adaptation = Adaptation(prior)
    assert 'nothing of it is used' in load_heard(tmp_path / FILE, adaptation)
    assert adaptation.heard() == 0


def test_a_prior_of_another_width_than_the_model_is_refused(adapting_model, tmp_path, refuses):
    shutil.copytree(adapting_model, tmp_path / 'model')
    prior = read_prior(tmp_path / 'model', EMOTIONS)
    names = ('weights', 'centroids', 'prior_counts')
    write_prior(tmp_path / 'model', dataclasses.replace(prior, **{n: getattr(prior, n)[..., :-1] for n in names}))
    with refuses(str(tmp_path / 'model' / FILE), '15', '16', 'remove the file'):
        Classifier.load(tmp_path / 'model', 'cpu')


def test_a_file_that_one_may_not_read_is_said_and_not_used(prior, tmp_path):
    file, adaptation = tmp_path / 'closed' / 'heard.npz', Adaptation(prior)
    store_heard(file, adaptation)
    file.parent.chmod(0)
    with permissions_count():
        said = load_heard(file, adaptation)
        with pytest.raises(SerError, match='Permission denied'):
            store_heard(file, adaptation)
    file.parent.chmod(0o700)
    assert 'Permission denied' in said and 'nothing of it is used' in said
