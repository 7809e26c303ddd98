# SPDX-License-Identifier: Apache-2.0
"""The launch file under ROS 2's own `launch`, which is not on PyPI; test/test_bring_up.py has what needs none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lifecycle_msgs.msg import State
from rcl_interfaces.srv import GetParameters

pytest.importorskip('launch', reason='launch is not on PyPI: this test runs where ROS 2 is installed')
pytest.importorskip('launch_ros.actions', reason='launch_ros is not on PyPI: this test runs where ROS 2 is installed')

LAUNCH_FILE = Path(__file__).resolve().parents[2] / 'launch' / 'ser.launch.py'

RUN = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import AnyLaunchDescriptionSource
arguments = [tuple(pair.split(':=', 1)) for pair in sys.argv[2:]]
service = LaunchService(argv=sys.argv[2:])
included = IncludeLaunchDescription(AnyLaunchDescriptionSource(sys.argv[1]), launch_arguments=arguments)
service.include_launch_description(LaunchDescription([included]))
sys.exit(service.run())
"""
"""What `ros2 launch` does."""

PARENT = f"""
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import PushRosNamespace, SetParameter

def generate_launch_description():
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource({str(LAUNCH_FILE)!r}), launch_arguments=dict(ARGUMENTS).items()
    )
    return LaunchDescription([*(DeclareLaunchArgument(name, default_value=value) for name, value in OWN), *AROUND])
"""

XML_PARENT = f"""
<launch>
  <arg name="use_sim_time" default="false"/>
  <arg name="model" default="/robot/robot.urdf"/>
  <include file="{LAUNCH_FILE}">
    <arg name="ser_model" value=""/>
    <arg name="ser_source" value="topic"/>
    <arg name="ser_autostart" value="false"/>
  </include>
</launch>
"""

OF_THE_ROBOT = {'model': '/robot/robot.urdf', 'device': '/dev/ttyUSB0', 'source': 'lidar', 'use_sim_time': 'false'}
"""Arguments that a bring-up has of its own, which an included file inherits."""


@pytest.fixture
def launched(ros_domain):
    """Launch a file with arguments; what still runs at the end is ended."""
    made = []

    def launch(file, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, '-c', RUN, str(file), *arguments]
        pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
        made.append(subprocess.Popen(command, **pipes, env=os.environ))
        return made[-1]

    yield launch
    for process in made:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def parent(tmp_path, arguments: dict, own: dict, around: str = '[include]') -> Path:
    """Write a launch file that has the arguments `own` and includes ours with `arguments`."""
    file = tmp_path / 'bring_up.launch.py'
    text = PARENT.replace('ARGUMENTS', repr(arguments)).replace('OWN', repr(list(own.items())))
    file.write_text(text.replace('*AROUND', f'*{around}'))
    return file


def parameters(observer, *names) -> list:
    values = observer.call(GetParameters, 'get_parameters', GetParameters.Request(names=list(names))).values
    return [value.bool_value if value.type == 1 else value.string_value for value in values]


def test_a_file_is_launched_heard_and_the_launch_ends(launched, observe, recording, said):
    process = launched(LAUNCH_FILE, f'file:={recording}', 'namespace:=robot')
    observer = observe(namespace='robot')
    observer.wait_until(lambda: process.poll() is not None, 'the launch has ended')
    output = process.stdout.read()
    assert process.returncode == 0, output
    assert len(observer.finals) == len(said), output


def test_ctrl_c_ends_the_launch_cleanly(launched, observe, recording):
    process = launched(LAUNCH_FILE, f'file:={recording}')
    observer = observe()
    observer.wait_until(lambda: observer.finals, 'the first message has come')
    process.send_signal(signal.SIGINT)
    observer.wait_until(lambda: process.poll() is not None, 'the launch has ended')
    output = process.stdout.read()
    assert 'process has finished cleanly' in output, output


@pytest.mark.parametrize('truth', ['true', 'True', 'false', '0'])
def test_truths_reach_the_node(launched, observe, truth):
    launched(LAUNCH_FILE, 'source:=topic', f'autostart:={truth}', f'use_sim_time:={truth}')
    observer = observe()
    wanted = truth.lower() == 'true'
    state = State.PRIMARY_STATE_ACTIVE if wanted else State.PRIMARY_STATE_UNCONFIGURED
    observer.wait_until(lambda: observer.state() == state, 'the node is in its state')
    assert parameters(observer, 'autostart', 'use_sim_time') == [wanted, wanted]


@pytest.mark.parametrize(
    ('argument', 'words'),
    [
        ('params_file:=/none.yaml', 'there is no such file'),
        ('autostart:=maybe', 'neither true nor false'),
        ('model:=/robot.urdf', 'there is no model'),
        ('device:=/dev/ttyUSB0', 'auto, cpu, cuda'),
    ],
)
def test_what_cannot_be_ends_the_launch_with_a_sentence(launched, argument, words):
    process = launched(LAUNCH_FILE, argument)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert words in output and f'ser_{argument.partition(":=")[0]}' in output and 'Traceback' not in output


def test_a_bring_up_with_arguments_of_the_same_names_passes_the_safe_ones(launched, observe, tmp_path):
    shields = {'ser_model': '', 'ser_device': 'cpu', 'ser_source': 'topic', 'ser_autostart': 'false'}
    launched(parent(tmp_path, shields, OF_THE_ROBOT))
    found = parameters(observe(), 'model.path', 'model.device', 'audio.source', 'use_sim_time')
    assert found == ['', 'cpu', 'topic', False]


def test_a_bring_up_may_include_in_a_scope_instead(launched, observe, tmp_path):
    plain = {'source': 'topic', 'autostart': 'false'}
    around = "[GroupAction([PushRosNamespace('robot'), SetParameter('use_sim_time', True), include], forwarding=False)]"
    launched(parent(tmp_path, plain, OF_THE_ROBOT, around))
    observer = observe(namespace='robot')
    assert parameters(observer, 'audio.source', 'model.device', 'use_sim_time') == ['topic', 'auto', True]


def test_a_bring_up_that_passes_nothing_is_told_which_names_are_safe(launched, tmp_path):
    process = launched(parent(tmp_path, {}, OF_THE_ROBOT))
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and 'pass ser_model' in output


def test_an_xml_file_includes_it(launched, observe, tmp_path):
    file = tmp_path / 'bring_up.launch.xml'
    file.write_text(XML_PARENT)
    launched(file)
    assert parameters(observe(), 'audio.source', 'use_sim_time', 'autostart') == ['topic', False, False]


def test_a_node_that_ends_is_started_anew_where_that_is_wanted(launched, observe, recording, said):
    launched(LAUNCH_FILE, f'file:={recording}', 'respawn:=true')
    observer = observe()
    observer.wait_until(lambda: len(observer.finals) > len(said), 'the second node has answered')
    assert observer.finals[len(said)].utterance == 1
