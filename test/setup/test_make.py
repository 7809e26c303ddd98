# SPDX-License-Identifier: Apache-2.0
"""make says in one sentence what a machine lacks, and takes nothing for done that is not."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ('bash', 'dirname', 'make', 'sed', 'sh')


@pytest.fixture
def checkout(tmp_path) -> Path:
    """Return a checkout that only has what make reads before it builds."""
    folder = tmp_path / 'checkout'
    shutil.copytree(ROOT / 'tools', folder / 'tools', ignore=shutil.ignore_patterns('__pycache__'))
    shutil.copytree(ROOT / 'requirements', folder / 'requirements')
    for name in ('Makefile', 'env.bash'):
        shutil.copy(ROOT / name, folder)
    # These tests build nothing: they must not depend on how full this machine's disk is.
    machine = folder / 'tools' / 'workspace' / 'machine.py'
    text, asked = re.subn(r'(?m)^SPACE = .*$', 'SPACE = {}', machine.read_text())
    assert asked == 1
    machine.write_text(text)
    return folder


@pytest.fixture
def path(tmp_path) -> Path:
    """Return a folder to be the whole PATH, with only what every machine has: no Python, no compiler."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool))
    return folder


@pytest.fixture(scope='session')
def machine():
    """Return tools/workspace/machine.py as a module."""
    spec = importlib.util.spec_from_file_location('machine', ROOT / 'tools' / 'workspace' / 'machine.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(*arguments: str | Path, path: Path | None = None, cwd: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run make in the folder `cwd`, with `path` for the PATH where it is given."""
    environment = os.environ | {'PATH': str(path) if path else os.environ['PATH'], 'PWD': str(cwd)} | variables
    return subprocess.run(
        ['make', *arguments], cwd=cwd, env=environment, capture_output=True, text=True, errors='replace'
    )


def fake_python(path: Path, name: str, version: str) -> None:
    """Put a `name` on the PATH that calls itself Python `version`, and nothing else."""
    script = path / name
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo Python {version}\n')
    script.chmod(0o755)


def test_help_is_what_make_does_by_default(checkout, path):
    result = make(path=path, cwd=checkout)
    assert result.returncode == 0
    for goal in ('demo', 'build', 'test', 'clean'):
        assert f'make {goal}' in result.stdout


def test_a_missing_compiler_is_named_with_its_apt_command(checkout, path):
    (path / 'python3').symlink_to(sys.executable)
    result = make('build', path=path, cwd=checkout)
    assert result.returncode != 0
    assert 'sudo apt install g++' in result.stderr
    assert not (checkout / '.venv').exists()


def test_an_unsupported_python_is_named(checkout, path):
    fake_python(path, 'python3', '3.9.18')
    result = make('build', path=path, cwd=checkout)
    assert result.returncode != 0
    assert 'needs Python 3.10, 3.11, 3.12 or 3.13, and this machine has only Python 3.9.18' in result.stderr


def test_a_missing_python_is_named(checkout, path):
    result = make('build', path=path, cwd=checkout)
    assert result.returncode != 0
    assert 'sudo apt install python3 python3-dev python3-venv' in result.stderr


def test_a_supported_python_is_found_beside_an_unsupported_one(checkout, path):
    fake_python(path, 'python3', '3.14.0')
    (path / 'python3.11').symlink_to(sys.executable)
    result = make('build', path=path, cwd=checkout)
    assert 'sudo apt install g++' in result.stderr


def test_the_python_that_is_asked_for_is_checked(checkout, path):
    (path / 'python3').symlink_to(sys.executable)
    fake_python(path, 'python2', '2.7.18')
    result = make('build', 'PYTHON=python2', path=path, cwd=checkout)
    assert result.returncode != 0
    assert 'PYTHON=python2 is Python 2.7.18' in result.stderr


@pytest.mark.parametrize('arguments', [('-C', 'checkout'), ('-f', 'checkout/Makefile')])
def test_make_works_from_another_folder(checkout, path, arguments):
    (path / 'python3').symlink_to(sys.executable)
    result = make(*arguments, 'demo', 'AUDIO=no such.wav', path=path, cwd=checkout.parent)
    assert result.returncode != 0
    assert 'AUDIO=no such.wav does not exist' in result.stderr
    (checkout.parent / 'my recording.wav').touch()
    result = make(*arguments, 'demo', 'AUDIO=my recording.wav', path=path, cwd=checkout.parent)
    assert 'sudo apt install g++' in result.stderr


def test_a_path_with_a_blank_is_refused(checkout):
    folder = checkout.rename(checkout.with_name('a checkout'))
    result = make('-f', 'a checkout/Makefile', 'build', cwd=folder.parent)
    assert result.returncode != 0
    assert 'move it to a folder without' in result.stderr
    assert not (folder / '.venv').exists()


def test_a_failed_installation_is_not_taken_for_done(checkout):
    (checkout / 'requirements' / 'pip.txt').write_text('no-such-package==1.0\n')
    for _ in range(2):
        result = make('demo', cwd=checkout, PIP_NO_INDEX='1', PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS='')
        assert result.returncode != 0
        assert 'install-pip failed' in result.stderr
        assert 'No matching distribution found for no-such-package==1.0' in result.stderr
        assert not (checkout / '.venv' / 'installed-pip').exists()


def test_clean_removes_what_make_made_and_nothing_else(checkout):
    before = sorted(checkout.rglob('*'))
    for made in ('.venv', 'build', 'install', 'log', '.pytest_cache', 'tools/workspace/__pycache__'):
        (checkout / made / 'deep').mkdir(parents=True)
    assert make('clean', cwd=checkout).returncode == 0
    assert sorted(checkout.rglob('*')) == before


def test_a_foreign_install_folder_is_left_alone(checkout):
    (checkout / 'install').mkdir()
    result = make('build', cwd=checkout)
    assert result.returncode != 0
    assert 'install/ was built by colcon without make' in result.stderr
    assert (checkout / 'install').exists()


def test_an_unbuilt_checkout_says_so_when_env_bash_is_sourced(checkout):
    result = subprocess.run(['bash', '-c', '. ./env.bash'], cwd=checkout, capture_output=True, text=True)
    assert result.returncode != 0
    assert 'is not built yet; run: make' in result.stderr


def test_missing_headers_are_named_with_their_apt_command(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(machine.sysconfig, 'get_path', lambda name: str(tmp_path))
    with pytest.raises(machine.WorkspaceError, match=rf'sudo apt install python3\.{sys.version_info.minor}-dev'):
        machine.check_machine(tmp_path, needed=0.0)


def test_a_missing_venv_module_is_named_with_its_apt_command(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(machine, 'find_spec', lambda name: None if name == 'ensurepip' else name)
    with pytest.raises(machine.WorkspaceError, match=rf'sudo apt install python3\.{sys.version_info.minor}-venv'):
        machine.check_machine(tmp_path, needed=0.0)


def test_another_processor_is_refused(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(machine.platform, 'machine', lambda: 'aarch64')
    with pytest.raises(machine.WorkspaceError, match='this is aarch64'):
        machine.check_machine(tmp_path, needed=0.0)


def test_a_full_disk_is_named_before_anything_is_installed(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(machine.shutil, 'disk_usage', lambda folder: SimpleNamespace(free=10.9e9))
    with pytest.raises(machine.WorkspaceError, match=f'{tmp_path} needs 11 GB free'):
        machine.check_machine(tmp_path / '.venv', needed=11e9)


def test_a_sourced_ros_is_taken_out_of_the_environment(machine, monkeypatch):
    monkeypatch.setenv('AMENT_PREFIX_PATH', '/opt/ros/jazzy:/usr')
    monkeypatch.setenv('PYTHONPATH', '/opt/ros/jazzy/lib/python3.12/site-packages')
    monkeypatch.setenv('PATH', '/opt/ros/jazzy/bin:/usr/bin')
    monkeypatch.setenv('LD_LIBRARY_PATH', '/opt/ros/jazzy/lib:/opt/rosary/lib')
    environment = machine.clean_environment()
    assert not {'AMENT_PREFIX_PATH', 'PYTHONPATH'} & environment.keys()
    assert environment['PATH'] == '/usr/bin'
    assert environment['LD_LIBRARY_PATH'] == '/opt/rosary/lib'
