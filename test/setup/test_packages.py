# SPDX-License-Identifier: Apache-2.0
"""The two packages say the same thing wherever they say it twice."""

import ast
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from ament_index_python.packages import get_package_share_directory
from packaging.requirements import Requirement
from packaging.version import Version

from ser_msgs.msg import Emotion
from ser_ros.emotions import LABELS, UNKNOWN
from ser_ros.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / 'README.md').read_text(encoding='utf-8')

ROS_PACKAGES = {'ament_index_python', 'builtin_interfaces', 'launch', 'launch_ros', 'rclpy', 'ser_msgs'}


def manifest(folder: str | Path) -> ElementTree.Element:
    return ElementTree.parse(ROOT / folder / 'package.xml').getroot()


def setup_argument(option: str) -> str:
    command = [sys.executable, 'setup.py', '--quiet', option]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def locked_versions() -> dict[str, list[str]]:
    """Return what requirements/ locks; some packages have one version for each Python."""
    found: dict[str, list[str]] = {}
    for path in (ROOT / 'requirements').glob('*.txt'):
        for name, version in re.findall(r'^([A-Za-z0-9._-]+)==([^\s;]+)', path.read_text(), re.MULTILINE):
            found.setdefault(name.lower(), []).append(version)
    return found


def test_one_version_licence_and_release_date_everywhere():
    manifests = [manifest(folder) for folder in ('.', 'ser_msgs')]
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    versions = {citation['version'], *(found.findtext('version') for found in manifests)}
    assert versions == {setup_argument('--version')}
    assert {citation['license'], *(found.findtext('license') for found in manifests)} == {setup_argument('--license')}
    changelog = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
    newest = re.search(r'^## (\S+) \((\S+)\)$', changelog, re.MULTILINE)
    assert newest.groups() == (citation['version'], citation['date-released'])


def test_all_manifests_have_the_same_maintainer():
    """With an address of theirs, or with one that cannot be mistaken for one."""
    stand_ins = [path.parent for path in (ROOT / 'test' / 'interfaces').glob('*/package.xml')]
    maintainers = [manifest(folder).find('maintainer') for folder in (ROOT, ROOT / 'ser_msgs', *stand_ins)]
    assert {maintainer.text for maintainer in maintainers} == {setup_argument('--maintainer')}
    (address,) = {maintainer.get('email') for maintainer in maintainers}
    assert not address.endswith(('.example', 'example.com', 'example.org'))


def test_emotion_message_has_the_agreed_fields():
    assert Emotion.get_fields_and_field_types() == {
        'header': 'std_msgs/Header',
        'duration': 'builtin_interfaces/Duration',
        'utterance': 'uint32',
        'is_final': 'boolean',
        'emotion': 'string',
        'confidence': 'float',
        'labels': 'sequence<string>',
        'probabilities': 'sequence<float>',
        'valence': 'float',
        'arousal': 'float',
        'model': 'string',
        'heard': 'uint32',
        'voice': 'string',
        'direction': 'float',
        'latency': 'builtin_interfaces/Duration',
    }


@pytest.mark.parametrize('label', [*LABELS, UNKNOWN])
def test_emotion_message_has_a_constant_for_each_label(label):
    assert getattr(Emotion, label.upper()) == label


def test_each_console_script_is_a_callable():
    scripts = distribution('ser_ros').entry_points.select(group='console_scripts')
    expected = {'ser_node', 'train', 'predict', 'devices', 'demo', 'optimize', 'benchmark'}
    assert {script.name for script in scripts} >= expected
    for script in scripts:
        assert callable(script.load()), script.name


def test_the_locked_versions_are_within_the_ranges_of_setup_py():
    locked = locked_versions()
    for text in distribution('ser_ros').requires:
        requirement = Requirement(text)
        assert requirement.name in locked, f'{requirement.name} is not locked in requirements/'
        for version in locked[requirement.name]:
            assert Version(version) in requirement.specifier, f'{requirement.name} {version}'


