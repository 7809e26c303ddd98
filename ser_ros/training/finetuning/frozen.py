# SPDX-License-Identifier: Apache-2.0
"""Trains the last layer alone, on the mean of some hidden states of a frozen encoder: minutes instead of hours."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import PreTrainedModel, set_seed

from ser_ros.errors import SerError
from ser_ros.recognition.device import choose_device
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.finetune import Finetuned
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe
from ser_ros.training.learning.dataset import VariantFeatures, chances
from ser_ros.training.learning.design import Design
from ser_ros.training.learning.linear_head import LinearHead, fit_linear_head, penalty_axes
from ser_ros.training.learning.network import new_classifier
from ser_ros.training.learning.separation import separate
from ser_ros.training.learning.stored_weights import round_to_float8

_UNUSED = -1e4
"""Weight of a layer in the network's softmax over layers that leaves nothing of it."""


Parts = Sequence[Mapping[str, torch.Tensor]]
"""The network's arguments for a sound, without a batch dimension: of all of it, or of each of several parts of it."""


def ways_to_hear(features: VariantFeatures, variants: int) -> list[Callable[[Recording], Parts]]:
    """Return how a frozen encoder hears a clip in training: as a robot does, and in each variant."""

    def varied(variant: int) -> Callable[[Recording], Parts]:
        return lambda recording: [features(recording, variant)]

    return [features.as_heard, *map(varied, range(variants))]


