# SPDX-License-Identifier: Apache-2.0
"""The running mean of the weights: what it comes to, and that it answers only while it should."""

import pytest
import torch
from transformers import PreTrainedConfig, PreTrainedModel, TrainerControl, TrainerState, TrainingArguments

from ser_ros.training.learning.weight_average import WeightAverage


class OneNumber(PreTrainedModel):
    """A network that is a number."""

    config_class = PreTrainedConfig

    def __init__(self, value: float):
        super().__init__(PreTrainedConfig())
        self.value = torch.nn.Parameter(torch.tensor([value]))


@pytest.fixture
def model() -> OneNumber:
    return OneNumber(100.0)


@pytest.fixture
def step(tmp_path):
    """Return a function that ends a step in which the number has become another."""
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)

    def end(average: WeightAverage, model: OneNumber, value: float) -> None:
        with torch.no_grad():
            model.value.fill_(value)
        average.on_step_end(arguments, TrainerState(), TrainerControl(), model=model)

    return end


def number_of(model: OneNumber) -> float:
    return model.value.detach().item()


def mean_of(average: WeightAverage, model: OneNumber) -> float:
    with average.in_place(model):
        return number_of(model)


def test_it_follows_the_weights_and_forgets_what_they_began_with(model, step):
    average = WeightAverage(model, keep=0.9)
    step(average, model, 1.0)
    assert mean_of(average, model) == 1.0
    expected = 1.0
    for number in range(1, 200):
        step(average, model, float(number))
        keep = min(0.9, number / (number + 10))
        expected = keep * expected + (1 - keep) * number
        assert mean_of(average, model) == pytest.approx(expected, rel=1e-4)
    assert expected == pytest.approx(190.0, abs=0.1)  # of a slope, 0.9 / (1 - 0.9) steps behind


def test_weights_that_stay_are_their_own_mean(model, step):
    average = WeightAverage(model, keep=0.99)
    for _ in range(5):
        step(average, model, 3.0)
    assert mean_of(average, model) == 3.0


def test_it_answers_in_place_of_the_weights_only_as_long_as_it_should(model, step):
    average = WeightAverage(model, keep=0.5)
    step(average, model, 1.0)
    step(average, model, 2.0)
    with average.in_place(model):
        assert 1.0 < number_of(model) < 2.0
    assert number_of(model) == 2.0
    with pytest.raises(KeyboardInterrupt), average.in_place(model):
        raise KeyboardInterrupt
    assert number_of(model) == 2.0
    average.copy_to(model)
    assert 1.0 < number_of(model) < 2.0
