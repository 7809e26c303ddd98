# SPDX-License-Identifier: Apache-2.0
"""Every family loads and answers exactly as transformers does when it is used directly."""

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.emotions import LABELS
from ser_ros.recognition.checkpoint import load_checkpoint
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.device import choose_device
from ser_ros.recognition.windows import windows
from ser_ros.speech.segmenter import SegmentationConfig

FAMILIES = [
    'wav2vec2-group', 'wav2vec2-layer', 'hubert-group', 'hubert-layer',
    'wavlm-group', 'wavlm-layer', 'wav2vec2-bert', 'whisper',
]  # fmt: skip
GROUP_NORM = [family for family in FAMILIES if family.endswith('group')]
MASKED = [family for family in FAMILIES if family.endswith('layer')] + ['wav2vec2-bert']
WINDOW = 4.0
CPU = torch.device('cpu')


@pytest.fixture(scope='module')
def classifiers(models):
    """Return get(family): the loaded classifier, once."""
    loaded = {}

    def get(family):
        if family not in loaded:
            loaded[family] = Classifier.load(models / family, 'cpu')
        return loaded[family]

    return get


def transformers_probabilities(folder, samples):
    """Return what a user of transformers gets, with the library's own defaults for the family."""
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    options = {}
    if model.config.model_type == 'whisper':
        options = {'padding': 'max_length', 'max_length': int(WINDOW * SAMPLE_RATE), 'truncation': True}
    inputs = extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors='pt', **options)
    with torch.inference_mode():
        return model(**inputs).logits[0].softmax(-1).numpy()


@pytest.mark.parametrize('family', FAMILIES)
def test_probabilities_are_those_of_transformers(classifiers, models, made_sound, family):
    for sound in (made_sound('chord', 2.0), made_sound('white noise', 0.7)):
        estimate = classifiers(family).classify(sound)
        np.testing.assert_allclose(
            estimate.probabilities, transformers_probabilities(models / family, sound), atol=1e-5
        )


@pytest.mark.parametrize('family', FAMILIES)
def test_an_estimate_is_a_distribution_over_the_models_labels(classifiers, made_sound, family):
    classifier = classifiers(family)
    estimate = classifier.classify(made_sound('chord', 1.3))
    assert estimate.labels == classifier.labels == LABELS
    assert estimate.probabilities.dtype == np.float32
    assert estimate.probabilities.shape == (8,)
    assert estimate.probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert estimate.label == LABELS[estimate.probabilities.argmax()]
    assert estimate.confidence == pytest.approx(estimate.probabilities.max())
    assert estimate.inference_time > 0.0
    assert (classifier.name, classifier.device) == (family, 'cpu')


@pytest.mark.parametrize('family', FAMILIES)
def test_answers_depend_on_the_sound_and_not_on_what_came_before(classifiers, made_sound, family):
    classifier = classifiers(family)
    chord, noise = made_sound('chord', 1.5), made_sound('white noise', 1.5)
    first = classifier.classify(chord).probabilities
    assert np.abs(classifier.classify(noise).probabilities - first).max() > 1e-4
    np.testing.assert_array_equal(classifier.classify(chord).probabilities, first)


@pytest.mark.parametrize('family', FAMILIES)
def test_a_saved_and_reloaded_model_gives_the_same_logits(models, tmp_path, made_sound, family):
    checkpoint = load_checkpoint(models / family, CPU)
    checkpoint.model.save_pretrained(tmp_path)
    AutoFeatureExtractor.from_pretrained(models / family).save_pretrained(tmp_path)
    again = load_checkpoint(tmp_path, CPU)
    sound = made_sound('chord', 1.0)
    with torch.inference_mode():
        logits = [it.model(**it.frontend([sound])).logits for it in (checkpoint, again)]
    torch.testing.assert_close(logits[0], logits[1], rtol=0, atol=0)


