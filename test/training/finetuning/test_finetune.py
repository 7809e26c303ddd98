# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning: what a killed run, several processes, a loss or a frozen layer must come to.

This file is also the program of the processes that its tests start: `python test_finetune.py TASK WORK`.
"""

import dataclasses
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from transformers import SeamlessM4TFeatureExtractor, TrainerCallback, Wav2Vec2FeatureExtractor

import ser_ros.training.finetuning.finetune as finetune_module
import ser_ros.training.learning.checkpoints as checkpoints_module
from ser_ros.system_errors import tells_of_a_full_disk
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.finetune import Finetuned, finetune
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe, Validation
from ser_ros.training.learning.dataset import TrainingSet, ValidationSet, VariantFeatures, collate_clips
from ser_ros.training.learning.design import design_classifier
from ser_ros.training.learning.layers import head_names, layer_of
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.network import new_classifier, save_model
from ser_ros.training.learning.precision import attention
from ser_ros.training.learning.recipe import Augmentation, FeatureExtraction, Network, Optimisation

RATE = 16_000
LABELS = ('rising', 'falling')
STALLED = 'stalled'

CONFORMER = {
    'feature_projection_input_dim': 160,
    'hidden_size': 16,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'intermediate_size': 16,
    'position_embeddings_type': None,
    'layerdrop': 0.0,
    'classifier_proj_size': 16,
    'apply_spec_augment': False,
    'mask_time_prob': 0.0,
    'feat_proj_dropout': 0.0,
    'hidden_dropout': 0.0,
    'attention_dropout': 0.0,
    'conformer_conv_dropout': 0.0,
}
DROPOUT = {'hidden_dropout': 0.2, 'attention_dropout': 0.2}
WAV2VEC2 = {
    'hidden_size': 8,
    'num_hidden_layers': 2,
    'num_attention_heads': 1,
    'intermediate_size': 8,
    'conv_dim': (8,) * 7,
    'num_conv_pos_embeddings': 4,
    'num_conv_pos_embedding_groups': 1,
    'classifier_proj_size': 4,
    'layerdrop': 0.5,
}


def make_recipe(*, network=None, augmentation=None, validation=None, seed=0, **optimisation) -> FinetuningRecipe:
    """Return a recipe for a tiny network that learns made clips; keyword arguments change its groups."""
    return FinetuningRecipe(
        description='tiny',
        network=Network(model_type='wav2vec2-bert', config={**CONFORMER, **(network or {})}),
        feature_extraction=FeatureExtraction('SeamlessM4TFeatureExtractor', {'stride': 2}),
        optimisation=Optimisation(**{'epochs': 2, 'batch_size': 4, 'learning_rate': 0.01, **optimisation}),
        augmentation=Augmentation(**(augmentation or {})),
        validation=Validation(**(validation or {})),
        seed=seed,
    )


RESUMABLE = make_recipe(
    network=DROPOUT,
    augmentation={'speed': (0.8, 1.2), 'masks': 1},
    validation={'every_steps': 3, 'patience': 20, 'measure': 'loss', 'checkpoints_kept': 20},
    epochs=4,
    batch_size=2,
    gradient_accumulation=2,
    label_smoothing=0.1,
    voice_normalised=0.7,
    weight_average=0.9,
)
"""24 clips make 6 steps an epoch and a checkpoint in its middle."""


def make_recordings(count: int, seed: int = 0, *, of_first_label: int | None = None) -> list[Recording]:
    """Return sweeps of 0.3 to 0.5 s; half rise, or as many as said."""
    rng = np.random.default_rng(seed)
    rising = count // 2 if of_first_label is None else of_first_label
    recordings = []
    for number in range(count):
        seconds = np.arange(int(rng.uniform(0.3, 0.5) * RATE)) / RATE
        first, last = (300.0, 3000.0) if number < rising else (3000.0, 300.0)
        turns = first * seconds + (last - first) * seconds**2 / (2 * seconds[-1])
        sound = 0.3 * np.sin(2 * np.pi * turns) + rng.normal(scale=0.05, size=len(seconds))
        name = f'{seed}-{number}'
        clip = Clip(Path(f'{name}.wav'), name, LABELS[0] if number < rising else LABELS[1], speaker=number % 4)
        recordings.append(Recording(clip, sound.astype(np.float32), (0.0, len(seconds) / RATE)))
    return recordings


def make_design(recipe: FinetuningRecipe):
    return design_classifier(recipe.network, recipe.feature_extraction, LABELS)


def make_sets(recipe: FinetuningRecipe, recordings: list[Recording], kind: type[TrainingSet] = TrainingSet):
    """Return training and validation set."""
    made = make_design(recipe)
    features = VariantFeatures(made.frontend, recipe.augmentation, seed=recipe.seed)
    masks = Masks(recipe.augmentation, made.feature_extractor)
    training = kind(recordings, LABELS, features, masks, seed=recipe.seed)
    return training, ValidationSet(make_recordings(8, seed=99), LABELS, made.frontend, recipe.augmentation)


def train(
    recipe: FinetuningRecipe, work: Path, *, count=24, validates=True, resume=False, kind=TrainingSet, **others
) -> Finetuned:
    recordings = others.pop('recordings', None) or make_recordings(count)
    training, validation = make_sets(recipe, recordings, kind)
    validation = validation if validates else None
    return finetune(recipe, make_design(recipe), training, validation, work, resume=resume, **others)


def swapped_validation(recipe: FinetuningRecipe) -> ValidationSet:
    """Return a validation set with its labels swapped: the better the training, the worse it gets."""
    frontend = make_design(recipe).frontend
    return ValidationSet(make_recordings(8, seed=99), LABELS[::-1], frontend, recipe.augmentation)


def weights(trained: Finetuned) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trained.model.state_dict().items()}


def without_seconds(log: list[dict]) -> list[dict]:
    """Return the log without what a clock measured."""
    clocked = ('seconds', 'eval_runtime', 'eval_samples_per_second', 'eval_steps_per_second')
    return [{key: value for key, value in entry.items() if key not in clocked} for entry in log]


def assert_same_outcome(one: Finetuned, other: Finetuned) -> None:
    assert without_seconds(one.log) == without_seconds(other.log)
    assert (one.steps, one.chosen_step) == (other.steps, other.chosen_step)
    assert one.validation_accuracy == other.validation_accuracy
    assert_same_weights(weights(one), weights(other))


def assert_same_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def whole_checkpoints(work: Path) -> list[int]:
    return sorted(int(path.parent.name.removeprefix('checkpoint-')) for path in work.glob('checkpoint-*/whole'))


class StallingSet(TrainingSet):
    """Waits for its end in the middle of the second epoch."""

    taken = 0

    def __getitem__(self, index):
        self.taken += self._epoch == 1
        if self.taken == 20:
            print(STALLED, flush=True)
            sys.stdin.read()
        return super().__getitem__(index)


class RecordingSet(TrainingSet):
    """Writes down which clip was taken in which epoch."""

    def __init__(self, *arguments, **others):
        super().__init__(*arguments, **others)
        self.taken: list[tuple[int, int]] = []

    def __getitem__(self, index):
        self.taken.append((self._epoch, index))
        return super().__getitem__(index)


def program(task: str, *arguments: str) -> list[str]:
    return [__file__, task, *arguments]


def environment() -> dict[str, str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, 'PYTHONPATH': paths, 'CUDA_VISIBLE_DEVICES': ''}


@pytest.fixture(scope='module', autouse=True)
def no_gpu():
    """Train on the CPU, where results repeat bit for bit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, 'is_available', lambda: False)
        yield


