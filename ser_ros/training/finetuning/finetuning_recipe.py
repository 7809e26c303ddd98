# SPDX-License-Identifier: Apache-2.0
"""The recipe of a fine-tuning, read from a YAML file in `train/`; any value can be set from the command line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from ser_ros.training.learning.ranges import Count, PositiveFew, Range, Seed, Share, ShareBelowOne
from ser_ros.training.learning.recipe import (
    Augmentation,
    FeatureExtraction,
    FrozenEncoder,
    Network,
    Optimisation,
    StoredWeights,
    plain_values,
)
from ser_ros.training.learning.recipe_file import parse_recipe, read_recipe, recipe_names, recipes_folder


@dataclass(frozen=True)
class LogitDistillation:
    """Learning from the answers of a larger fine-tuned model to the same voice without room and noise."""

    weight: Share = 0.0
    """Share of each target that is the teacher's answer, 0..1; the rest is the label. 0 for no teacher."""
    temperature: Annotated[float, Range(0, 1000, above=True)] = 2.0
    """Of the teacher's probabilities: above 1 shows more of what it finds similar (Hinton et al. 2015)."""
    probe: FrozenEncoder = field(default_factory=FrozenEncoder)
    """With layers, the teacher is an encoder that is not fine-tuned, and its last layer is trained on the clips that
    train in each fold."""


@dataclass(frozen=True)
class OtherSpeech:
    """What is heard besides the clips, without labels of emotion."""

    taught: Count = 0
    """Utterances in an epoch that only the teacher labels."""
    ordinary: Count = 0
    """Utterances in an epoch by people who act no emotion, labelled `ordinary_emotion`."""
    ordinary_emotion: str = 'neutral'
    outliers: Count = 0
    """Copies of sounds that are no speech, as laughs and coughs, each at a speed of its own: the model's folder then
    has a detector that tells them from speech."""
    inliers: Count = 0
    """Utterances of any kind that the detector must not take for such sounds, besides clips and ordinary speech."""
    longest: Annotated[float, Range(0.1, 600)] = 4.0
    """Seconds that are used of an utterance."""


@dataclass(frozen=True)
class Validation:
    """Which checkpoint is chosen."""

    share: ShareBelowOne = 0.1
    """Share of the training clips that is held out to choose the checkpoint on, by speaker if the protocol is; 0 for
    the last checkpoint of a fixed number of epochs."""
    measure: Literal['accuracy', 'loss'] = 'accuracy'
    """The measure by which the best checkpoint is chosen."""
    every_steps: Count = 0
    """Steps from one evaluation, log entry and checkpoint to the next; 0 for each epoch."""
    checkpoints_kept: PositiveFew = 2
    patience: Count = 0
    """Stop after this many evaluations without improvement; 0 for never."""


@dataclass(frozen=True)
class FinetuningRecipe:
    """Everything that determines a model, except the data."""

    description: str
    network: Network
    optimisation: Optimisation
    feature_extraction: FeatureExtraction = field(default_factory=FeatureExtraction)
    augmentation: Augmentation = field(default_factory=Augmentation)
    frozen_encoder: FrozenEncoder = field(default_factory=FrozenEncoder)
    distillation: LogitDistillation = field(default_factory=LogitDistillation)
    other_speech: OtherSpeech = field(default_factory=OtherSpeech)
    validation: Validation = field(default_factory=Validation)
    balanced: bool = False
    """Draw the clips of each epoch so that a corpus is heard in proportion to its speakers (24 at most), in it every
    emotion as often as any other, and of an emotion every speaker; otherwise each clip is heard once."""
    seed: Seed = 0
    selection: str = ''
    """How the values were chosen, for the model card."""
    stored_weights: StoredWeights = 'float32'
    """Precision in which the weights are saved; the figures are measured with them. float8 rounds the frozen encoder
    before the last layer is fitted to it."""

    def contradictions(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if not self.optimisation.epochs and not self.frozen_encoder.layers:
            yield (
                'optimisation.epochs is 0 or missing; give 1 or more (only the last layer alone, with '
                'frozen_encoder.layers, is trained without)'
            )
        if self.frozen_encoder.layers and (self.other_speech.taught or self.distillation.weight):
            yield (
                'frozen_encoder.layers trains the last layer alone, which has no teacher; set other_speech.taught and '
                'distillation.weight to 0, or frozen_encoder.layers=[]'
            )
        if self.optimisation.mixup and self.optimisation.voice_normalised:
            yield (
                'optimisation.mixup lets two voices be heard at once, which has no one offset for '
                'optimisation.voice_normalised to take out; set one of them to 0'
            )
        if self.stored_weights == 'float8' and not self.frozen_encoder.layers:
            yield (
                'stored_weights=float8 rounds a frozen encoder before the last layer is fitted to it, and this one is '
                'trained; set it to float16, or give frozen_encoder.layers'
            )
        if self.optimisation.mixup and self.frozen_encoder.layers:
            yield (
                'frozen_encoder.layers fits the last layer in one go, with no batches for optimisation.mixup to mix; '
                'set it to 0, or frozen_encoder.layers=[]'
            )


def finetuning_recipe_names() -> list[str]:
    """Return the names of all recipes of fine-tuning that come with the package."""
    return recipe_names(recipes_folder())


def load_finetuning_recipe(name: str, settings: Sequence[str] = ()) -> FinetuningRecipe:
    """Return the recipe `train/NAME.yaml`, changed by `settings`. Raises SerError; see read_recipe."""
    return read_recipe(FinetuningRecipe, name, recipes_folder(), settings)


def parse_finetuning_recipe(text: str, settings: Sequence[str] = (), *, source: str = 'the recipe') -> FinetuningRecipe:
    """Return the recipe in the YAML `text`, changed by `settings`. Raises SerError; see parse_recipe."""
    return parse_recipe(FinetuningRecipe, text, settings, source=source)


def decisive_values(recipe: FinetuningRecipe) -> dict:
    """Return the plain values without the texts, which do not affect results."""
    values = plain_values(recipe)
    del values['description'], values['selection']
    return values