@pytest.mark.parametrize('family', MASKED)
def test_families_with_a_mask_answer_the_same_in_a_padded_batch(models, made_sound, family):
    checkpoint = load_checkpoint(models / family, CPU)
    short, long = made_sound('chord', 1.0), made_sound('white noise', 3.0)
    inputs = checkpoint.frontend([long, short])
    assert 'attention_mask' in inputs
    with torch.inference_mode():
        batched = checkpoint.model(**inputs).logits
        alone = [checkpoint.model(**checkpoint.frontend([sound])).logits[0] for sound in (long, short)]
    torch.testing.assert_close(batched, torch.stack(alone), rtol=0, atol=2e-3)


@pytest.mark.parametrize('family', [*GROUP_NORM, 'whisper'])
def test_group_norm_families_and_whisper_get_no_mask(models, made_sound, family):
    frontend = load_checkpoint(models / family, CPU).frontend
    assert 'attention_mask' not in frontend([made_sound('chord', 1.0), made_sound('chord', 2.0)])
    assert 'attention_mask' not in frontend([made_sound('chord', 1.0)])


@pytest.mark.parametrize(('seconds', 'parts'), [(0.5, 1), (WINDOW, 1), (WINDOW + 0.001, 2), (10.0, 3), (30.0, 8)])
def test_whisper_looks_at_what_is_longer_than_its_window_in_overlapping_parts(models, made_sound, seconds, parts):
    sound = made_sound('white noise', seconds)
    heard = windows(sound, load_checkpoint(models / 'whisper', CPU).frontend.longest)
    assert len(heard) == parts
    assert {len(window) for window in heard} == {min(len(sound), round(WINDOW * SAMPLE_RATE))}
    np.testing.assert_array_equal(heard[0], sound[: len(heard[0])])
    np.testing.assert_array_equal(heard[-1], sound[-len(heard[-1]) :])
    starts = [int(np.flatnonzero(sound == window[0])[0]) for window in heard]
    steps = np.diff(starts)
    assert (steps <= len(heard[0])).all()  # nothing in between is missed
    assert len(steps) == 0 or max(steps) - min(steps) <= 1


def together(answers):
    """Return the power mean of probabilities with the exponent 1/2."""
    squares = np.mean(np.sqrt(answers), axis=0) ** 2
    return squares / squares.sum()


def test_whisper_averages_the_parts(classifiers, models, made_sound):
    sound = made_sound('chord', 6.0)
    parts = windows(sound, round(WINDOW * SAMPLE_RATE))
    answers = [transformers_probabilities(models / 'whisper', part) for part in parts]
    heard = classifiers('whisper').classify(sound).probabilities
    np.testing.assert_allclose(heard, together(answers), atol=1e-5)


@pytest.mark.parametrize('family', sorted(set(FAMILIES) - {'whisper'}))
def test_other_families_hear_a_long_utterance_in_one_piece(models, made_sound, family):
    sound = made_sound('white noise', 20.0)
    assert windows(sound, load_checkpoint(models / family, CPU).frontend.longest) == [sound]


def test_a_spectrogram_transformer_cuts_nothing_off_silently(tmp_path, made_sound):
    """It sees 10.24 s at once."""
    names = {'id2label': {0: 'neutral', 1: 'angry'}, 'label2id': {'neutral': 0, 'angry': 1}}
    size = {'hidden_size': 8, 'num_hidden_layers': 1, 'num_attention_heads': 1, 'intermediate_size': 8}
    transformers.ASTForAudioClassification(transformers.ASTConfig(**size, **names)).save_pretrained(tmp_path)
    transformers.ASTFeatureExtractor().save_pretrained(tmp_path)
    classifier = Classifier.load(tmp_path, 'cpu')
    sound = made_sound('chord', 15.0)
    parts = windows(sound, 1024 * 160)
    assert len(parts) == 2
    answers = [classifier.classify(part).probabilities for part in parts]
    np.testing.assert_allclose(classifier.classify(sound).probabilities, together(answers), atol=1e-6)
    np.testing.assert_allclose(answers[0], transformers_probabilities(tmp_path, parts[0]), atol=1e-5)


