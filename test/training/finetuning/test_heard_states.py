# SPDX-License-Identifier: Apache-2.0
"""What a model's folder learns of its training clips: of a frozen encoder nothing is heard twice."""

from pathlib import Path

import numpy as np
import pytest

from ser_ros.recognition.classifier import Classifier
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.finetuning.finetuning_recipe import parse_finetuning_recipe
from ser_ros.training.finetuning.heard_states import OfFrozenEncoder, OfTrainedNetwork

MANY = [
    Recording(Clip(Path('made'), str(number), 'neutral'), np.zeros(1, np.float32), (0.0, 0.0)) for number in range(1200)
]


class Ways:
    """Stands in for the states of a frozen encoder."""

    def of(self, recording, way):
        return f'{recording.clip.name} in way {way}'


@pytest.mark.parametrize(('variants', 'varied'), [(0, '7 in way 0'), (1, '7 in way 1'), (2, '7 in way 1')])
def test_the_states_of_a_frozen_encoder_are_those_that_the_last_layer_was_fitted_to(variants, varied):
    states = OfFrozenEncoder(Ways(), variants)
    assert states.enough(MANY) == MANY
    assert states.as_heard(MANY[7]) == '7 in way 0' and states.varied(MANY[7]) == varied


def test_a_trained_network_hears_some_again(random_weight_model, made_sound):
    augmentation = parse_finetuning_recipe(
        'extends: paper\ndescription: made\nnetwork: {checkpoint: made}\n', ['augmentation.speed=[0.8,1.2]']
    ).augmentation
    classifier = Classifier.load(random_weight_model, 'cpu')
    first, second = (OfTrainedNetwork(classifier, augmentation, seed=0) for _ in range(2))
    drawn = first.enough(MANY)
    assert len({one.clip.name for one in drawn}) == 1000 and drawn == second.enough(MANY)
    recording = Recording(Clip(Path('made'), 'made', 'neutral'), made_sound('chord', 1.0), (0.2, 0.8))
    np.testing.assert_array_equal(first.as_heard(recording), classifier.classify(recording.utterance).pooled)
    varied = [first.varied(recording) for _ in range(2)]
    assert np.abs(varied[0] - varied[1]).max() > 1e-4, 'drawn anew each time'
    np.testing.assert_array_equal(varied, [second.varied(recording) for _ in range(2)])
