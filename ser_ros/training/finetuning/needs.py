# SPDX-License-Identifier: Apache-2.0
"""What a recipe needs besides itself: checked before any clip is read, as far as it can be known then."""

import numpy as np
import torch

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, did_you_mean, reason
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe
from ser_ros.training.finetuning.frozen import check_frozen
from ser_ros.training.finetuning.teaching import Teaching
from ser_ros.training.learning.design import Design, design_classifier
from ser_ros.training.learning.layers import freeze, layer_count
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.network import new_classifier, outline

_ANY_LABELS = ('a', 'b')

_TRIAL_SAMPLES = 4 * SAMPLE_RATE


def check_teaching(recipe: FinetuningRecipe, teaching: Teaching) -> None:
    """Raise SerError if something that the recipe needs is missing, or if something given is unused."""
    other = recipe.other_speech
    for option, given, wanted, key in (
        (
            '--teacher',
            teaching.teacher,
            other.taught or recipe.distillation.weight,
            'distillation.weight and other_speech.taught',
        ),
        ('--taught-speech', teaching.taught_speech, other.taught, 'other_speech.taught'),
        ('--ordinary-speech', teaching.ordinary_speech, other.ordinary, 'other_speech.ordinary'),
    ):
        if wanted and not given:
            raise SerError(f'the recipe needs {option}; give it, or set the values of {key} to 0')
        if given and not wanted:
            raise SerError(f'the recipe does not use {option}; leave it out, or give the values of {key} with --set')


def check_choice(recipe: FinetuningRecipe, *, selects_on_test: bool) -> None:
    """Raise SerError if the recipe waits for validation clips to get better, and there are none."""
    if recipe.validation.patience and not recipe.validation.share and not selects_on_test:
        raise SerError(
            'validation.patience waits for the validation clips, and validation.share is 0; give it a value above 0, '
            'or set validation.patience to 0'
        )


def check_network(recipe: FinetuningRecipe) -> None:
    """Raise SerError if the recipe asks for more than the network and its features have."""
    made = design_classifier(recipe.network, recipe.feature_extraction, _ANY_LABELS)
    Masks(recipe.augmentation, made.feature_extractor)
    network = outline(made)
    if not layer_count(network):
        raise SerError('the encoder has no layer; give network.config a number of layers above 0')
    freeze(network, recipe.network)
    if recipe.frozen_encoder.layers:
        check_frozen(network, recipe.frozen_encoder.layers)
    if not made.checkpoint:
        _try(made)


def _try(made: Design) -> None:
    """Raise SerError if a network with random weights cannot answer to a sound, as a checkpoint's can."""
    sound = np.random.default_rng(0).standard_normal(_TRIAL_SAMPLES, dtype=np.float32)
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode():
            new_classifier(made).train()(**made.frontend([sound, sound[: _TRIAL_SAMPLES // 2]]))
    except SerError:
        raise
    except Exception as error:
        raise SerError(
            f'network.config and feature_extraction.config do not fit together ({reason(error)}); correct the recipe'
        ) from None


def check_labels(recipe: FinetuningRecipe, corpus: Corpus) -> None:
    """Raise SerError if ordinary speech is to be an emotion that the data does not have."""
    ordinary = recipe.other_speech.ordinary_emotion
    if recipe.other_speech.ordinary and ordinary not in corpus.labels:
        raise SerError(
            f"other_speech.ordinary_emotion is '{ordinary}', and the data has {', '.join(corpus.labels)}; give one of "
            f'these{did_you_mean(ordinary, corpus.labels)}'
        )
