# SPDX-License-Identifier: Apache-2.0
"""Sound from a microphone, through PortAudio."""

import contextlib
import queue
import time
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from ser_ros.audio.block import BLOCK_DURATION, SAMPLE_RATE, AudioBlock
from ser_ros.audio.conversion import BlockConverter
from ser_ros.audio.source import LONGEST_PAUSE, MEAN_OF_CHANNELS, SourceUnavailable, check_channel
from ser_ros.errors import SerError

_QUEUE_BLOCKS = 300
"""About ten seconds: far more than a reader may stall, and little memory."""

_LONGEST_BELIEVED_DELAY = 30.0
"""Seconds. Some hosts give capture times of 0 or of another clock; a longer delay is not believed. Sound servers keep
sound for a machine that stalled, and report its age."""

_LIST_HINT = '`ros2 run ser_ros devices` lists the microphones'


class MicrophoneSource:
    """Captures one microphone, or one channel of a microphone array.

    Requests 16 kHz; a device that refuses is opened at its own rate and resampled. PortAudio's callback only copies:
    everything else happens in the reading thread.
    """

    def __init__(self, device: str = '', *, channel: int = 0, clock: Callable[[], float] = time.time):
        """`device`: '' for the system's default, an index, or part of a name; `channel`: 0-based, -1 for the mean."""
        self._device = device
        self._channel = channel
        self._clock = clock
        self._stream: Any = None  # sounddevice has no types
        self._name = ''
        self._looked = False
        self._description = f'microphone {device or "(default)"}'
        self._losses = Counter(overflows=0)
        self._after_gap = False

    @property
    def description(self) -> str:
        """Name and rate of the device once it is open."""
        return self._description

    @property
    def live(self) -> bool:
        """Always true: a room does not wait."""
        return True

    @property
    def losses(self) -> dict[str, int]:
        """How often PortAudio or the queue behind it lost sound, and how many samples were broken."""
        return dict(self._losses)

    @property
    def problem(self) -> str:
        """Always '': `SupervisedSource` judges."""
        return ''

    @property
    def remark(self) -> str:
        """Always ''."""
        return ''

    @property
    def longest_pause(self) -> float:
        """That of all sources."""
        return LONGEST_PAUSE

    def open(self) -> None:
        """Open the device without starting it. Raises SerError; SourceUnavailable if it may appear later."""
        if self._stream is not None:
            return
        sounddevice = load_sounddevice()
        info = self._find(sounddevice)
        check_channel(self._channel, info['max_input_channels'], f"the microphone '{info['name']}'")
        channels = info['max_input_channels'] if self._channel == MEAN_OF_CHANNELS else self._channel + 1
        self._queue: queue.Queue[tuple[np.ndarray, float, bool]] = queue.Queue(maxsize=_QUEUE_BLOCKS)
        self._stream = self._open_stream(sounddevice, info, channels)
        self._converter = BlockConverter(rate=self._stream.samplerate, channel=self._channel, losses=self._losses)
        self._name = info['name']
        self._description = f"microphone '{info['name']}', {self._stream.samplerate:.0f} Hz"

    def start(self) -> None:
        """Start capturing. Raises SerError."""
        sounddevice = load_sounddevice()
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise SourceUnavailable(
                f'{self._description} opened but did not start ({_reason(error)}); {_LIST_HINT}'
            ) from None

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block of about 32 ms, or None if the microphone gave none within `timeout` seconds."""
        try:
            frames, first_sample, after_gap = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        start_time = self._clock() - (time.monotonic() - first_sample)
        arrival = first_sample + len(frames) / self._stream.samplerate
        return self._converter.convert(frames, start_time, arrival, after_gap=after_gap)

    def close(self) -> None:
        """Stop capturing and release the device."""
        if self._stream is not None:
            self._stream.close(ignore_errors=True)
            self._stream = None

    def _find(self, sounddevice: ModuleType) -> dict[str, Any]:
        if self._looked:
            # PortAudio lists the devices once, when it is initialised: one that was plugged in since is not among them.
            _scan_again(sounddevice)
        self._looked = True
        # Indices change when devices come and go, so what was once found by its index is found again by its name.
        return _find_device(sounddevice, self._name if self._name and self._device.isdecimal() else self._device)

    def _open_stream(self, sounddevice: ModuleType, info: dict[str, Any], channels: int) -> Any:
        rates = dict.fromkeys((SAMPLE_RATE, int(info['default_samplerate'])))
        for rate in rates:
            try:
                return sounddevice.InputStream(
                    samplerate=rate,
                    blocksize=round(rate * BLOCK_DURATION),
                    device=info['index'],
                    channels=channels,
                    dtype='float32',
                    latency='high',
                    callback=self._on_audio,
                )
            except sounddevice.PortAudioError as error:
                reason = _reason(error)
        tried = ' and '.join(str(rate) for rate in rates)
        raise SourceUnavailable(
            f"the microphone '{info['name']}' could not be opened at {tried} Hz ({reason}); "
            f'close other programs that use it, or choose another with audio.device ({_LIST_HINT})'
        )

    def _on_audio(self, frames: np.ndarray, count: int, times: Any, status: Any) -> None:
        delay, duration = times.currentTime - times.inputBufferAdcTime, count / self._stream.samplerate
        # A block cannot arrive before its last sample was captured, although PulseAudio's ALSA plugin says so.
        if not duration <= delay <= _LONGEST_BELIEVED_DELAY:
            delay = duration
        # PortAudio's flag means that sound before this buffer was lost.
        self._after_gap |= bool(status.input_overflow)
        self._losses['overflows'] += bool(status.input_overflow)
        try:
            self._queue.put_nowait((frames.copy(), time.monotonic() - delay, self._after_gap))
            self._after_gap = False
        except queue.Full:
            self._losses['overflows'] += 1
            self._after_gap = True


def load_sounddevice() -> ModuleType:
    """Return the sounddevice module. Raises SerError if PortAudio is not installed or does not start."""
    try:
        import sounddevice
    except OSError:
        raise SerError(
            'PortAudio, which the microphone needs, is not installed; install it with `sudo apt install libportaudio2`'
        ) from None
    except Exception as error:
        # sounddevice initialises PortAudio as it is imported, and its error class is not known before.
        raise SourceUnavailable(f'PortAudio does not start ({_reason(error)}); check the sound server') from None
    return sounddevice


def _scan_again(sounddevice: ModuleType) -> None:
    # It is not initialised if an earlier scan has failed.
    with contextlib.suppress(sounddevice.PortAudioError):
        sounddevice._terminate()
    try:
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise SourceUnavailable(f'PortAudio does not start ({_reason(error)}); check the sound server') from None


def list_microphones() -> list[dict[str, Any]]:
    """Return index, name, channels (max_input_channels) and rate (default_samplerate, Hz) of every input device."""
    return [info for info in load_sounddevice().query_devices() if info['max_input_channels'] > 0]


def _find_device(sounddevice: ModuleType, device: str) -> dict[str, Any]:
    wanted = int(device) if device.isdecimal() else device or None
    try:
        return sounddevice.query_devices(wanted, kind='input')
    except (ValueError, sounddevice.PortAudioError) as error:
        if wanted is None:
            raise SourceUnavailable(
                f'there is no default microphone; connect one, or set audio.device ({_LIST_HINT})'
            ) from None
        # Several match the name: another device would not help.
        kind = SerError if 'Multiple' in str(error) else SourceUnavailable
        raise kind(
            f"audio.device '{device}' is not one microphone ({_reason(error)}); "
            f'give an index or a part of a name that only one has ({_LIST_HINT})'
        ) from None


def _reason(error: Exception) -> str:
    return ' '.join(str(error.args[0] if error.args else error).split())
