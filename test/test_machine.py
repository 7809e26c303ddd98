# SPDX-License-Identifier: Apache-2.0
"""What the machine is called."""

import platform
from pathlib import Path

import pytest

from ser_ros.machine import cpu_name


@pytest.mark.parametrize(
    ('lines', 'name'),
    [
        ('processor\t: 0\nmodel name\t: A fast one: 3 GHz\n\nmodel name\t: another\n', 'A fast one: 3 GHz'),
        ('processor\t: 0\nBogoMIPS\t: 108.00\n', platform.machine()),
    ],
)
def test_it_is_the_processors_own_name_or_its_architecture(monkeypatch, lines, name):
    monkeypatch.setattr(Path, 'read_text', lambda path, encoding: lines)
    assert cpu_name() == name
