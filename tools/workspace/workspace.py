# SPDX-License-Identifier: Apache-2.0
"""Makes and uses the workspace of a checkout: what `make build`, `demo`, `test`, `lint`, `format` and `clean` do.

.venv holds ROS 2 and everything else from PyPI, as locked in requirements/: for the demo what a robot needs, for the
other goals torch and the rest on top. colcon builds both packages into install/. Each step leaves a stamp when it is
done, so that it is not done twice; an interrupted one is done again.
Runs on the standard library alone, before anything is installed.
"""

import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from machine import PYTHON, SPACE, WorkspaceError, check_machine, clean_environment
from steps import build_packages, install, make_venv, say

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / '.venv'
BUILD = ROOT / 'build'
INSTALL = ROOT / 'install'
LOG = ROOT / 'log'

VENV_STAMP = VENV / 'made-for'
INSTALL_STAMP = INSTALL / '.made-by-make'
"""env.bash looks for this one too: it says that install/ belongs to .venv and not to a ROS 2 of this machine."""

REQUIREMENTS = {
    'demo': ('pip', 'ros', 'runtime'),
    'build': ('pip', 'ros', 'runtime', 'train', 'view'),
    **dict.fromkeys(('test', 'test-fast', 'lint', 'format'), ('pip', 'ros', 'runtime', 'train', 'view', 'test')),
}
"""Which of requirements/*.txt each goal needs, in the order in which they are installed."""

BUILD_NEEDS = ('pip', 'cmake', 'ros')
"""Of them, what must be there before the packages are built; the rest is installed beside that."""

BUILT = ('package.xml', 'setup.py', 'setup.cfg', 'colcon_defaults.yaml', 'resource', 'ser_msgs')
"""Files and folders whose content goes into install/: colcon runs again where it changes."""

LINKED = ('config', 'demo', 'launch', 'models', 'train')
"""Folders whose files install/ links to one by one: colcon runs again where one comes or goes."""

LINT = 'ruff check --output-format concise && ruff format --check --quiet && mypy'
FORMAT = 'ruff check --fix --quiet; ruff format'

PYTEST = 'python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 20'
TESTS = f'{{ {LINT}; }}; lint=$?; {PYTEST} %s "$@" && exit $lint'
"""pytest runs, and has the last word, also where ruff or mypy finds something; either makes the exit code non-zero.

Three files at a time even on two cores, for most of the end-to-end tests wait for sound that plays as fast as it does.
"""

SCRIPTS = {'test': TESTS % '', 'test-fast': TESTS % '-m "not e2e and not slow"', 'lint': LINT, 'format': FORMAT}


def main() -> None:
    """Run the goal that the command line names."""
    goal = sys.argv[1]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if goal == 'clean':
            clean()
        if goal == 'build':
            make_workspace(goal)
        if goal == 'demo':
            arguments = demo_arguments()
            make_workspace(goal)
            become('exec demo "$@"', arguments)
        if goal in SCRIPTS:
            make_workspace(goal)
            become(SCRIPTS[goal], shlex.split(os.environ.get('ARGS', '')))
    except WorkspaceError as error:
        sys.exit(f'make {goal}: {error}')
    except OSError as error:
        sys.exit(
            f'make {goal}: {error.filename}: {error.strerror}; '
            'as a user with write access to this folder, run `make clean` and try again.'
        )
    except KeyboardInterrupt:
        sys.exit(130)


def clean() -> None:
    """Remove all that make made."""
    with locked():
        for folder in (VENV, BUILD, INSTALL, LOG):
            remove(folder)
        for cache in ('.hypothesis', '.mypy_cache', '.pytest_cache', '.ruff_cache', '__pycache__'):
            for folder in list(ROOT.rglob(cache)):
                remove(folder)


def make_workspace(goal: str) -> None:
    """Install what `goal` needs into .venv and build both packages, as far as that is not done yet."""
    with locked():
        wanted = REQUIREMENTS[goal] + (('view',) if goal == 'demo' and os.environ.get('VIEW') else ())
        todo = [name for name in wanted if not is_installed(name)]
        sources = source_hash()
        if not todo and read(INSTALL_STAMP) == sources:
            return
        start = time.monotonic()
        check_machine(VENV, needed=sum(SPACE.get(name, 0.0) for name in todo))
        if INSTALL.exists() and not INSTALL_STAMP.exists():
            raise WorkspaceError(
                'install/ was built by colcon without make, for another ROS 2; '
                'run `make clean` to remove it, or clone ser_ros a second time.'
            )
        if read(VENV_STAMP) != identity():
            remove(VENV)
            make_venv(VENV, LOG)
            VENV_STAMP.write_text(identity())
        if shutil.which('cmake') is None and not is_installed('cmake'):
            todo.insert(0, 'cmake')
        first = [name for name in todo if name in BUILD_NEEDS]
        install_all(first)
        with ThreadPoolExecutor(max_workers=1) as beside:
            building = beside.submit(build, sources) if read(INSTALL_STAMP) != sources else None
            install_all([name for name in todo if name not in first])
            if building is not None:
                building.result()
        say(f'The workspace is ready after {time.monotonic() - start:.0f} s.')


