# SPDX-License-Identifier: Apache-2.0
"""Bars that people can read, on any terminal."""

import io
import sys

import pytest

from ser_ros.cli.bars import probability_bars


@pytest.fixture
def terminal(monkeypatch):
    """Return pretend(encoding): what stdout can show."""

    def pretend(encoding):
        monkeypatch.setattr(sys, 'stdout', io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    return pretend


@pytest.mark.parametrize(
    ('encoding', 'block', 'shade'), [('utf-8', '█', '·'), ('ascii', '#', '.'), ('latin-1', '#', '.')]
)
def test_a_bar_is_as_long_as_its_probability_in_what_the_terminal_can_show(terminal, encoding, block, shade):
    terminal(encoding)
    bars = probability_bars(['sad', 'surprised'], [0.25, 0.75])
    assert bars.splitlines() == [
        f'    sad       {block * 8}{shade * 24} 25.0%',
        f'    surprised {block * 24}{shade * 8} 75.0%',
    ]
    bars.encode(encoding)


def test_bars_of_all_and_nothing(terminal):
    terminal('ascii')
    bars = probability_bars(['a', 'b'], [1.0, 0.0])
    assert bars == f'    a {"#" * 32} 100.0%\n    b {"." * 32}  0.0%'


def test_every_label_needs_its_probability(terminal):
    terminal('ascii')
    with pytest.raises(ValueError):
        probability_bars(['a', 'b'], [1.0])