@pytest.mark.parametrize('family', FAMILIES)
def test_the_shortest_utterance_is_answered(classifiers, made_sound, family):
    estimate = classifiers(family).classify(made_sound('white noise', 0.1))
    assert estimate.probabilities.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize('count', [0, 1, 1599])
def test_what_is_shorter_is_refused(classifiers, refuses, count):
    with refuses('too short', 'at least 0.1 s'):
        classifiers('wav2vec2-group').classify(np.zeros(count, dtype=np.float32))


def test_digital_silence_is_answered(classifiers):
    for family in FAMILIES:
        assert np.isfinite(classifiers(family).classify(np.zeros(16_000, dtype=np.float32)).probabilities).all()


def test_a_model_that_answers_nan_is_refused_when_it_is_loaded(models, tmp_path, refuses):
    (tmp_path / 'ill').mkdir()
    for file in (models / 'wav2vec2-group').iterdir():
        (tmp_path / 'ill' / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / 'ill' / 'model.safetensors')
    weights['classifier.bias'][2] = float('nan')
    save_file(weights, tmp_path / 'ill' / 'model.safetensors', metadata={'format': 'pt'})
    with refuses("'ill'", 'NaN on cpu', 'copy or train it again'):
        Classifier.load(tmp_path / 'ill', 'cpu')


def test_a_model_whose_weights_lie_in_several_files_loads(models, tmp_path, made_sound):
    whole = models / 'wavlm-layer'
    AutoModelForAudioClassification.from_pretrained(whole).save_pretrained(tmp_path, max_shard_size='20KB')
    AutoFeatureExtractor.from_pretrained(whole).save_pretrained(tmp_path)
    assert len(list(tmp_path.glob('*.safetensors'))) > 1
    sound = made_sound('chord', 1.0)
    np.testing.assert_array_equal(
        Classifier.load(tmp_path, 'cpu').classify(sound).probabilities,
        Classifier.load(whole, 'cpu').classify(sound).probabilities,
    )


def test_loading_prints_nothing_and_leaves_transformers_logging_as_it_was(models, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    Classifier.load(models / 'hubert-group', 'cpu')
    assert capfd.readouterr() == ('', '')
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_loading_has_run_an_utterance_as_long_as_the_node_makes_them(models, monkeypatch):
    lengths = []
    classify = Classifier.classify
    monkeypatch.setattr(
        Classifier, 'classify', lambda self, samples: lengths.append(len(samples)) or classify(self, samples)
    )
    Classifier.load(models / 'hubert-group', 'cpu')
    assert max(lengths) == SegmentationConfig().max_utterance * SAMPLE_RATE


@pytest.fixture
def gpus(monkeypatch):
    """Return pretend(count): how many GPUs torch sees."""

    def pretend(count):
        monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)

    return pretend


@pytest.mark.parametrize(
    ('device', 'count', 'chosen'),
    [('auto', 0, 'cpu'), ('auto', 1, 'cuda'), ('cpu', 1, 'cpu'), ('cuda', 1, 'cuda'), ('cuda:1', 2, 'cuda:1')],
)
def test_a_device_that_is_there_is_chosen(gpus, device, count, chosen):
    gpus(count)
    assert choose_device(device) == torch.device(chosen)


@pytest.mark.parametrize(('device', 'count'), [('cuda', 0), ('cuda:0', 0), ('cuda:9', 0), ('cuda:9', 1), ('cuda:1', 1)])
def test_a_gpu_that_is_not_there_is_refused(gpus, refuses, device, count):
    gpus(count)
    with refuses(f"model.device '{device}'", f'{count} GPU(s)', 'use auto or cpu'):
        choose_device(device)


@pytest.mark.parametrize('device', ['gpu', '', 'CUDA', 'cuda:', 'cuda:x', 'cuda:-1', 'mps', 'cpu '])
def test_a_device_of_no_known_kind_is_refused(refuses, device):
    with refuses(f"model.device '{device}'", 'auto, cpu, cuda or cuda:N'):
        choose_device(device)


def test_the_device_is_checked_before_the_model_is_loaded(refuses, tmp_path):
    with refuses('model.device'):
        Classifier.load(tmp_path, 'gpu')
