# SPDX-License-Identifier: Apache-2.0
"""The launch file, where ROS 2's `launch` can be imported; it is not on PyPI."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

launch = pytest.importorskip('launch', reason='launch is not on PyPI: this test runs where ROS 2 is installed')
pytest.importorskip('launch_ros.actions', reason='launch_ros is not on PyPI: this test runs where ROS 2 is installed')

LAUNCH_FILE = Path(__file__).resolve().parents[2] / 'launch' / 'ser.launch.py'
ARGUMENTS = {
    'params_file', 'namespace', 'model', 'device', 'source', 'file', 'autostart', 'log_level', 'use_sim_time',
}  # fmt: skip

RUN = """
import sys
from launch import LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService()
arguments = [tuple(pair.split(':=', 1)) for pair in sys.argv[2:]]
service.include_launch_description(
    __import__('launch').LaunchDescription(
        [IncludeLaunchDescription(PythonLaunchDescriptionSource(sys.argv[1]), launch_arguments=arguments)]
    )
)
sys.exit(service.run())
"""


def launched(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, '-c', RUN, str(LAUNCH_FILE), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)


def test_every_argument_is_described():
    spec = importlib.util.spec_from_file_location('ser_launch', LAUNCH_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    declared = module.generate_launch_description().get_launch_arguments()
    assert {argument.name for argument in declared} == ARGUMENTS
    assert all(argument.description for argument in declared)


def test_a_file_is_launched_heard_and_the_launch_ends(observe, recording, random_weight_model, said):
    process = launched(f'file:={recording}', f'model:={random_weight_model}', 'namespace:=robot')
    observer = observe(namespace='robot')
    observer.wait_until(lambda: process.poll() is not None, 'the launch has ended')
    output = process.stdout.read()
    assert process.returncode == 0, output
    assert len(observer.finals) == len(said), output


def test_ctrl_c_ends_the_launch_cleanly(observe, recording, random_weight_model):
    process = launched(f'file:={recording}', f'model:={random_weight_model}')
    observer = observe()
    observer.wait_until(lambda: observer.finals, 'the first message has come')
    process.send_signal(signal.SIGINT)
    observer.wait_until(lambda: process.poll() is not None, 'the launch has ended')
    output = process.stdout.read()
    assert 'process has finished cleanly' in output, output
