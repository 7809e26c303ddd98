# SPDX-License-Identifier: Apache-2.0
"""A microphone for machines that have none: a separate PulseAudio daemon."""

import contextlib
import ctypes.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ser_ros.errors import SerError

NEEDED_PACKAGES = 'libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins'
"""Of Debian and Ubuntu."""

_START_TIMEOUT = 30.0
_COMMAND_TIMEOUT = 120.0
_LOOK_PERIOD = 0.1


def missing_programs() -> list[str]:
    """Return what is missing on this machine for a virtual microphone that PortAudio can use."""
    programs = [program for program in ('pulseaudio', 'pactl', 'paplay') if shutil.which(program) is None]
    return programs + ([] if ctypes.util.find_library('portaudio') else ['libportaudio'])


@contextlib.contextmanager
def virtual_microphone() -> Iterator['VirtualMicrophone']:
    """Yield a virtual microphone that is not switched on yet, and end it."""
    # A short path: a socket's name may not be longer than 107 characters.
    with tempfile.TemporaryDirectory(prefix='ser') as home:
        microphone = VirtualMicrophone(Path(home))
        try:
            yield microphone
        finally:
            microphone.kill()


class VirtualMicrophone:
    """A PulseAudio daemon whose only source is what is played into its only sink.

    Attributes:
        environment: variables by which a process finds it in place of the user's own.
    """

    def __init__(self, home: Path):
        """Take `home`, an empty folder with a short path, for the daemon's files."""
        runtime = home / 'run'
        runtime.mkdir(mode=0o700)
        (home / '.asoundrc').write_text('pcm.!default { type pulse }\nctl.!default { type pulse }\n')
        self.environment = {'HOME': str(home), 'XDG_RUNTIME_DIR': str(runtime)}
        self._log = home / 'pulseaudio.log'
        self._daemon: subprocess.Popen | None = None

    def switch_on(self) -> None:
        """Start the daemon, without any microphone. Raises SerError."""
        command = ['pulseaudio', '-n', '--daemonize=no', '--exit-idle-time=-1', '--disallow-exit']
        with self._log.open('a') as log:
            self._daemon = subprocess.Popen(
                [*command, '--load=module-native-protocol-unix'],
                env=os.environ | self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _START_TIMEOUT
        while self.run('pactl', 'info').returncode:
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise SerError(f'PulseAudio does not run: {self._log.read_text().strip()}')
            time.sleep(_LOOK_PERIOD)

    def plug_in(self, rate: int = 16_000, channels: int = 1) -> None:
        """Add the microphone, of `rate` Hz. Raises SerError."""
        layout = f'rate={rate} channels={channels} format=s16le channel_map={"mono" if channels == 1 else "stereo"}'
        # Without norewinds it accepts up to two seconds of sound at once, before they have passed.
        self._command('pactl', 'load-module', 'module-null-sink', 'sink_name=mic', 'norewinds=1', *layout.split())
        self._command('pactl', 'set-default-source', 'mic.monitor')

    def unplug(self) -> None:
        """Remove the microphone; the daemon keeps running. Raises SerError."""
        self._command('pactl', 'unload-module', 'module-null-sink')

    def kill(self) -> None:
        """End the daemon as kill -9 does."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()

    def play(self, path: Path) -> None:
        """Play a sound file to its end. Raises SerError."""
        self._command('paplay', '-d', 'mic', str(path))

    def start_playing(self, path: Path) -> subprocess.Popen:
        """Start playing a sound file; return the player."""
        variables = os.environ | self.environment
        return subprocess.Popen(['paplay', '-d', 'mic', str(path)], env=variables, stderr=subprocess.DEVNULL)

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """Run a program that finds the daemon."""
        variables = os.environ | self.environment
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT)

    def _command(self, *command: str) -> None:
        finished = self.run(*command)
        if finished.returncode:
            raise SerError(f'{" ".join(command)}: {finished.stderr.strip()}')