def install_all(names: list[str]) -> None:
    """Install what requirements/ locks under each of `names`."""
    for name in names:
        installed_stamp(name).unlink(missing_ok=True)
        install(lock_file(name), VENV, LOG)
        installed_stamp(name).write_text(lock_hash(name))


def build(sources: str) -> None:
    """Build both packages, whose `source_hash` is `sources`."""
    clear_for_build()
    build_packages(VENV, LOG)
    INSTALL_STAMP.write_text(sources)


def clear_for_build() -> None:
    """Take away what colcon would not: the links of ser_ros, and all where .venv is another than at the last build."""
    if read(INSTALL_STAMP).startswith(base_hash()):
        remove(BUILD / 'ser_ros')
        remove(INSTALL / 'ser_ros')
    else:
        remove(BUILD)
        remove(INSTALL)
        INSTALL.mkdir()
    INSTALL_STAMP.write_text(base_hash())


@contextmanager
def locked() -> Iterator[None]:
    """Keep a second make in this checkout waiting."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('Waiting for another make in this folder')
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def identity() -> str:
    """Name what .venv hangs on: the interpreter, and where the checkout lies, for scripts hold absolute paths."""
    return f'{PYTHON} {VENV}'


def is_installed(name: str) -> bool:
    """Tell whether requirements/<name>.txt, as it is now, is installed in .venv."""
    return read(VENV_STAMP) == identity() and read(installed_stamp(name)) == lock_hash(name)


def installed_stamp(name: str) -> Path:
    """Return the file that says which state of requirements/<name>.txt is installed."""
    return VENV / f'installed-{name}'


def lock_file(name: str) -> Path:
    """Return requirements/<name>.txt."""
    return ROOT / 'requirements' / f'{name}.txt'


def lock_hash(name: str) -> str:
    """Return the hash of requirements/<name>.txt."""
    return hashlib.sha256(lock_file(name).read_bytes()).hexdigest()


def source_hash() -> str:
    """Return the hash of all that colcon's result hangs on, behind `base_hash`."""
    digest = hashlib.sha256()
    for path in files_of(BUILT):
        digest.update(f'\n{path} '.encode() + path.read_bytes())
    for path in files_of(LINKED):
        digest.update(f'\n{path}'.encode())
    return f'{base_hash()} {digest.hexdigest()}'


def base_hash() -> str:
    """Return the hash of what compiled messages hang on beside their source."""
    return hashlib.sha256(f'{identity()} {lock_hash("ros")}'.encode()).hexdigest()


def files_of(tops: tuple[str, ...]) -> list[Path]:
    """Return the files named, and those in the folders named, without Python's caches."""
    found = [path for top in tops for path in (ROOT / top, *(ROOT / top).rglob('*'))]
    return sorted(path for path in found if path.is_file() and '__pycache__' not in path.parts)


def read(stamp: Path) -> str:
    """Return the text of a stamp, '' where it is not there."""
    return stamp.read_text() if stamp.is_file() else ''


def remove(folder: Path) -> None:
    """Remove `folder` where it exists."""
    if folder.exists():
        shutil.rmtree(folder)


def demo_arguments() -> list[str]:
    """Return the demo's arguments for AUDIO, which is relative to the caller's folder, SOURCE and VIEW."""
    arguments = []
    if audio := os.environ.get('AUDIO'):
        # After `make -C path` the working directory is path, but make's PWD is still the caller's.
        folders = (Path(os.environ.get('CALLER_PWD', '')), Path.cwd())
        path = next((folder / audio for folder in folders if (folder / audio).exists()), None)
        if path is None:
            raise WorkspaceError(f'AUDIO={audio} does not exist; give the path of a WAV or FLAC file.')
        arguments += ['--audio', str(path.absolute())]
    if source := os.environ.get('SOURCE'):
        arguments += ['--source', source]
    if os.environ.get('VIEW'):
        arguments.append('--view')
    return arguments


def become(script: str, arguments: list[str]) -> None:
    """Replace this process by a bash that runs `script` in the built workspace, so that it gets every signal."""
    os.chdir(ROOT)
    os.execvpe('bash', ['bash', '-c', f'. ./env.bash && {script}', 'bash', *arguments], clean_environment())


main()
