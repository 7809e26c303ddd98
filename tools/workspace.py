# SPDX-License-Identifier: Apache-2.0
"""Makes and uses the workspace of a checkout: what `make build`, `demo`, `test` and `clean` do.

.venv holds ROS 2 and everything else from PyPI, as locked in requirements/; colcon builds both packages into
install/. Each step leaves a stamp when it is done, so that it is not done twice; an interrupted one is done again.
Runs on the standard library alone, before anything is installed.
"""

import fcntl
import hashlib
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / '.venv'
VENV_STAMP = VENV / 'made-for'
BUILD = ROOT / 'build'
INSTALL = ROOT / 'install'
LOG = ROOT / 'log'
INSTALL_STAMP = INSTALL / '.made-by-make'
"""env.bash looks for this one too: it says that install/ belongs to .venv and not to a ROS 2 on this machine."""

REQUIREMENTS = {'demo': ('runtime',), 'build': ('runtime', 'train'), 'test': ('runtime', 'train', 'test')}
"""Which of requirements/*.txt each goal needs."""

SOURCES = ('package.xml', 'setup.py', 'setup.cfg', 'colcon_defaults.yaml', 'resource', 'ser_msgs')
"""Files and folders whose content decides whether colcon runs again."""

LINKED = ('config', 'demo', 'launch', 'models', 'train')
"""Folders whose files install/ links to one by one: colcon runs again where one comes or goes."""

FREE_SPACE = 9e9
"""Bytes that a first installation needs for a moment: .venv and pip's downloads beside it."""

PYTHON = Path(sys.executable).resolve()
"""The interpreter that .venv is made from, also where this script runs in .venv itself."""


class WorkspaceError(Exception):
    """One sentence for the user."""


def main() -> None:
    """Run the goal named on the command line."""
    goal = sys.argv[1]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if goal == 'clean':
            clean()
            return
        audio = demo_audio() if goal == 'demo' else None
        make_workspace(goal)
        if goal == 'demo':
            run_demo(audio)
        if goal == 'test':
            run_tests()
    except WorkspaceError as error:
        sys.exit(f'make {goal}: {error}')
    except PermissionError as error:
        sys.exit(f'make {goal}: {error.filename} may not be written by this user; make it yours or clone anew.')
    except KeyboardInterrupt:
        sys.exit(130)


def clean() -> None:
    """Remove all that make made."""
    with locked():
        for folder in (VENV, BUILD, INSTALL, LOG, ROOT / '.pytest_cache', ROOT / '.ruff_cache'):
            remove(folder)


def make_workspace(goal: str) -> None:
    """Install what `goal` needs into .venv and build both packages, as far as that is not done yet."""
    with locked():
        todo = [name for name in REQUIREMENTS[goal] if not is_installed(name)]
        sources = source_hash()
        if not todo and read(INSTALL_STAMP) == sources:
            return
        check_machine(new_venv=read(VENV_STAMP) != identity())
        start = time.monotonic()
        if read(VENV_STAMP) != identity():
            make_venv()
            todo = [*REQUIREMENTS[goal]]
        if shutil.which('cmake') is None and not is_installed('cmake'):
            todo.append('cmake')
        for name in todo:
            install(name)
        if read(INSTALL_STAMP) != sources:
            build_packages(sources)
        say(f'The workspace is ready after {time.monotonic() - start:.0f} s.')


@contextmanager
def locked() -> Iterator[None]:
    """Keep a second make in this checkout waiting."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('Waiting for another make in this folder ...')
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


# --- what is there already ---------------------------------------------------------------------------------


def identity() -> str:
    """Name what .venv hangs on: the interpreter, and where the checkout lies (scripts hold absolute paths)."""
    return f'{PYTHON} {VENV}'


def is_installed(name: str) -> bool:
    """Tell whether requirements/<name>.txt, as it is now, is installed in .venv."""
    return read(VENV_STAMP) == identity() and read(install_stamp(name)) == lock_hash(name)


def install_stamp(name: str) -> Path:
    """Return the file that says which state of requirements/<name>.txt is installed."""
    return VENV / f'installed-{name}'


def lock_hash(name: str) -> str:
    """Return the hash of requirements/<name>.txt."""
    return hashlib.sha256(lock_file(name).read_bytes()).hexdigest()


def lock_file(name: str) -> Path:
    """Return requirements/<name>.txt."""
    return ROOT / 'requirements' / f'{name}.txt'


def source_hash() -> str:
    """Return the hash of all that colcon's result hangs on."""
    digest = hashlib.sha256(f'{identity()} {lock_hash("runtime")}'.encode())
    for top in SOURCES:
        for path in files_below(ROOT / top):
            digest.update(f'\n{path} '.encode() + path.read_bytes())
    for top in LINKED:
        for path in files_below(ROOT / top):
            digest.update(f'\n{path}'.encode())
    return digest.hexdigest()


