# SPDX-License-Identifier: Apache-2.0
"""The long steps that make a workspace: the virtual environment, pip, colcon."""

import os
import platform
import re
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

from machine import PYTHON, WorkspaceError, clean_environment

SHOWN_DOWNLOAD = 20.0
"""MB from which a download is worth a line."""

SIZES = {
    'ros': 'ROS 2 and colcon',
    'runtime': 'what the node needs',
    'train': '3 GB to download, some minutes',
    'view': 'the page that shows what the node hears',
}
"""What each of requirements/*.txt is, shown while it is installed."""

TAIL_LINES = 12
"""Of a failed step's output, what is shown at once."""


def make_venv(venv: Path, log: Path) -> None:
    """Make the folder `venv` a virtual environment with pip and nothing else."""
    say(f'Making {venv} with {PYTHON} (Python {platform.python_version()})')
    run([PYTHON, '-m', 'venv', venv], log / 'venv.log')


def install(requirements: Path, venv: Path, log: Path) -> None:
    """Install the locked `requirements` into `venv`."""
    size = SIZES.get(requirements.stem)
    say(f'Installing {requirements.parent.name}/{requirements.name}{f" ({size})" if size else ""}')
    # The lock names every package, so pip need not look for what they depend on; Python compiles what it imports.
    pip = [venv / 'bin' / 'python', '-m', 'pip', 'install', '--no-deps', '--no-compile', '--progress-bar', 'off']
    run([*pip, '-r', requirements], log / f'install-{requirements.stem}.log', show=pip_progress)
    mend_cmake_targets(venv)


def pip_progress(line: str) -> str | None:
    """Return what of pip's output is worth showing: the large downloads, and the unpacking."""
    size = re.search(r'(?:Downloading|Using cached) (?:\S*/)?([^/\s-]+)-([^/\s-]+)-\S+ \(([\d.]+) MB\)', line)
    if size and float(size[3]) >= SHOWN_DOWNLOAD:
        return f'  {size[1]} {size[2]} ({size[3]} MB)'
    if line.startswith('Installing collected packages'):
        return f'  unpacking {line.count(",") + 1} packages'
    return None


def mend_cmake_targets(venv: Path) -> None:
    """Let the CMake files of the ROS wheels name this machine's header folders instead of their builder's."""
    site_packages = sysconfig.get_path('purelib', 'posix_prefix', {'base': str(venv)})
    for path in (venv / 'share').glob('*/cmake/*.cmake'):
        text = path.read_text()
        mended = re.sub(r'/opt/python/[^/]+/lib/python[^/]+/site-packages', lambda _: site_packages, text)
        mended = re.sub(r'/opt/python/[^/]+/include/python[\d.]+', lambda _: sysconfig.get_path('include'), mended)
        if mended != text:
            path.write_text(mended)


def build_packages(venv: Path, log: Path) -> None:
    """Build ser_msgs and ser_ros into install/ with the colcon of `venv`."""
    say('Building ser_msgs and ser_ros')
    environment = {
        'PATH': f'{venv / "bin"}{os.pathsep}{os.environ["PATH"]}',
        'AMENT_PREFIX_PATH': str(venv),
        'CMAKE_PREFIX_PATH': str(venv),
        # The user's own ~/.colcon/defaults.yaml may be meant for another ROS 2.
        'COLCON_HOME': str(venv),
    }
    colcon = [venv / 'bin' / 'colcon', 'build', '--symlink-install', '--event-handlers', 'desktop_notification-']
    cmake = ['--cmake-args', '-DBUILD_TESTING=OFF', f'-DPython3_EXECUTABLE={venv / "bin" / "python"}']
    run([*colcon, *cmake], log / 'build.log', environment)


def run(
    command: list,
    log: Path,
    environment: dict[str, str] | None = None,
    show: Callable[[str], str | None] = lambda line: None,
) -> None:
    """Run `command` with its output in the file `log`; print what `show` returns for a line of it."""
    log.parent.mkdir(exist_ok=True)
    process = subprocess.Popen(
        command,
        cwd=log.parent.parent,
        env=clean_environment() | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with log.open('w', buffering=1) as file, process:
        try:
            for line in process.stdout:
                file.write(line)
                if shown := show(line):
                    say(shown)
        except KeyboardInterrupt:
            process.terminate()
            raise
    if process.returncode:
        tail = '\n'.join(log.read_text().splitlines()[-TAIL_LINES:])
        raise WorkspaceError(f'{log.stem} failed; its whole output is in {log}, which ends with:\n{tail}')


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)
