# SPDX-License-Identifier: Apache-2.0
"""The recipe of a pretraining, read from a YAML file in `train/pretraining/` like those of `train`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_ros.errors import SerError
from ser_ros.training.learning.recipe import Augmentation, FeatureExtraction, Network, Optimisation
from ser_ros.training.learning.recipe_file import read_recipe, recipe_names, recipes_folder


@dataclass(frozen=True)
class Pieces:
    """What is heard at once."""

    longest: float = 4.0
    """Seconds; a longer file is cut into pieces of this length."""
    shortest: float = 0.5
    """Seconds; shorter files and rests are left out."""
    voices: int = 0
    """Number of voices (tempos and pitches) of each piece, which a teacher hears once and the student in turn, each
    time in other surroundings; 0 for a new voice in each variant."""


@dataclass(frozen=True)
class Masking:
    """Spans of rows that the encoder must guess from their context (Baevski et al. 2020, section 3.1)."""

    share: float = 0.0
    """Share of the rows that spans cover if they do not overlap; 0 for none."""
    span: float = 0.4
    """Seconds of a span."""


@dataclass(frozen=True)
class MaskedPrediction:
    """Predicting codes of hidden rows, from a codebook that is drawn and never learned (BEST-RQ, Chiu et al. 2022)."""

    weight: float = 0.0
    """Of this loss; 0 for none."""
    codes: int = 1024
    code_size: int = 16


@dataclass(frozen=True)
class HiddenStateDistillation:
    """Reproducing hidden states of a teacher that hears the same voice without room and noise."""

    weight: float = 0.0
    """Of this loss; 0 for none."""
    layers: list[int] = field(default_factory=list)
    """Layers of the teacher, from 1. A Whisper teacher is cut off after the highest."""
    whitening: float = 0.0
    """How far directions of little variance count as much as those of large variance, 0..1."""
    directions: int = 0
    """Reproduce only so many directions of each layer, all alike: those in which the mean over a piece varies most,
    which a classifier reads; 0 for all."""


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
    feed_forward: int = 0
    """Units that each feed-forward layer of a Whisper encoder keeps: those that do most on the speech, whose outgoing
    weights are fitted anew to what all of them did; 0 for all."""
    initial_share: float = 0.0
    """Share of the weights that the encoder began with in those that are kept, 0..1: what it knew before survives
    better in an average (Wortsman et al. 2022, Robust fine-tuning of zero-shot models)."""
    checkpoint_every_steps: int = 500
    checkpoints_kept: int = 1
    seed: int = 0


def pretraining_recipe_names() -> list[str]:
    """Return the names of all recipes of pretraining that come with the package."""
    return recipe_names(_folder())


def load_pretraining_recipe(name: str, settings: Sequence[str] = ()) -> PretrainingRecipe:
    """Return the recipe `train/pretraining/NAME.yaml`, changed by `settings`. Raises SerError; see read_recipe."""
    return read_recipe(PretrainingRecipe, name, _folder(), settings)


def check_needs(recipe: PretrainingRecipe, *, has_teacher: bool) -> None:
    """Raise SerError if something that the recipe needs is missing, or if a teacher is unused."""
    if not recipe.distillation.weight and not recipe.masked_prediction.weight:
        raise SerError('the recipe learns nothing; give distillation.weight or masked_prediction.weight a value')
    if recipe.distillation.weight and not has_teacher:
        raise SerError('the recipe needs --teacher (a speech encoder); give it, or set distillation.weight to 0')
    if has_teacher and not recipe.distillation.weight:
        raise SerError('the recipe does not use --teacher; leave it out, or give distillation.weight a value')
    if recipe.masked_prediction.weight and not recipe.masking.share:
        raise SerError('masked prediction needs masked frames; give masking.share a value')
    if not 0.0 <= recipe.initial_share <= 1.0:
        raise SerError(f'initial_share is {recipe.initial_share:g}; give 0 (what was learned) to 1 (what was before)')
    strength, directions = recipe.distillation.whitening, recipe.distillation.directions
    if directions and strength:
        raise SerError(
            'distillation.directions makes all alike, which leaves nothing to distillation.whitening; set one'
        )
    if directions < 0:
        raise SerError(f'distillation.directions is {directions}; give how many, or 0 for all')
    if not 0.0 <= strength <= 1.0:
        raise SerError(f'distillation.whitening is {strength:g}; give 0 (not at all) to 1 (all directions vary alike)')


def _folder() -> Path:
    return recipes_folder() / 'pretraining'
