# SPDX-License-Identifier: Apache-2.0
"""What is said of this machine."""

import os

from ser_ros.benchmarking.machine import describe_machine


def test_the_hardware_and_the_versions_are_named():
    machine = describe_machine()
    assert f'{os.cpu_count()} cores' in machine['CPU']
    assert all(word in machine['software'] for word in ('Python 3.', 'onnxruntime ', 'torch ', 'transformers '))
    assert machine['date'].startswith('20') and machine['GPU']
