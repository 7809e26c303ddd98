# SPDX-License-Identifier: Apache-2.0
"""Domains that nodes of one program have to themselves."""

import os
import tempfile

import pytest

from ser_ros.testing import domain as module
from ser_ros.testing.domain import take_own_domain


@pytest.fixture(autouse=True)
def world(monkeypatch, tmp_path):
    """Locks and variables of this test's own."""
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    monkeypatch.setattr(module, '_held', [])
    monkeypatch.setenv('ROS_DOMAIN_ID', '0')
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET')
    yield
    for file in module._held:
        os.close(file)


def test_a_process_stays_on_its_machine_in_a_domain_of_its_own():
    domain = take_own_domain()
    assert 1 <= domain <= 100
    assert os.environ['ROS_DOMAIN_ID'] == str(domain)
    assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'


def test_no_domain_is_taken_twice(refuses):
    assert {take_own_domain() for _ in range(100)} == set(range(1, 101))
    with refuses('all of the 100 ROS domains are taken', 'ROS_DOMAIN_ID'):
        take_own_domain()


def test_a_domain_whose_process_has_ended_is_free_again():
    domain = take_own_domain()
    os.close(module._held.pop())
    assert take_own_domain() == domain
