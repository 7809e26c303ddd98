# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the module `sounddevice` 0.5, for machines without microphones."""

import types

import numpy as np


class PortAudioError(Exception):
    """As in sounddevice: (text, PortAudio's error code)."""


class StandInSoundDevice(types.ModuleType):
    """The part of sounddevice 0.5 that the microphone uses; `add` plugs a made device in."""

    def __init__(self):
        super().__init__('sounddevice')
        self.PortAudioError = PortAudioError
        self.default_input = -1
        self.devices = []
        self.streams = []
        self.tried_rates = []
        self.initialised = True
        self.host_runs = True
        self.scans = 1

    def add(self, name: str, *, channels: int = 1, rate: float = 48_000.0, rates=(16_000,)) -> int:
        """Plug in a device that opens at `rates`; the first one with inputs becomes the default."""
        index = len(self.devices)
        info = {
            'name': name,
            'index': index,
            'hostapi': 0,
            'max_input_channels': channels,
            'max_output_channels': 2,
            'default_samplerate': float(rate),
        }
        self.devices.append((info, rates))
        if channels and self.default_input < 0:
            self.default_input = index
        return index

    def _terminate(self):
        if not self.initialised:
            raise PortAudioError('Error terminating PortAudio: PortAudio not initialized', -10000)
        self.initialised = False

    def _initialize(self):
        if not self.host_runs:
            raise PortAudioError('Error initializing PortAudio: Unanticipated host error', -9999)
        self.initialised = True
        self.scans += 1

    def query_devices(self, device=None, kind=None):
        if device is None and kind is None:
            return [dict(info) for info, _ in self.devices]
        index = self._index(device)
        if not 0 <= index < len(self.devices):
            raise PortAudioError(f'Error querying device {index}')
        info = self.devices[index][0]
        if info['max_input_channels'] < 1:
            raise ValueError(f'Not an input device: {info["name"]!r}')
        return dict(info)

    def _index(self, device) -> int:
        if device is None:
            return self.default_input
        if isinstance(device, int):
            return device
        inputs = [info for info, _ in self.devices if info['max_input_channels'] > 0]
        matches = [info for info in inputs if device.lower() in info['name'].lower()]
        exact = [info for info in inputs if device.lower() == info['name'].lower()]
        if not matches:
            raise ValueError(f'No input device matching {device!r}')
        if len(matches) > 1 and len(exact) != 1:
            listed = '\n'.join(f'[{info["index"]}] {info["name"]}, ALSA' for info in matches)
            raise ValueError(f'Multiple input devices found for {device!r}:\n{listed}')
        return (exact or matches)[0]['index']

    def InputStream(self, **options):  # noqa: N802 - sounddevice's name
        stream = StandInInputStream(self, **options)
        self.streams.append(stream)
        return stream


class StandInInputStream:
    """A stream whose sound comes from `deliver`; like PortAudio it reuses one buffer for every callback."""

    def __init__(self, module, *, samplerate, blocksize, device, channels, dtype, latency, callback):
        info, rates = module.devices[device]
        module.tried_rates.append(samplerate)
        if any(stream.device == device and not stream.closed for stream in module.streams):
            raise PortAudioError('Error opening InputStream: Device unavailable', -9985)
        if samplerate not in rates:
            raise PortAudioError('Error opening InputStream: Invalid sample rate', -9997)
        if channels > info['max_input_channels']:
            raise PortAudioError('Error opening InputStream: Invalid number of channels', -9998)
        assert dtype == 'float32' and latency == 'high' and blocksize > 0
        self.samplerate = float(samplerate)
        self.device = device
        self.channels = channels
        self.blocksize = blocksize
        self.started = False
        self.closed = False
        self.refuses_to_start = False
        self._callback = callback
        self._buffer = np.zeros((blocksize, channels), dtype=np.float32)

    def start(self):
        if self.refuses_to_start:
            raise PortAudioError('Error starting stream: Unanticipated host error', -9999)
        self.started = True

    def close(self, ignore_errors=True):
        self.closed = True

    def deliver(self, frames: np.ndarray, *, delay: float = 0.05, overflow: bool = False):
        """Call back with `frames` (n, channels), captured `delay` seconds ago; spoil the buffer afterwards."""
        assert self.started and not self.closed
        buffer = self._buffer[: len(frames)]
        buffer[:] = frames
        times = types.SimpleNamespace(currentTime=10.0, inputBufferAdcTime=10.0 - delay, outputBufferDacTime=0.0)
        status = types.SimpleNamespace(input_overflow=overflow, input_underflow=False)
        self._callback(buffer, len(frames), times, status)
        buffer[:] = 1e9
