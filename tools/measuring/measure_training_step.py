# SPDX-License-Identifier: Apache-2.0
"""Measures optimiser steps of Gavali and Verma's four architectures at full size, with their settings and with ours.

    python tools/measuring/measure_training_step.py --model wav2vec2-base --steps 3

The weights are random, which changes neither time nor memory; the clips are noise, as long as RAVDESS's. Each row is
measured in a process of its own, with the fine-tuning code of `train`. Its first step is a warm-up. Needs the built
workspace, `. ./env.bash`.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import transformers
from torch.optim.optimizer import register_optimizer_step_post_hook

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.benchmarking.architectures import ARCHITECTURES
from ser_ros.emotions import LABELS
from ser_ros.machine import cpu_name
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.finetune import finetune
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe, load_finetuning_recipe
from ser_ros.training.learning.dataset import TrainingSet, VariantFeatures
from ser_ros.training.learning.design import design_classifier
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.network import new_classifier
from ser_ros.training.learning.recipe import FeatureExtraction

SETTINGS = {'paper': '', 'fast': '-fast'}
"""What each is called at the end of a recipe's name."""

_CLIP_SECONDS, _CLIP_DEVIATION = 3.7, 0.35
"""RAVDESS's speech clips: mean and deviation."""

_SPEECH_START, _SPEECH_SECONDS = 1.0, 1.65
"""With the margins of base/fast.yaml utterances have 2.1 s on average."""


_EPOCH = 1037
"""Training clips of RAVDESS in the study's 80:20 split less validation; batches are drawn from so many."""


@dataclass(frozen=True)
class Row:
    """One measurement, without the first step.

    step_seconds, cpu_seconds: mean of a step by the clock, and of all threads together.
    utterances: in a step.
    utterance_seconds: mean length that an utterance of these steps is padded to.
    """

    parameters: int
    step_seconds: float
    cpu_seconds: float
    utterances: int
    utterance_seconds: float
    peak_bytes: int


class Enough(Exception):
    """All steps are measured; ends the run before it writes a checkpoint of several gigabytes."""


def main() -> None:
    """Print a Markdown table."""
    options = _parse()
    if options.device == 'cpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    elif options.device == 'cuda' and not torch.cuda.is_available():
        sys.exit('torch sees no GPU; use --device cpu')
    device = 'cpu' if options.device == 'cpu' or not torch.cuda.is_available() else 'cuda'
    print(_machine(device), end='\n\n')
    memory = 'of the process' if device == 'cpu' else 'on the GPU'
    print(
        '| model (random weights) | parameters | settings | device | seconds per step | CPU seconds per step | '
        f'utterances/s | seconds of an utterance, padded | GiB {memory} |'
    )
    print('|---|---:|---|---|---:|---:|---:|---:|---:|', flush=True)
    for model in options.model:
        for settings in options.settings:
            with ProcessPoolExecutor(1, mp_context=get_context('spawn')) as process:
                row = process.submit(measure, model, settings, options.steps).result()
            cells = (
                model,
                f'{row.parameters / 1e6:.1f} M',
                settings,
                device,
                f'{row.step_seconds:.2f}',
                f'{row.cpu_seconds:.2f}',
                f'{row.utterances / row.step_seconds:.2f}',
                f'{row.utterance_seconds:.2f}',
                f'{row.peak_bytes / 2**30:.1f}',
            )
            print(f'| {" | ".join(cells)} |', flush=True)