@pytest.fixture(scope='module')
def finished(tmp_path_factory) -> SimpleNamespace:
    """Return a run that was not interrupted: what it gave, its work folder, and which clip it took in which epoch."""
    work = tmp_path_factory.mktemp('uninterrupted') / 'work'
    training, validation = make_sets(RESUMABLE, make_recordings(24), RecordingSet)
    trained = finetune(RESUMABLE, make_design(RESUMABLE), training, validation, work, resume=False)
    return SimpleNamespace(trained=trained, work=work, taken=training.taken)


@pytest.fixture
def uninterrupted(finished) -> Finetuned:
    return finished.trained


@pytest.fixture
def work(finished, tmp_path) -> Path:
    """Return a copy of its work folder."""
    shutil.copytree(finished.work, tmp_path / 'work')
    return tmp_path / 'work'


def test_a_run_that_was_killed_in_an_epoch_and_resumed_ends_like_one_that_was_not(uninterrupted, tmp_path):
    work = tmp_path / 'work'
    command = [sys.executable, *program('stall', str(work))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) as run:
        while (line := run.stdout.readline()) and STALLED not in line:
            pass
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    assert whole_checkpoints(work)[-1] == 9  # the second epoch goes from 6 to 12
    resumed = train(RESUMABLE, work, resume=True)
    assert resumed.steps == 24
    assert_same_outcome(resumed, uninterrupted)


