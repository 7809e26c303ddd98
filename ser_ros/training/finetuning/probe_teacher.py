# SPDX-License-Identifier: Apache-2.0
"""A teacher that is not fine-tuned: a probe of its frozen encoder, trained on the clips of each fold."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ser_ros.recognition.models import find_checkpoint
from ser_ros.recognition.windows import windows
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe
from ser_ros.training.finetuning.frozen import FrozenStates, fit_probe
from ser_ros.training.learning.dataset import VariantFeatures
from ser_ros.training.learning.design import design_classifier, design_encoder
from ser_ros.training.learning.recipe import FeatureExtraction, Network

_WINDOW = 4.0
"""Seconds that a Whisper teacher hears at once, which it pads to; what is longer it hears in parts."""


class TeacherStates:
    """The pooled states that a probe of a teacher reads, of the voices that it hears; for all folds."""

    def __init__(self, recipe: FinetuningRecipe, teacher: Path, corpus: Corpus, features: VariantFeatures):
        """Load nothing yet.

        Args:
            recipe: The pupil's; it says which states the probe reads.
            teacher: An encoder's folder or, as a relative path, its name on the Hugging Face Hub.
            corpus: Says the labels.
            features: Of the pupil, which say what the teacher hears.

        Raises:
            SerError: The encoder cannot be used.
        """
        self.recipe = replace(recipe, frozen_encoder=recipe.distillation.probe)
        self.variant = features.variant
        made = design_classifier(_network(str(teacher), self.recipe), FeatureExtraction(), corpus.labels)
        self.name = made.initial_weights

        def parts(variant: int, recording: Recording) -> list[dict[str, torch.Tensor]]:
            voice = features.voice(recording, variant)
            return [
                {name: value[0] for name, value in made.frontend([part]).items()}
                for part in windows(voice, made.frontend.longest)
            ]

        variants = range(max(recipe.augmentation.variants, 1))
        self.states = FrozenStates(self.recipe, made, [partial(parts, variant) for variant in variants])


def _network(teacher: str, recipe: FinetuningRecipe) -> Network:
    """Return the teacher with a last layer on its states as they are."""
    plain = Network(checkpoint=find_checkpoint(teacher))
    encoder = design_encoder(plain, FeatureExtraction()).config
    config = {'use_weighted_layer_sum': True, 'classifier_proj_size': encoder.hidden_size}
    if encoder.model_type != 'whisper':
        return replace(plain, config=config)
    # One more than is read, because the output of the last layer is normalised.
    layers = min(max(recipe.frozen_encoder.layers) + 1, encoder.num_hidden_layers)
    return replace(plain, window=_WINDOW, config=config | {'encoder_layers': layers})


class ProbeTeacher:
    """Answers for the variants of training utterances, without the offsets of the voices that trained it."""

    def __init__(
        self,
        teacher: TeacherStates,
        recordings: Sequence[Recording],
        labels: Sequence[str],
        known_labels: Mapping[str, Sequence[str]],
        *,
        temperature: float,
    ):
        """Train it on all variants of `recordings`; see TrainingSet for `known_labels`."""
        self.name = teacher.name
        self._teacher = teacher
        self._temperature = temperature
        self._probe = fit_probe(teacher.recipe, recordings, labels, known_labels, teacher.states)

    def __call__(self, recording: Recording, epoch: int) -> torch.Tensor:
        """Return its probabilities for the voice that is due in `epoch`: float32, shape (labels,)."""
        state = self._teacher.states.of(recording, self._teacher.variant(epoch))
        offset = self._probe.offsets.get(recording.clip.voice, np.zeros_like(state))
        head = self._probe.head
        logits = head.weights @ (state - offset) + head.bias
        return torch.softmax(torch.from_numpy(logits / self._temperature), dim=-1).float()
