# SPDX-License-Identifier: Apache-2.0
"""Work, bytes and rates, on the CPU."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForAudioClassification

from ser_ros.benchmarking.floor import Floor, measure_floor

CPU = torch.device('cpu')


def test_the_slower_of_work_and_reading_is_the_floor():
    assert Floor(flop=100, weight_bytes=10, flop_per_second=50, bytes_per_second=10).seconds == 2.0
    assert Floor(flop=100, weight_bytes=90, flop_per_second=50, bytes_per_second=10).seconds == 9.0


@pytest.fixture(scope='module')
def floor(random_weight_model):
    return measure_floor(random_weight_model, np.zeros(16_000, dtype=np.float32), CPU)


def test_weights_are_read_once(floor, random_weight_model):
    model = AutoModelForAudioClassification.from_pretrained(random_weight_model)
    assert floor.weight_bytes == 4 * model.num_parameters()


def test_work_counts_at_least_the_convolutions_and_grows_with_the_sound(floor, random_weight_model):
    # Of 1 s, (kernel, stride) as in wav2vec 2.0; each output of each of 16 channels takes two operations per weight.
    length, channels, work = 16_000, 1, 0
    for kernel, stride in [(10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2)]:
        length = (length - kernel) // stride + 1
        work += 2 * length * 16 * channels * kernel
        channels = 16
    assert work < floor.flop < 10 * work
    twice = measure_floor(random_weight_model, np.zeros(32_000, dtype=np.float32), CPU)
    assert twice.flop == pytest.approx(2 * floor.flop, rel=0.1)


def test_rates_are_those_of_a_real_machine(floor):
    assert 1e8 < floor.flop_per_second < 1e15
    assert 1e8 < floor.bytes_per_second < 1e13
