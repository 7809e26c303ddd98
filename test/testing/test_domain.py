# SPDX-License-Identifier: Apache-2.0
"""Domains that nodes of one program have to themselves."""

import os

import pytest

from ser_ros.testing.domain import domain_of, take_own_domain


@pytest.mark.parametrize(('process', 'domain'), [(1, 2), (99, 100), (100, 1), (12_345, 46)])
def test_a_domain_is_one_that_dds_has_ports_for(process, domain):
    assert domain_of(process) == domain


def test_a_process_stays_on_its_machine_in_its_own_domain(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '0')
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE', raising=False)
    take_own_domain()
    assert os.environ['ROS_DOMAIN_ID'] == str(domain_of(os.getpid()))
    assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    take_own_domain(7)
    assert os.environ['ROS_DOMAIN_ID'] == '7'