@pytest.mark.parametrize('kept', [9, 12])
def test_a_resumed_run_sees_the_clips_of_the_epoch_it_is_in(finished, work, kept):
    for step in whole_checkpoints(work):
        if step > kept:
            shutil.rmtree(work / f'checkpoint-{step}')
    training, validation = make_sets(RESUMABLE, make_recordings(24), RecordingSet)
    trained = finetune(RESUMABLE, make_design(RESUMABLE), training, validation, work, resume=True)
    assert_same_outcome(trained, finished.trained)
    epochs = [[index for epoch, index in finished.taken if epoch == number] for number in range(4)]
    assert all(sorted(epoch) == list(range(24)) for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 4
    assert training.taken == finished.taken[4 * kept :]


def test_a_half_written_checkpoint_is_not_taken(uninterrupted, work):
    last = work / 'checkpoint-24'
    (last / 'whole').unlink()
    (last / 'optimizer.pt').write_bytes(b'half')
    (work / 'checkpoint-27').mkdir()
    resumed = train(RESUMABLE, work, resume=True)
    assert_same_outcome(resumed, uninterrupted)
    assert (last / 'whole').is_file() and not (work / 'checkpoint-27').exists()


def test_a_finished_run_that_is_resumed_gives_the_same_again(uninterrupted, work):
    assert_same_outcome(train(RESUMABLE, work, resume=True), uninterrupted)


def test_a_run_that_had_stopped_early_and_is_resumed_gives_the_same_again(tmp_path):
    stopping = make_recipe(
        network=DROPOUT, validation={'every_steps': 2, 'patience': 2, 'measure': 'loss'}, epochs=10, learning_rate=0.3
    )
    work = tmp_path / 'work'
    first = train(stopping, work)
    assert first.chosen_step + 4 == first.steps < 60
    assert_same_outcome(train(stopping, work, resume=True), first)


@pytest.mark.parametrize('finished', [False, True])
def test_a_work_folder_that_was_moved_is_resumed_with_its_best_checkpoint(tmp_path, finished):
    recipe = make_recipe(network=DROPOUT, validation={'every_steps': 2}, batch_size=6)
    training, _ = make_sets(recipe, make_recordings(24))
    validation = swapped_validation(recipe)
    outcomes = []
    for name in ('work', 'moved'):
        arguments = (recipe, make_design(recipe), training, validation, tmp_path / name)
        outcomes.append(finetune(*arguments, resume=name == 'moved'))
        if name == 'work':
            (tmp_path / 'work').rename(tmp_path / 'moved')
            if not finished:
                (tmp_path / 'moved' / 'checkpoint-8' / 'whole').unlink()
    assert outcomes[0].chosen_step < 6
    assert_same_outcome(*outcomes)


def test_without_resume_a_run_begins_anew(uninterrupted, tmp_path):
    work = tmp_path / 'work'
    train(
        dataclasses.replace(RESUMABLE, seed=1, optimisation=dataclasses.replace(RESUMABLE.optimisation, epochs=1)), work
    )
    assert_same_outcome(train(RESUMABLE, work), uninterrupted)


@pytest.mark.parametrize('validates', [False, True])
def test_what_is_saved_is_the_mean_of_the_weights(tmp_path, validates):
    recipe = make_recipe(
        validation={'every_steps': 1, 'checkpoints_kept': 20, 'measure': 'loss'}, epochs=2, weight_average=0.9
    )
    work = tmp_path / 'work'
    trained = train(recipe, work, validates=validates)
    assert trained.steps == 12
    name = 'classifier.weight'
    steps = [load_file(work / f'checkpoint-{step}' / 'model.safetensors')[name] for step in range(1, 13)]
    mean = steps[0]
    for number, value in enumerate(steps[1 : trained.chosen_step], start=1):
        keep = min(0.9, number / (number + 10))
        mean = keep * mean + (1 - keep) * value
    torch.testing.assert_close(weights(trained)[name], mean)
    assert not torch.equal(mean, steps[trained.chosen_step - 1])
    if validates:
        recipe = dataclasses.replace(recipe, optimisation=dataclasses.replace(recipe.optimisation, weight_average=0.0))
        last = train(recipe, tmp_path / 'last', validates=True)
        assert [e['eval_loss'] for e in trained.log if 'eval_loss' in e] != [
            e['eval_loss'] for e in last.log if 'eval_loss' in e
        ]
        assert [e['loss'] for e in trained.log if 'loss' in e] == [e['loss'] for e in last.log if 'loss' in e]


def test_another_recipe_cannot_be_resumed(refuses, tmp_path):
    work = tmp_path / 'work'
    recipe = make_recipe(epochs=1)
    train(recipe, work, count=8, validates=False)
    with refuses(str(work), 'another recipe', '--resume'):
        train(dataclasses.replace(recipe, seed=1), work, count=8, validates=False, resume=True)
    with refuses(str(work), 'other clips'):
        train(recipe, work, count=10, validates=False, resume=True)
    with refuses(str(work), 'other clips'):
        relabelled = make_recordings(8, of_first_label=3)
        train(recipe, work, recordings=relabelled, validates=False, resume=True)
    assert train(dataclasses.replace(recipe, description='told anew'), work, count=8, validates=False, resume=True)


def test_a_run_that_was_killed_before_its_first_step_begins_anew(tmp_path):
    work = tmp_path / 'work'
    recipe = make_recipe(epochs=1)
    work.mkdir()
    (work / '.run.json.123.partial').write_text('{"recipe": {"seed"')
    (work / 'checkpoint-1').mkdir()
    assert train(recipe, work, count=8, validates=False, resume=True).steps == 2


def test_accumulated_batches_are_one_large_batch(tmp_path):
    plain = {'group_by_length': False, 'epochs': 3, 'label_smoothing': 0.1, 'weight_decay': 0.01}
    large = train(make_recipe(batch_size=8, **plain), tmp_path / 'large', validates=False)
    small = train(make_recipe(batch_size=4, gradient_accumulation=2, **plain), tmp_path / 'small', validates=False)
    assert large.steps == small.steps == 9
    for name, value in weights(large).items():
        torch.testing.assert_close(weights(small)[name], value, rtol=1e-3, atol=1e-4)
    losses = [[entry['loss'] for entry in one.log] for one in (large, small)]
    np.testing.assert_allclose(*losses, rtol=1e-3)


def test_weights_and_smoothing_are_in_the_training_loss_and_not_in_that_of_validation(tmp_path):
    recordings = make_recordings(8, of_first_label=2)
    steady = {'epochs': 1, 'batch_size': 8, 'learning_rate': 1e-12, 'warmup_share': 0.0}
    recipe = make_recipe(**steady, class_weights=True, label_smoothing=0.3)
    trained = train(recipe, tmp_path / 'work', recordings=recordings)
    torch.manual_seed(recipe.seed)
    model = new_classifier(make_design(recipe)).eval()
    training, validation = make_sets(recipe, recordings)
    assert_nearly_the_same_network(model, trained.model)
    with torch.no_grad():
        logits, labels = answers(model, training)
        balanced = torch.tensor([8 / (2 * 2), 8 / (2 * 6)])
        expected = cross_entropy(logits, labels, weight=balanced, label_smoothing=0.3)
        expected_validation = cross_entropy(*answers(model, validation))
    assert float(cross_entropy(logits, labels)) != pytest.approx(float(expected), abs=1e-3)
    assert entries(trained, 'loss') == pytest.approx([float(expected)], abs=2e-4)
    assert entries(trained, 'eval_loss') == pytest.approx([float(expected_validation)], abs=2e-4)


def test_mixed_utterances_train_and_whole_ones_validate(tmp_path):
    steady = {'epochs': 1, 'batch_size': 8, 'learning_rate': 1e-12, 'warmup_share': 0.0}
    whole, mixed = (train(make_recipe(**steady, mixup=alpha), tmp_path / str(alpha), count=8) for alpha in (0.0, 10.0))
    assert entries(mixed, 'loss') != entries(whole, 'loss')  # nothing else is drawn: the network has no dropout
    assert entries(mixed, 'eval_loss') == pytest.approx(entries(whole, 'eval_loss'), abs=2e-4)


def test_a_resumed_run_mixes_what_an_uninterrupted_one_mixes(tmp_path):
    recipe = make_recipe(network=DROPOUT, validation={'every_steps': 3, 'checkpoints_kept': 20}, mixup=0.4)
    work = tmp_path / 'work'
    first = train(recipe, work)
    for step in whole_checkpoints(work)[1:]:
        shutil.rmtree(work / f'checkpoint-{step}')
    assert_same_outcome(train(recipe, work, resume=True), first)


def assert_nearly_the_same_network(one: torch.nn.Module, other: torch.nn.Module) -> None:
    for first, second in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


def answers(model: torch.nn.Module, data) -> tuple[torch.Tensor, torch.Tensor]:
    batch = collate_clips([data[index] for index in range(len(data))])
    labels = batch.pop('labels')
    return model(**batch).logits, labels


def entries(trained: Finetuned, key: str) -> list[float]:
    return [entry[key] for entry in trained.log if key in entry]


@pytest.mark.parametrize('measure', ['accuracy', 'loss'])
def test_the_best_checkpoint_comes_back(tmp_path, measure):
    recipe = make_recipe(
        network=DROPOUT,
        validation={'every_steps': 2, 'measure': measure, 'checkpoints_kept': 20},
        epochs=3,
        batch_size=6,
    )
    work = tmp_path / 'work'
    training, _ = make_sets(recipe, make_recordings(24))
    validation = swapped_validation(recipe)
    trained = finetune(recipe, make_design(recipe), training, validation, work, resume=False)
    steps = [entry['step'] for entry in trained.log if 'eval_loss' in entry]
    values = entries(trained, f'eval_{measure}')
    best = int(np.argmin(values) if measure == 'loss' else np.argmax(values))
    assert steps == [2, 4, 6, 8, 10, 12] and trained.steps == 12
    assert trained.chosen_step == steps[best] < trained.steps
    assert trained.validation_accuracy == entries(trained, 'eval_accuracy')[best]
    stored = type(trained.model).from_pretrained(work / f'checkpoint-{trained.chosen_step}')
    assert_same_weights(weights(trained), stored.state_dict())
    trained.model.eval()
    with torch.no_grad():
        logits, labels = answers(trained.model, validation)
    assert float((logits.argmax(dim=1) == labels).float().mean()) == pytest.approx(trained.validation_accuracy)
    assert float(cross_entropy(logits, labels)) == pytest.approx(entries(trained, 'eval_loss')[best], abs=1e-3)


def test_a_run_stops_once_it_gets_no_better(tmp_path):
    hopeless = make_recipe(validation={'patience': 2, 'measure': 'loss'}, epochs=9, learning_rate=1e-12)
    trained = train(hopeless, tmp_path / 'work', count=8)
    losses = entries(trained, 'eval_loss')
    assert len(losses) < 9
    assert trained.chosen_step == (1 + int(np.argmin(losses))) * 2 == trained.steps - 2 * 2


def test_without_validation_the_last_weights_come_back(tmp_path):
    work = tmp_path / 'work'
    trained = train(make_recipe(), work, validates=False)
    assert trained.validation_accuracy is None and trained.chosen_step == trained.steps == 12
    assert entries(trained, 'eval_loss') == [] and len(entries(trained, 'loss')) == 2
    stored = type(trained.model).from_pretrained(work / 'checkpoint-12')
    assert_same_weights(weights(trained), stored.state_dict())


def test_no_more_checkpoints_are_kept_than_asked(tmp_path):
    work = tmp_path / 'work'
    train(make_recipe(epochs=4, validation={'checkpoints_kept': 1}), work, count=8, validates=False)
    assert whole_checkpoints(work) == [8]


def test_a_tiny_network_learns_made_clips_and_its_clock_runs(tmp_path):
    trained = train(make_recipe(epochs=8, validation={'measure': 'accuracy'}), tmp_path / 'work')
    assert trained.validation_accuracy == 1.0
    seconds = [entry['seconds'] for entry in trained.log]
    assert seconds == sorted(seconds) and seconds[0] > 0 and seconds[-1] <= trained.seconds
    assert trained.peak_gpu_memory_gib is None


def test_frozen_weights_stay_and_the_others_move(tmp_path):
    recipe = make_recipe(epochs=1, weight_decay=0.1)
    recipe = dataclasses.replace(recipe, network=dataclasses.replace(recipe.network, frozen_layers=1))
    trained = train(recipe, tmp_path / 'work', validates=False)
    torch.manual_seed(recipe.seed)
    before = new_classifier(make_design(recipe))
    head = head_names(before)
    after = dict(trained.model.named_parameters())
    moved = {name for name, value in before.named_parameters() if not torch.equal(value, after[name])}
    resting = {name for name in after if name not in head and layer_of(name) < 1}
    assert resting and not moved & resting
    assert {name for name in after if layer_of(name) == 1 and name.endswith('weight')} <= moved
    assert {'projector.weight', 'classifier.weight', 'classifier.bias'} <= moved


def test_the_optimiser_learns_each_layer_at_its_own_rate(tmp_path, monkeypatch):
    rates = []

    class Watcher(TrainerCallback):
        def on_step_end(self, args, state, control, optimizer, **kwargs):
            rates.append(sorted({group['lr'] for group in optimizer.param_groups}))

    before = finetune_module._callbacks
    monkeypatch.setattr(finetune_module, '_callbacks', lambda *arguments: [*before(*arguments), Watcher()])
    recipe = make_recipe(
        epochs=1, learning_rate=0.004, head_learning_rate=0.008, layer_decay=0.5, warmup_share=0.5, schedule='linear'
    )
    train(recipe, tmp_path / 'work', count=16, validates=False)
    layers = np.array([0.001, 0.002, 0.004, 0.008])  # what is before the layers, the lower and the upper one, the head
    assert rates[:3] == [pytest.approx(share * layers) for share in (0.5, 1.0, 0.5)]  # each is that of the next step
    assert rates[3] == [0.0]


def test_all_groups_of_weights_are_stepped_by_one_fused_adamw(tmp_path, monkeypatch):
    optimisers = []

    class Watcher(TrainerCallback):
        def on_train_end(self, args, state, control, optimizer, **kwargs):
            optimisers.append(optimizer.optimizer)

    before = finetune_module._callbacks
    monkeypatch.setattr(finetune_module, '_callbacks', lambda *arguments: [*before(*arguments), Watcher()])
    recipe = make_recipe(epochs=1, head_learning_rate=0.008, layer_decay=0.5, weight_decay=0.1)
    train(recipe, tmp_path / 'work', count=8, validates=False)
    (optimiser,) = optimisers
    assert isinstance(optimiser, torch.optim.AdamW)
    assert len(optimiser.param_groups) > 4
    assert all(group['fused'] for group in optimiser.param_groups)


@pytest.mark.parametrize('gpu', [False, True])
def test_only_a_gpu_gets_its_batches_ahead(tmp_path, monkeypatch, gpu):
    asked = {}
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda: True)
    monkeypatch.setattr(checkpoints_module, 'TrainingArguments', lambda **values: asked.update(values))
    finetune_module._arguments(make_recipe(), tmp_path, validates=True, report_to=())
    assert asked['use_cpu'] is not gpu
    assert asked.get('accelerator_config') == ({'non_blocking': True} if gpu else None)
    assert asked.get('logging_nan_inf_filter', True) is not gpu