def files_below(top: Path) -> list[Path]:
    """Return `top` itself, or the files in it, without Python's caches."""
    if top.is_file():
        return [top]
    return sorted(path for path in top.rglob('*') if path.is_file() and '__pycache__' not in path.parts)


def read(path: Path) -> str:
    """Return the text of a stamp, '' where it is not there."""
    return path.read_text() if path.is_file() else ''


# --- what the machine must bring ---------------------------------------------------------------------------


def check_machine(new_venv: bool) -> None:
    """Raise WorkspaceError where the machine lacks something that pip cannot bring."""
    if (platform.system(), platform.machine()) != ('Linux', 'x86_64'):
        raise WorkspaceError(
            f'ROS 2 on PyPI has wheels for x86-64 Linux only, and this is {platform.machine()} {platform.system()}; '
            'install ROS 2 and build with colcon, as the README says.'
        )
    version = f'python{sys.version_info.major}.{sys.version_info.minor}'
    parts = []
    if not Path(sysconfig.get_path('include'), 'Python.h').is_file():
        parts.append((f'the headers of {PYTHON}', f'{version}-dev'))
    if find_spec('venv') is None or find_spec('ensurepip') is None:
        parts.append((f'the venv module of {PYTHON}', f'{version}-venv'))
    if shutil.which(os.environ.get('CXX', 'g++')) is None:
        parts.append(('a C++ compiler', 'g++'))
    if parts:
        missing = ' and '.join(what for what, _ in parts)
        packages = ' '.join(package for _, package in parts)
        raise WorkspaceError(f'{missing} is missing; install it with: sudo apt install {packages}')
    if new_venv and shutil.disk_usage(ROOT).free < FREE_SPACE:
        raise WorkspaceError(f'{ROOT} has less than {FREE_SPACE / 1e9:.0f} GB free, which a first build needs.')


# --- what is made ------------------------------------------------------------------------------------------


def make_venv() -> None:
    """Make .venv anew, empty."""
    say(f'Making .venv for {PYTHON} (Python {platform.python_version()})')
    remove(VENV)
    run([PYTHON, '-m', 'venv', VENV], clean_environment(), LOG / 'venv.log')
    VENV_STAMP.write_text(identity())


def install(name: str) -> None:
    """Install requirements/<name>.txt into .venv."""
    say(f'Installing requirements/{name}.txt into .venv' + (', several GB the first time' if name == 'runtime' else ''))
    install_stamp(name).unlink(missing_ok=True)
    # The lock names every package, so pip need not look for what they depend on.
    pip = [VENV / 'bin' / 'python', '-m', 'pip', 'install', '--no-deps', '--progress-bar', 'off']
    run([*pip, '-r', lock_file(name)], clean_environment(), LOG / f'install-{name}.log', show=pip_progress)
    if name == 'runtime':
        mend_cmake_targets()
    install_stamp(name).write_text(lock_hash(name))


def pip_progress(line: str) -> str | None:
    """Return what of pip's output is worth showing: the large downloads, and the unpacking."""
    found = re.search(r'(?:Downloading|Using cached) (?:\S*/)?([^/\s-]+)-([^/\s-]+)-\S+ \(([\d.]+ [MG]B)\)', line)
    if found and (found[3].endswith('GB') or float(found[3].split()[0]) >= 20):
        return f'  {found[1]} {found[2]} ({found[3]})'
    if line.startswith('Installing collected packages'):
        return f'  unpacking {line.count(",") + 1} packages'
    return None


def mend_cmake_targets() -> None:
    """Let the CMake files of the ROS wheels name this machine's header folders instead of their builder's."""
    site_packages = sysconfig.get_path('purelib', vars={'base': str(VENV)})
    for path in (VENV / 'share').glob('*/cmake/*.cmake'):
        text = path.read_text()
        mended = re.sub(r'/opt/python/[^/]+/lib/python[^/]+/site-packages', lambda _: site_packages, text)
        mended = re.sub(r'/opt/python/[^/]+/include/python[\d.]+', lambda _: sysconfig.get_path('include'), mended)
        if mended != text:
            path.write_text(mended)


