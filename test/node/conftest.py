# SPDX-License-Identifier: Apache-2.0
"""A context of ROS for nodes in the tests' own process."""

import os

import pytest
import rclpy


@pytest.fixture
def context():
    """Yield a context on a domain of this process."""
    made = rclpy.Context()
    rclpy.init(context=made, domain_id=1 + os.getpid() % 100)
    yield made
    rclpy.shutdown(context=made)