@pytest.mark.parametrize(('stored_weights', 'difference'), [('float32', 0.0), ('float16', 2e-2)])
def test_a_saved_model_answers_the_same(tmp_path, stored_weights, difference):
    recipe = make_recipe(epochs=1)
    trained = train(recipe, tmp_path / 'work', count=8, validates=False)
    training, _ = make_sets(recipe, make_recordings(4))
    trained.model.eval()
    with torch.no_grad():
        before, _ = answers(trained.model, training)
    extractor = make_design(recipe).feature_extractor
    save_model(trained.model, extractor, tmp_path / 'model', stored_weights=stored_weights)
    as_trained = {'dtype': torch.float32, 'attn_implementation': attention()}
    stored = type(trained.model).from_pretrained(tmp_path / 'model', **as_trained).eval()
    with torch.no_grad():
        after, _ = answers(stored, training)
    torch.testing.assert_close(after, before, atol=difference, rtol=0.0)
    assert SeamlessM4TFeatureExtractor.from_pretrained(tmp_path / 'model').to_dict() == extractor.to_dict()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / 'model').iterdir()} == {0o644}


def test_tensorboard_gets_the_log_on_request(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    work = tmp_path / 'work'
    trained = train(make_recipe(), work, count=8, report_to=('tensorboard',))
    (events,) = work.rglob('events.out.tfevents*')
    scalars = EventAccumulator(str(events)).Reload()
    for tag, key in (('train/loss', 'loss'), ('eval/accuracy', 'eval_accuracy')):
        assert [event.value for event in scalars.Scalars(tag)] == pytest.approx(entries(trained, key), abs=1e-3)


def test_nothing_is_reported_unasked(tmp_path):
    train(make_recipe(epochs=1), tmp_path / 'work', count=8, validates=False)
    assert not list(tmp_path.rglob('events.out.tfevents*'))


class ShrinkingDisk(TrainingSet):
    """Leaves no room for the state of the optimiser once two checkpoints are there."""

    model_file: Path

    def __getitem__(self, index):
        if self.model_file.is_file():
            room = self.model_file.stat().st_size + 4096
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return super().__getitem__(index)


@pytest.fixture
def file_size_limit():
    """Put the limit back that the test changes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_resumed_from_what_is_whole(uninterrupted, tmp_path, file_size_limit):
    work = tmp_path / 'work'
    training, validation = make_sets(RESUMABLE, make_recordings(24), ShrinkingDisk)
    training.model_file = work / 'checkpoint-6' / 'model.safetensors'
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(RuntimeError) as caught:
        finetune(RESUMABLE, make_design(RESUMABLE), training, validation, work, resume=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert tells_of_a_full_disk(caught.value)
    assert whole_checkpoints(work) == [3, 6]
    assert (work / 'checkpoint-9' / 'model.safetensors').is_file()  # but not all that comes after it
    assert_same_outcome(train(RESUMABLE, work, resume=True), uninterrupted)


@pytest.fixture(scope='module')
def two_processes(tmp_path_factory) -> Path:
    """Return the folder in which two processes trained under torchrun, and resumed."""
    folder = tmp_path_factory.mktemp('two')
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--nproc-per-node', '2', '--standalone']
    run = subprocess.run([*torchrun, *program('two', str(folder))], capture_output=True, text=True, env=environment())
    assert run.returncode == 0, run.stderr[-3000:]
    return folder


def of_both(folder: Path, what: str) -> list:
    return [torch.load(folder / f'{what}-{rank}.pt') for rank in range(2)]


def test_two_processes_end_with_equal_weights(two_processes):
    one, other = of_both(two_processes, 'first')
    assert_same_weights(one['weights'], other['weights'])
    assert one['steps'] == other['steps'] == 12
    assert one['chosen_step'] == other['chosen_step'] and one['accuracy'] == other['accuracy'] is not None


def test_two_processes_take_each_clip_once_in_every_epoch_and_epochs_differ(two_processes):
    one, other = of_both(two_processes, 'first')
    assert sorted({epoch for epoch, _ in one['taken']}) == [0, 1, 2, 3]
    orders = []
    for epoch in range(4):
        halves = [[index for number, index in part['taken'] if number == epoch] for part in (one, other)]
        assert [len(half) for half in halves] == [12, 12]
        assert sorted(halves[0] + halves[1]) == list(range(24))
        orders.append(tuple(halves[0]))
    assert len(set(orders)) == 4


def test_two_processes_that_are_resumed_in_an_epoch_end_the_same(two_processes):
    for first, resumed in zip(of_both(two_processes, 'first'), of_both(two_processes, 'resumed'), strict=True):
        assert resumed['taken'] == first['taken'][5 * 4 :]  # 5 of 12 steps had been taken, 4 clips each
        assert_same_weights(resumed['weights'], first['weights'])
        assert resumed['chosen_step'] == first['chosen_step']


@pytest.mark.parametrize('kind', ['layerdrop', 'checkpointing'])
def test_two_processes_train_a_network_that_leaves_layers_out(two_processes, kind):
    one, other = of_both(two_processes, kind)
    assert_same_weights(one['weights'], other['weights'])


def run_stalling(work: Path) -> None:
    train(RESUMABLE, work, kind=StallingSet)


def run_two(folder: Path) -> None:
    """Train; resume from the middle of the second epoch; train networks that leave layers out."""
    rank = int(os.environ['RANK'])
    recipe = make_recipe(
        network=DROPOUT,
        augmentation={'speed': (0.8, 1.2), 'masks': 1},
        validation={'every_steps': 1, 'checkpoints_kept': 20},
        epochs=4,
    )
    for name in ('first', 'resumed'):
        training, validation = make_sets(recipe, make_recordings(24), RecordingSet)
        trained = finetune(recipe, make_design(recipe), training, validation, folder / 'work', resume=name == 'resumed')
        outcome = {
            'weights': weights(trained),
            'taken': training.taken,
            'steps': trained.steps,
            'chosen_step': trained.chosen_step,
            'accuracy': trained.validation_accuracy,
        }
        torch.save(outcome, folder / f'{name}-{rank}.pt')
        torch.distributed.barrier()
        if rank == 0:
            for step in range(6, 13):
                shutil.rmtree(folder / 'work' / f'checkpoint-{step}')
        torch.distributed.barrier()
    for name in ('layerdrop', 'checkpointing'):
        recipe = make_recipe(epochs=2, gradient_checkpointing=name == 'checkpointing')
        network = Network(model_type='wav2vec2', config=WAV2VEC2, freeze_feature_encoder=True)
        extraction = FeatureExtraction(Wav2Vec2FeatureExtractor.__name__)
        recipe = dataclasses.replace(recipe, network=network, feature_extraction=extraction)
        trained = train(recipe, folder / name, validates=False)
        torch.save({'weights': weights(trained)}, folder / f'{name}-{rank}.pt')
    torch.distributed.destroy_process_group()


if __name__ == '__main__':
    tasks = {'stall': run_stalling, 'two': run_two}
    tasks[sys.argv[1]](Path(sys.argv[2]))