def build_packages(sources: str) -> None:
    """Build ser_msgs and ser_ros into install/ with colcon."""
    if INSTALL.exists() and not INSTALL_STAMP.exists():
        raise WorkspaceError(
            'install/ was built by colcon outside make, for another ROS 2; run `make clean` to give it up, '
            'or clone ser_ros a second time.'
        )
    say('Building ser_msgs and ser_ros into install/')
    remove(BUILD)
    remove(INSTALL)
    INSTALL.mkdir()
    INSTALL_STAMP.touch()
    environment = clean_environment()
    environment['PATH'] = f'{VENV / "bin"}{os.pathsep}{environment["PATH"]}'
    environment['AMENT_PREFIX_PATH'] = environment['CMAKE_PREFIX_PATH'] = str(VENV)
    # colcon's settings of this user, ~/.colcon/defaults.yaml, may be meant for another ROS 2.
    environment['COLCON_HOME'] = str(VENV)
    colcon = [VENV / 'bin' / 'colcon', 'build', '--symlink-install', '--event-handlers', 'desktop_notification-']
    cmake = ['--cmake-args', '-DBUILD_TESTING=OFF', f'-DPython3_EXECUTABLE={VENV / "bin" / "python"}']
    run([*colcon, *cmake], environment, LOG / 'build.log')
    INSTALL_STAMP.write_text(sources)


def clean_environment() -> dict[str, str]:
    """Return the environment without what a sourced ROS 2 or make put into it."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    prefixes += os.environ.get('COLCON_PREFIX_PATH', '').split(os.pathsep)
    roots = tuple(f'{prefix}/' for prefix in prefixes if prefix)
    environment = {}
    for name, value in os.environ.items():
        if name in NOT_PASSED_ON:
            continue
        if name in ('PATH', 'LD_LIBRARY_PATH'):
            value = os.pathsep.join(part for part in value.split(os.pathsep) if not f'{part}/'.startswith(roots))
        environment[name] = value
    return environment


NOT_PASSED_ON = (
    'AMENT_PREFIX_PATH',
    'CMAKE_PREFIX_PATH',
    'COLCON_PREFIX_PATH',
    'MAKEFLAGS',
    'MFLAGS',
    'PYTHONHOME',
    'PYTHONPATH',
    'RMW_IMPLEMENTATION',
    'ROS_DISTRO',
    'ROS_PYTHON_VERSION',
    'ROS_VERSION',
    '_ROS_WHEELS_BOOTSTRAP_COMPLETE',
)


# --- what is run in it -------------------------------------------------------------------------------------


def demo_audio() -> Path | None:
    """Return the absolute path of AUDIO, which is relative to the folder that make was called from."""
    audio = os.environ.get('AUDIO')
    if not audio:
        return None
    # After `make -C path` the working directory is path, but PWD is still the caller's folder.
    folders = (Path(os.environ.get('CALLER_PWD', '.')), Path.cwd())
    for folder in folders:
        if (folder / audio).exists():
            return (folder / audio).resolve()
    raise WorkspaceError(f'AUDIO={audio} does not exist; give the path of a WAV or FLAC file.')


def run_demo(audio: Path | None) -> None:
    """Become the demo."""
    arguments = ['--audio', audio] if audio else []
    if os.environ.get('SOURCE'):
        arguments += ['--source', os.environ['SOURCE']]
    become('exec demo "$@"', arguments)


def run_tests() -> None:
    """Become ruff and, where it is content, pytest."""
    become('ruff check --quiet && exec python -m pytest "$@"', shlex.split(os.environ.get('ARGS', '')))


def become(script: str, arguments: list) -> None:
    """Replace this process by a bash that runs `script` in the built workspace, so that it gets all signals."""
    os.chdir(ROOT)
    os.execvpe('bash', ['bash', '-c', f'. ./env.bash && {script}', 'bash', *arguments], clean_environment())


def run(command: list, environment: dict[str, str], log: Path, show=lambda line: None) -> None:
    """Run `command` at the root with its output in `log`; print what `show` returns for a line of it."""
    log.parent.mkdir(exist_ok=True)
    output = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    with log.open('w') as file, subprocess.Popen(command, cwd=ROOT, env=environment, **output) as process:
        try:
            for line in process.stdout:
                file.write(line)
                if shown := show(line):
                    say(shown)
        except KeyboardInterrupt:
            process.terminate()
            raise
    if process.returncode:
        tail = ''.join(log.read_text().splitlines(keepends=True)[-30:])
        raise WorkspaceError(f'{tail}\n{Path(command[0]).name} failed; its whole output is in {log}.')


def remove(folder: Path) -> None:
    """Remove `folder` where it exists."""
    if folder.exists():
        shutil.rmtree(folder)


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


main()