def measure(model: str, settings: str, steps: int) -> Row:
    """Run one step to warm up and `steps` more of `model` in this process."""
    transformers.utils.logging.set_verbosity_error()
    recipe = random_weight_recipe(model, settings)
    made = design_classifier(recipe.network, recipe.feature_extraction, LABELS)
    utterances = recipe.optimisation.batch_size * recipe.optimisation.gradient_accumulation
    recordings = _made_recordings(max(_EPOCH, utterances * (1 + steps)))
    features = VariantFeatures(made.frontend, recipe.augmentation, seed=recipe.seed)
    training = TrainingSet(
        recordings,
        LABELS,
        features,
        Masks(recipe.augmentation, made.feature_extractor),
        seed=recipe.seed,
    )
    measured = _order(recipe, training)[utterances : utterances * (1 + steps)]
    durations = [features.duration(recordings[index], 0) for index in measured]
    longest = np.reshape(durations, (-1, recipe.optimisation.batch_size)).max(axis=1)
    with torch.device('meta'):
        parameters = new_classifier(made).num_parameters()
    ends: list[tuple[float, float]] = []

    def note_the_time(*_) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        ends.append((time.perf_counter(), time.process_time()))
        if len(ends) > steps:
            raise Enough

    handle = register_optimizer_step_post_hook(note_the_time)
    with tempfile.TemporaryDirectory() as work:
        try:
            finetune(recipe, made, training, None, Path(work) / 'run', resume=False)
        except Enough:
            pass
        finally:
            handle.remove()
    if torch.cuda.is_available():
        peak = torch.cuda.max_memory_allocated()
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    step_seconds, cpu_seconds = (np.subtract(ends[-1], ends[0]) / steps).tolist()
    return Row(parameters, step_seconds, cpu_seconds, utterances, float(np.mean(longest)), peak)


def random_weight_recipe(model: str, settings: str) -> FinetuningRecipe:
    """Return the recipe that ships, with random weights of the same architecture instead of its checkpoint.

    Layers are never dropped, so that every step has the work of all.
    """
    recipe = load_finetuning_recipe(model + SETTINGS[settings])
    model_type, config = ARCHITECTURES[model]
    network = replace(
        recipe.network,
        checkpoint='',
        model_type=model_type,
        config={**config, 'layerdrop': 0.0, **recipe.network.config},
    )
    masked = config.get('feat_extract_norm') == 'layer'
    extraction = FeatureExtraction('Wav2Vec2FeatureExtractor', {'return_attention_mask': masked})
    return replace(
        recipe,
        network=network,
        feature_extraction=extraction,
        optimisation=replace(recipe.optimisation, epochs=1),
    )


def _order(recipe: FinetuningRecipe, training: TrainingSet) -> list[int]:
    optimisation = recipe.optimisation
    together = optimisation.batches_sorted_together if optimisation.group_by_length else 0
    return training.order(optimisation.batch_size, sorted_together=together)


def _made_recordings(count: int) -> list[Recording]:
    generator = np.random.default_rng(0)
    recordings = []
    for index in range(count):
        seconds = np.clip(generator.normal(_CLIP_SECONDS, _CLIP_DEVIATION), 2.9, 5.3)
        samples = generator.normal(scale=0.05, size=int(seconds * SAMPLE_RATE)).astype(np.float32)
        clip = Clip(Path('made'), f'made-{index}', LABELS[index % len(LABELS)])
        recordings.append(Recording(clip, samples, (_SPEECH_START, _SPEECH_START + _SPEECH_SECONDS)))
    return recordings


def _machine(device: str) -> str:
    if device == 'cuda':
        hardware = torch.cuda.get_device_name(0)
    else:
        hardware = f'{cpu_name()}, {torch.get_num_threads()} of {os.cpu_count()} cores'
    return f'{hardware}; torch {torch.__version__}, transformers {transformers.__version__}'


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0], epilog='OMP_NUM_THREADS=N sets the threads on a CPU.'
    )
    parser.add_argument('--model', nargs='+', choices=ARCHITECTURES, default=list(ARCHITECTURES), metavar='NAME')
    parser.add_argument('--settings', nargs='+', choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument('--steps', type=int, default=5, help='steps measured, after one warm-up step (default: 5)')
    parser.add_argument('--device', choices=('auto', 'cpu', 'cuda'), default='auto')
    return parser.parse_args()


if __name__ == '__main__':
    main()
