# SPDX-License-Identifier: Apache-2.0
"""The judgement of the soak tool, on made courses of memory."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'measuring'


@pytest.fixture
def tool(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.chdir(tmp_path)
    yield importlib.import_module('soak')
    sys.modules.pop('soak', None)


def course(megabytes, *, hours=24.0):
    """Return samples of a run with 437 utterances an hour, whose memory is `megabytes` of the number of utterances."""
    return [
        {'heard': 3600.0 * hour, 'utterances': 437 * hour, 'MB': float(megabytes(437 * hour)), 'threads': 16.0}
        | {'resident': 170.0, 'descriptors': 19.0}
        for hour in np.linspace(0.0, hours, 400)
    ]


def judged(tool, samples, capsys, backend='onnx'):
    """Return the exit code and what is printed for a run in which nothing else went wrong."""
    count = int(samples[-1]['utterances'])
    witness = tool.Witness(
        finals=[(number, 8.0 * number, 0.05) for number in range(1, count + 1)],
        values={'utterances': str(count), 'answered': str(count), 'rejected: too short': '0'},
        samples=samples,
        elapsed=60.0,
    )
    truth = [(8.0 * number, 3.0) for number in range(1, count + 1)]
    return tool.report(witness, truth, samples[-1]['heard'] / 3600, backend), capsys.readouterr().out


@pytest.mark.parametrize('slope', [0.0, 0.05, 2.6])
def test_the_slope_is_that_of_the_last_half(tool, slope):
    samples = course(lambda count: 100 + 40 * (1 - np.exp(-count / 300)) + slope * count / 1000)
    found, counted = tool.memory_slope(samples)
    assert found == pytest.approx(slope, abs=0.002) and counted == pytest.approx(437 * 12, abs=30)


def test_a_step_on_the_way_is_no_slope_that_matters(tool):
    found, _ = tool.memory_slope(course(lambda count: 150 + 0.4 * (count > 8000)))
    assert 0.0 < found < tool.SLOPE_BOUND


def test_a_straight_line_of_a_megabyte_an_hour_is_broken_and_a_flat_one_is_kept(tool, capsys):
    code, printed = judged(tool, course(lambda count: 149 + 0.0026 * count), capsys)
    assert code == 1
    assert 'BROKEN: memory grows by no more than 0.2 kB an utterance' in printed
    assert 'BROKEN: memory at 20 % and at 99 % is within 2 MB' in printed
    assert '+2.600 kB an utterance, x 315000 utterances a month = +819.0 MB a month (may be 0.2 kB, 63 MB)' in printed
    code, printed = judged(tool, course(lambda count: 149 + 0.00002 * count), capsys)
    assert code == 0 and 'kept: memory grows' in printed and 'BROKEN' not in printed


@pytest.mark.parametrize(('megabytes', 'backend', 'code'), [(1.2, 'onnx', 0), (3.0, 'onnx', 1), (3.0, 'torch', 0)])
def test_one_step_before_the_last_half_may_be_so_high(tool, capsys, megabytes, backend, code):
    stepping = course(lambda count: 700 + megabytes * (count > 4000))
    assert judged(tool, stepping, capsys, backend)[0] == code


def test_what_torch_gives_back_and_takes_again_is_no_growth(tool, capsys):
    sawtooth = course(lambda count: 700 + 6 * (count % 3 > 1))
    code, printed = judged(tool, sawtooth, capsys, 'torch')
    assert code == 0 and 'kept: memory at 20 %' in printed


def test_of_a_short_run_nothing_is_said_of_memory(tool, capsys):
    code, printed = judged(tool, course(lambda count: 149 + 0.0026 * count, hours=1.0), capsys)
    assert code == 0 and 'not judged: memory' in printed