def requirements(extra: str) -> set[str]:
    """Return the names that setup.py gives for an extra, or without one for ''."""
    found = [Requirement(text) for text in distribution('ser_ros').requires]
    if not extra:
        return {requirement.name for requirement in found if requirement.marker is None}
    return {found.name for found in found if found.marker and found.marker.evaluate({'extra': extra})}


def test_each_extra_is_what_its_scripts_look_for():
    for extra, packages in EXTRAS.items():
        assert requirements(extra) == set(packages)
    assert requirements('test') > requirements('train') | requirements('optimize')


def test_the_run_time_asks_for_nothing_that_only_training_needs():
    heavy = {'torch', 'torchaudio', 'transformers', 'datasets', 'scikit-learn', 'silero-vad'}
    assert requirements('') & heavy == set()
    keys = {element.text for element in manifest('.').iter('exec_depend')}
    assert not [key for key in keys if any(name in key for name in ('torch', 'transformers', 'silero', 'sklearn'))]


def test_what_rosdep_does_not_bring_is_in_the_readmes_command():
    """Its keys of Debian's packages, those of pip, and the README's one command make up what setup.py asks for."""
    keys = {element.text for element in manifest('.').iter('exec_depend')}
    by_apt = {'numpy', 'soundfile', 'pyyaml'}
    assert {f'python3-{"yaml" if name == "pyyaml" else name}' for name in by_apt} <= keys
    command = re.search(r'^pip install --break-system-packages ([a-z -]+?)(?: *#.*)?$', README, re.MULTILINE)
    by_pip = set(command[1].split())
    assert by_apt | by_pip == requirements('') - {'setuptools'}
    assert {key for key in keys if key.endswith('-pip')} <= {f'python3-{name}-pip' for name in by_pip}


def test_each_ros_package_that_is_imported_is_a_dependency():
    """Not hri_msgs and visualization_msgs, for which `messages_of` looks only if a parameter asks for them."""
    imported = set()
    for path in [*(ROOT / 'ser_ros').rglob('*.py'), *(ROOT / 'launch').glob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.split('.')[0] for name in names}
    ros = {name for name in imported if name in ROS_PACKAGES or name.endswith(('_msgs', '_srvs', '_interfaces'))}
    declared = {element.text for element in manifest('.').iter('exec_depend')}
    assert 'rclpy' in ros
    assert ros <= declared


DATA_FILES = ['config/*', 'launch/*.launch.py', 'demo/*', 'models/default/*', 'models/default/optimized/*']
DATA_FILES += ['examples/*.py', 'train/*.yaml', 'train/base/*.yaml']


@pytest.mark.parametrize('pattern', DATA_FILES)
def test_data_files_are_installed(pattern):
    share = Path(get_package_share_directory('ser_ros'))
    files = [path.relative_to(ROOT) for path in ROOT.glob(pattern) if path.is_file()]
    assert files
    for file in files:
        assert (share / file).read_bytes() == (ROOT / file).read_bytes()


def test_colcon_finds_both_packages_from_the_root_and_nothing_else():
    colcon = shutil.which('colcon')
    listed = subprocess.run([colcon, 'list', '--names-only'], cwd=ROOT, check=True, capture_output=True, text=True)
    assert listed.stdout.split() == ['ser_msgs', 'ser_ros']


def test_every_requirement_of_an_installed_package_is_installed():
    if Path(sys.prefix) != ROOT / '.venv':
        pytest.skip('this Python is not the one of .venv, so what is installed in it is not up to requirements/')
    checked = subprocess.run([sys.executable, '-m', 'pip', 'check'], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_env_bash_brings_message_and_scripts_into_a_fresh_shell(tmp_path):
    built_by_make = (ROOT / 'install' / '.made-by-make').exists()
    environment = {name: os.environ[name] for name in ('HOME', 'PATH')} if built_by_make else None
    import_message = "python3 -c 'from ser_msgs.msg import Emotion; print(Emotion.CALM)'"
    script = f". '{ROOT}/env.bash' && command -v ser_node && {import_message}"
    shell = subprocess.run(['bash', '-c', script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert shell.stdout.split() == [str(ROOT / 'install' / 'ser_ros' / 'lib' / 'ser_ros' / 'ser_node'), 'calm']
