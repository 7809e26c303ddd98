# SPDX-License-Identifier: Apache-2.0
"""What a recipe needs besides itself: checked before any clip is read, as far as it can be known then."""

from ser_ros.errors import SerError, did_you_mean
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.finetuning.finetuning_recipe import FinetuningRecipe
from ser_ros.training.finetuning.frozen import check_frozen
from ser_ros.training.finetuning.teaching import Teaching
from ser_ros.training.learning.design import design_classifier
from ser_ros.training.learning.layers import freeze, layer_count
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.network import new_classifier, outline, try_out

_ANY_LABELS = ('a', 'b')


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
        ('--outliers', teaching.outliers, other.outliers, 'other_speech.outliers'),
        ('--inliers', teaching.inliers, other.inliers, 'other_speech.inliers'),
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
    try_out(made, new_classifier)


def check_labels(recipe: FinetuningRecipe, corpus: Corpus) -> None:
    """Raise SerError if ordinary speech is to be an emotion that the data does not have."""
    ordinary = recipe.other_speech.ordinary_emotion
    if recipe.other_speech.ordinary and ordinary not in corpus.labels:
        raise SerError(
            f"other_speech.ordinary_emotion is '{ordinary}', and the data has {', '.join(corpus.labels)}; give one of "
            f'these{did_you_mean(ordinary, corpus.labels)}'
        )
