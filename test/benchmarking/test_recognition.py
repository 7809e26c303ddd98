# SPDX-License-Identifier: Apache-2.0
"""Turns, lines and agreement from made ways; the peer and our backends on a tiny random-weight model."""

import shutil
import time

import numpy as np
import pytest
import torch
from transformers import AutoModelForAudioClassification

from ser_ros.benchmarking.recognition import (
    PEER,
    PEER_IN_FLOAT32,
    Timing,
    Way,
    backends_of,
    compare,
    fit_line,
    load_ways,
    time_ways,
)


def made_way(happy: float, *, temperature: float = 1.0, on_call=lambda samples: None) -> Way:
    def answer(samples):
        on_call(samples)
        return ('happy' if happy > 0.5 else 'sad'), {'happy': happy, 'sad': 1 - happy}

    return Way(answer, 'made', temperature)


def test_ways_take_turns_after_one_run_that_is_not_timed():
    order = []
    ways = {name: made_way(0.9, on_call=lambda samples, name=name: order.append((name, len(samples)))) for name in 'ab'}
    found = time_ways(ways, {1.0: np.zeros(10), 2.0: np.zeros(20)}, 2, lambda stage: None)
    assert order == [(name, length) for length in (10, 20) for _ in range(3) for name in 'ab']
    assert [(row.seconds, row.runs) for row in found['b']] == [(1.0, 2), (2.0, 2)]


def test_times_are_milliseconds():
    ways = {'slow': made_way(0.9, on_call=lambda samples: time.sleep(0.02))}
    row = time_ways(ways, {1.0: np.zeros(10)}, 3, lambda stage: None)['slow'][0]
    assert 20 <= row.median <= row.percentile_95 < 200


def test_a_line_is_found_and_what_deviates_from_it():
    line = fit_line([Timing(seconds, 5 + 2 * seconds, 99, 1) for seconds in (1.0, 3.0, 5.0, 10.0)])
    assert (line.constant, line.per_second, line.largest_deviation) == pytest.approx((5, 2, 0), abs=1e-9)
    bent = fit_line([Timing(seconds, seconds**2, 99, 1) for seconds in (1.0, 2.0, 3.0)])
    # The least-squares line of 1, 4, 9 is 4 s - 10/3: off by 1/3 of 1.
    assert bent.largest_deviation == pytest.approx(1 / 3)


def test_agreement_counts_labels_and_the_largest_difference():
    ways = {'onnx': made_way(0.6), 'torch': made_way(0.4), PEER: made_way(0.7, temperature=2.0)}
    found = compare(ways, [np.zeros(10)] * 3, lambda stage: None)
    assert list(found) == [('onnx', 'torch'), ('onnx', PEER), ('torch', PEER)]
    ours = found['onnx', 'torch']
    assert (ours.clips, ours.labels_equal, ours.largest_difference) == (3, 0.0, pytest.approx(0.2))
    assert found['onnx', PEER].labels_equal == 1.0
    assert found['onnx', PEER].largest_difference is None  # another temperature


def test_the_peers_are_not_compared_with_each_other():
    ways = {'torch': made_way(0.6), PEER: made_way(0.6), PEER_IN_FLOAT32: made_way(0.6)}
    assert (PEER, PEER_IN_FLOAT32) not in compare(ways, [np.zeros(10)], lambda stage: None)


def test_the_peer_answers_as_our_backend_does(random_weight_model, made_sound):
    ways, problem = load_ways(random_weight_model, 'cpu', ['torch'])
    assert (list(ways), problem) == (['torch', PEER], '')
    assert 'cpu, float32' in ways[PEER].settings
    (agreement,) = compare(ways, [made_sound('pink noise', 1.0)], lambda stage: None).values()
    assert agreement.labels_equal == 1.0
    assert agreement.largest_difference < 1e-5


def test_weights_of_half_precision_meet_the_peer_in_both_formats(random_weight_model, tmp_path):
    folder = tmp_path / 'half'
    shutil.copytree(random_weight_model, folder)
    AutoModelForAudioClassification.from_pretrained(folder, dtype=torch.float16).save_pretrained(folder)
    ways, _ = load_ways(folder, 'cpu', ['torch'])
    assert 'float16' in ways[PEER].settings and 'float32' in ways[PEER_IN_FLOAT32].settings


def test_a_model_that_the_peer_cannot_run_is_timed_without_it(models):
    ways, problem = load_ways(models / 'whisper', 'cpu', ['torch'])
    assert list(ways) == ['torch']
    assert problem and '\n' not in problem


def test_a_model_without_optimised_form_has_one_backend(random_weight_model):
    assert backends_of(random_weight_model, 'cpu') == ['torch']
