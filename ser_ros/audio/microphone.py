# SPDX-License-Identifier: Apache-2.0
"""Sound from a microphone, through PortAudio."""

import queue
import time
from collections.abc import Callable

import numpy as np

from ser_ros.audio.block import BLOCK_DURATION, SAMPLE_RATE, AudioBlock
from ser_ros.audio.source import MEAN_OF_CHANNELS, CaptureLine, check_channel
from ser_ros.errors import SerError

_QUEUE_BLOCKS = 300
"""About ten seconds: far more than a reader may stall, and little memory."""

_LONGEST_BELIEVED_DELAY = 1.0
"""Seconds. Some hosts give capture times of 0 or of another clock; a delay beyond this is not believed."""

_LIST_HINT = '`ros2 run ser_ros devices` lists the microphones'


class MicrophoneSource:
    """Captures one microphone, or one channel of a microphone array.

    Asks for 16 kHz; a device that refuses is opened at its own rate and resampled. PortAudio's callback only
    copies: everything else happens in the thread that reads.
    """

    def __init__(self, device: str = '', *, channel: int = 0, clock: Callable[[], float] = time.time):
        """`device`: '' for the system's default, an index, or part of a name; `channel`: 0-based, -1 for the mean."""
        self._device = device
        self._channel = channel
        self._clock = clock
        self._stream = None
        self._description = f'microphone {device or "(default)"}'
        self._overflows = 0

    @property
    def description(self) -> str:
        """Name and rate of the device once it is open."""
        return self._description

    @property
    def live(self) -> bool:
        """Always true: a room does not wait."""
        return True

    @property
    def overflows(self) -> int:
        """How often PortAudio or the queue behind it lost sound since `open`."""
        return self._overflows

    def open(self) -> None:
        """Open the device without starting it. Raises SerError that names the cure."""
        if self._stream is not None:
            return
        sounddevice = load_sounddevice()
        info = _find_device(sounddevice, self._device)
        check_channel(self._channel, info['max_input_channels'], f"the microphone '{info['name']}'")
        channels = info['max_input_channels'] if self._channel == MEAN_OF_CHANNELS else self._channel + 1
        self._queue: queue.Queue = queue.Queue(maxsize=_QUEUE_BLOCKS)
        self._overflows = 0
        self._stream = self._open_stream(sounddevice, info, channels)
        self._line = CaptureLine(rate=self._stream.samplerate, channel=self._channel)
        self._description = f"microphone '{info['name']}', {self._stream.samplerate:.0f} Hz"

    def start(self) -> None:
        """Begin to capture. Raises SerError."""
        sounddevice = load_sounddevice()
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise SerError(f'{self._description} opened but did not start ({_reason(error)}); {_LIST_HINT}') from None

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block of about 32 ms, or None where the microphone gave none within `timeout` seconds."""
        try:
            frames, first_sample = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        start_time = self._clock() - (time.monotonic() - first_sample)
        return self._line.push(frames, start_time, first_sample + len(frames) / self._stream.samplerate)

    def close(self) -> None:
        """Stop capturing and let the device go."""
        if self._stream is not None:
            self._stream.close(ignore_errors=True)
            self._stream = None

    def _open_stream(self, sounddevice, info: dict, channels: int):
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
        raise SerError(
            f"the microphone '{info['name']}' could not be opened at {tried} Hz ({reason}); "
            f'close other programs that use it, or choose another with audio.device ({_LIST_HINT})'
        )

    def _on_audio(self, frames: np.ndarray, count: int, times, status) -> None:
        delay = times.currentTime - times.inputBufferAdcTime
        if not 0.0 <= delay <= _LONGEST_BELIEVED_DELAY:
            delay = count / self._stream.samplerate
        self._overflows += bool(status.input_overflow)
        try:
            self._queue.put_nowait((frames.copy(), time.monotonic() - delay))
        except queue.Full:
            self._overflows += 1


def load_sounddevice():
    """Return the sounddevice module. Raises SerError where PortAudio is not installed."""
    try:
        import sounddevice
    except OSError:
        raise SerError(
            'PortAudio, which the microphone needs, is not installed; install it with `sudo apt install libportaudio2`'
        ) from None
    return sounddevice


def list_microphones() -> list[dict]:
    """Return index, name, channels (max_input_channels) and rate (default_samplerate, Hz) of every input device."""
    return [info for info in load_sounddevice().query_devices() if info['max_input_channels'] > 0]


def _find_device(sounddevice, device: str) -> dict:
    wanted = int(device) if device.isdecimal() else device or None
    try:
        return sounddevice.query_devices(wanted, kind='input')
    except (ValueError, sounddevice.PortAudioError) as error:
        if wanted is None:
            raise SerError(f'there is no default microphone; connect one, or set audio.device ({_LIST_HINT})') from None
        raise SerError(
            f"audio.device '{device}' is not one microphone ({_reason(error)}); "
            f'give an index or a part of a name that only one has ({_LIST_HINT})'
        ) from None


def _reason(error: Exception) -> str:
    return ' '.join(str(error.args[0] if error.args else error).split())