class FrozenStates:
    """The pooled states of each clip in each of the ways in which it trains, computed once for all folds."""

    def __init__(self, recipe: FinetuningRecipe, design: Design, ways: Sequence[Callable[[Recording], Parts]]):
        """Start without any.

        Args:
            recipe: Says which hidden states are pooled.
            design: Of the network.
            ways: Each returns what the network is given of a recording; the states of several parts are averaged.
        """
        self._recipe = recipe
        self._design = design
        self._ways = ways
        self._device = choose_device('auto')
        self._network: PreTrainedModel | None = None
        self._pooled = torch.empty(0)
        self._kept: dict[tuple[str, int], np.ndarray] = {}

    def __call__(self, recordings: Sequence[Recording]) -> np.ndarray:
        """Return float32, shape (ways * recordings, width): all in the first way, then in the second."""
        due = [(recording, way) for way in range(len(self._ways)) for recording in recordings]
        missing = [(one, way) for one, way in due if (one.clip.name, way) not in self._kept]
        for recording, way in tqdm(missing, desc='computing the states of the frozen encoder', unit='clip'):
            self.of(recording, way)
        return np.stack([self.of(recording, way) for recording, way in due])

    def of(self, recording: Recording, way: int) -> np.ndarray:
        """Return the state in one way: float32, shape (width,)."""
        key = (recording.clip.name, way)
        if key not in self._kept:
            self._kept[key] = np.mean([self._run(part) for part in self._ways[way](recording)], axis=0)
        return self._kept[key]

    @torch.inference_mode()
    def _run(self, inputs: Mapping[str, torch.Tensor]) -> np.ndarray:
        if self._network is None:
            self._network = new_frozen(self._recipe, self._design).to(self._device).eval()
            self._network.classifier.register_forward_pre_hook(self._keep)
        self._network(**{name: value[None].to(self._device) for name, value in inputs.items()})
        return self._pooled[0].float().cpu().numpy()

    def _keep(self, layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        (self._pooled,) = inputs


def check_frozen(network: PreTrainedModel, layers: Sequence[int]) -> None:
    """Raise SerError if `network` cannot classify the mean of these hidden states as they are."""
    if not hasattr(network, 'layer_weights'):
        raise SerError('frozen_encoder.layers needs network.config.use_weighted_layer_sum=true; set it in the recipe')
    count, projector = len(network.layer_weights), network.projector
    if not all(0 <= layer < count for layer in layers):
        raise SerError(f'frozen_encoder.layers has {max(layers)}, but there are the hidden states 0 to {count - 1}')
    if projector.in_features != projector.out_features:
        raise SerError(
            f'frozen_encoder.layers needs network.config.classifier_proj_size={projector.in_features}, the width of '
            'the encoder; set it in the recipe'
        )


def new_frozen(recipe: FinetuningRecipe, design: Design) -> PreTrainedModel:
    """Return the network whose pooled state is the mean of the recipe's hidden states. Raises SerError."""
    set_seed(recipe.seed)
    network = new_classifier(design)
    if recipe.stored_weights == 'float8':
        round_to_float8(network)
    layers = recipe.frozen_encoder.layers
    check_frozen(network, layers)
    with torch.no_grad():
        network.layer_weights.fill_(_UNUSED)
        network.layer_weights[list(layers)] = 0.0
        torch.nn.init.eye_(network.projector.weight)
        network.projector.bias.zero_()
    return network


@dataclass(frozen=True, eq=False)
class Probe:
    """A last layer for the states of a frozen encoder.

    Attributes:
        head: The layer.
        offsets: What each voice that trained it adds to the states: float64, shape (width,), by the voice.
    """

    head: LinearHead
    offsets: Mapping[str, np.ndarray]


def fit_probe(
    recipe: FinetuningRecipe,
    recordings: Sequence[Recording],
    labels: Sequence[str],
    known_labels: Mapping[str, Sequence[str]],
    states: FrozenStates,
    ordinary: Sequence[Recording] = (),
) -> Probe:
    """Return the layer that `recipe` asks for, fitted to the recordings in all ways; see train_head."""
    pooled = states(recordings)
    clips = [recording.clip for recording in recordings] * (len(pooled) // len(recordings))
    truth = np.array([list(labels).index(clip.emotion) for clip in clips])
    known = np.array([[label in known_labels.get(clip.corpus, labels) for label in labels] for clip in clips])
    shares = chances(clips) if recipe.balanced else np.full(len(clips), 1.0 / len(clips))
    parts = separate(pooled, truth, [clip.voice for clip in clips], len(labels))
    normalised = recipe.optimisation.voice_normalised
    plain = states(ordinary) if ordinary else np.empty((0, pooled.shape[1]))
    neutral = list(labels).index(recipe.other_speech.ordinary_emotion) if ordinary else 0
    # Ordinary speech stays as it is, for a robot hears a stranger so at first.
    share = recipe.frozen_encoder.ordinary_share
    together = share / (1.0 - share) * shares.sum()
    head = fit_linear_head(
        np.concatenate([pooled - parts.offsets, pooled, plain]),
        np.concatenate([truth, truth, np.full(len(plain), neutral)]),
        np.concatenate([known, known, np.ones((len(plain), len(labels)), dtype=bool)]),
        np.concatenate(
            [normalised * shares, (1.0 - normalised) * shares, np.full(len(plain), together / max(len(plain), 1))]
        ),
        penalty_axes(parts.rest, recipe.frozen_encoder.whitening),
        recipe.frozen_encoder.penalty,
    )
    return Probe(head, {clip.voice: offset for clip, offset in zip(clips, parts.offsets, strict=True)})


def train_head(
    recipe: FinetuningRecipe,
    design: Design,
    recordings: Sequence[Recording],
    labels: Sequence[str],
    known_labels: Mapping[str, Sequence[str]],
    states: FrozenStates,
    ordinary: Sequence[Recording] = (),
) -> Finetuned:
    """Train the last layer on `recordings` and `ordinary` speech; see TrainingSet for `known_labels`.

    Of each utterance, `optimisation.voice_normalised` counts without the offset of its voice, the rest as it is.
    """
    started = time.monotonic()
    head = fit_probe(recipe, recordings, labels, known_labels, states, ordinary).head
    network = new_frozen(recipe, design)
    with torch.no_grad():
        network.classifier.weight.copy_(torch.from_numpy(head.weights))
        network.classifier.bias.copy_(torch.from_numpy(head.bias))
    return Finetuned(
        model=network,
        log=[{'step': step, 'loss': loss} for step, loss in enumerate(head.losses, start=1)],
        steps=len(head.losses),
        chosen_step=len(head.losses),
        validation_accuracy=None,
        seconds=time.monotonic() - started,
        peak_gpu_memory_gib=torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else None,
    )
