# SPDX-License-Identifier: Apache-2.0
"""The recipe of a pretraining, read from a YAML file in `train/pretraining/` like those of `train`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from ser_ros.errors import SerError
from ser_ros.training.learning.ranges import Count, Few, PositiveFew, Range, Seed, Share, Weight
from ser_ros.training.learning.recipe import Augmentation, FeatureExtraction, Network, Optimisation
from ser_ros.training.learning.recipe_file import read_recipe, recipe_names, recipes_folder


@dataclass(frozen=True)
class Pieces:
    """What is heard at once."""

    longest: Annotated[float, Range(0.1, 600)] = 4.0
    """Seconds; a longer file is cut into pieces of this length."""
    shortest: Annotated[float, Range(0.1, 600)] = 0.5
    """Seconds; shorter files and rests are left out."""
    voices: Few = 0
    """Number of voices (tempos and pitches) of each piece, which a teacher hears once and the student in turn, each
    time in other surroundings; 0 for a new voice in each variant."""

    def contradictions(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if self.shortest > self.longest:
            yield f'shortest is {self.shortest:g} and longest {self.longest:g}; give a longest that is not below'


@dataclass(frozen=True)
class Masking:
    """Spans of rows that the encoder must guess from their context (Baevski et al. 2020, section 3.1)."""

    share: Share = 0.0
    """Share of the rows that spans cover if they do not overlap; 0 for none."""
    span: Annotated[float, Range(0.01, 30)] = 0.4
    """Seconds of a span."""


@dataclass(frozen=True)
class MaskedPrediction:
    """Predicting codes of hidden rows, from a codebook that is drawn and never learned (BEST-RQ, Chiu et al. 2022)."""

    weight: Weight = 0.0
    """Of this loss; 0 for none."""
    codes: Annotated[int, Range(2, 1_000_000)] = 1024
    code_size: Annotated[int, Range(1, 1000)] = 16


@dataclass(frozen=True)
class HiddenStateDistillation:
    """Reproducing hidden states of a teacher that hears the same voice without room and noise."""

    weight: Weight = 0.0
    """Of this loss; 0 for none."""
    layers: Annotated[list[int], Range(1, 1000)] = field(default_factory=list)
    """Layers of the teacher, from 1. A Whisper teacher is cut off after the highest."""
    whitening: Share = 0.0
    """How far directions of little variance count as much as those of large variance, 0..1."""
    directions: Count = 0
    """Reproduce only so many directions of each layer, all alike: those in which the mean over a piece varies most,
    which a classifier reads; 0 for all."""

    def contradictions(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if self.directions and self.whitening:
            yield 'directions makes all alike, which leaves nothing to whitening; set one'
        if self.weight and not self.layers:
            yield 'weight is above 0, but layers names none of the teacher; name some, such as [1, 2]'


@dataclass(frozen=True)
class PretrainingRecipe:
    """Everything that determines an encoder, except the speech and the teacher."""

    description: str
    network: Network
    optimisation: Optimisation
    feature_extraction: FeatureExtraction = field(default_factory=FeatureExtraction)
    augmentation: Augmentation = field(default_factory=Augmentation)
    """`variants` are kept on disk beside the checkpoints; the margins are unused here."""
    pieces: Pieces = field(default_factory=Pieces)
    masking: Masking = field(default_factory=Masking)
    masked_prediction: MaskedPrediction = field(default_factory=MaskedPrediction)
    distillation: HiddenStateDistillation = field(default_factory=HiddenStateDistillation)
    feed_forward: Count = 0
    """Units that each feed-forward layer of a Whisper encoder keeps: those that do most on the speech, whose outgoing
    weights are fitted anew to what all of them did; 0 for all."""
    initial_share: Share = 0.0
    """Share of the weights that the encoder began with in those that are kept, 0..1: what it knew before survives
    better in an average (Wortsman et al. 2022, Robust fine-tuning of zero-shot models)."""
    checkpoint_every_steps: Count = 500
    """0 for each epoch."""
    checkpoints_kept: PositiveFew = 1
    seed: Seed = 0

    def contradictions(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if not self.optimisation.epochs:
            yield 'optimisation.epochs is 0 or missing; give 1 or more'
        if not self.distillation.weight and not self.masked_prediction.weight:
            yield 'it learns nothing; give distillation.weight or masked_prediction.weight a value'
        if self.masked_prediction.weight and not self.masking.share:
            yield 'masked prediction needs masked frames; give masking.share a value'


def pretraining_recipe_names() -> list[str]:
    """Return the names of all recipes of pretraining that come with the package."""
    return recipe_names(_folder())


def load_pretraining_recipe(name: str, settings: Sequence[str] = ()) -> PretrainingRecipe:
    """Return the recipe `train/pretraining/NAME.yaml`, changed by `settings`. Raises SerError; see read_recipe."""
    return read_recipe(PretrainingRecipe, name, _folder(), settings)


def check_needs(recipe: PretrainingRecipe, *, has_teacher: bool) -> None:
    """Raise SerError if the teacher that the recipe needs is missing, or if one is unused."""
    if recipe.distillation.weight and not has_teacher:
        raise SerError('the recipe needs --teacher (a speech encoder); give it, or set distillation.weight to 0')
    if has_teacher and not recipe.distillation.weight:
        raise SerError('the recipe does not use --teacher; leave it out, or give distillation.weight a value')


def _folder() -> Path:
    return recipes_folder() / 'pretraining'
