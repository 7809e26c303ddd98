# SPDX-License-Identifier: Apache-2.0
"""What every source of sound can do, and what all of them share."""

from typing import Protocol

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.resampling import StreamResampler
from ser_ros.errors import SerError

MEAN_OF_CHANNELS = -1
"""Value of `audio.channel` that averages all channels instead of picking one."""


class EndOfAudio(Exception):
    """The source has no more sound: a file was read to its end."""


class AudioSource(Protocol):
    """Where sound comes from: opened, started, read until `EndOfAudio` or the reader's will, closed; repeatable."""

    @property
    def description(self) -> str:
        """What is being listened to, for people: `microphone 'USB Audio', 48000 Hz`."""

    @property
    def live(self) -> bool:
        """Whether sound is lost when nobody reads it in time."""

    @property
    def overflows(self) -> int:
        """How often sound was lost because it was not fetched in time, since `open`."""

    def open(self) -> None:
        """Check and take hold of the source; does nothing where it is open already. Raises SerError."""

    def start(self) -> None:
        """Begin to capture. Raises SerError."""

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block, or None where none came within `timeout` seconds. Raises EndOfAudio, SerError."""

    def close(self) -> None:
        """Let the source go; never raises, and may be called at any time."""


def pick_channel(frames: np.ndarray, channel: int) -> np.ndarray:
    """Return one channel, or the mean of all, of `frames` (float32, shape (n, channels)) as float32 (n,)."""
    if channel == MEAN_OF_CHANNELS:
        return frames.mean(axis=1, dtype=np.float32)
    return np.ascontiguousarray(frames[:, channel])


def check_channel(channel: int, available: int, what: str) -> None:
    """Raise SerError where `channel` (0-based, or -1) is not among the `available` ones of `what`."""
    if not MEAN_OF_CHANNELS <= channel < available:
        raise SerError(
            f'{what} has {available} channel(s), so audio.channel {channel} does not exist; '
            f'set it to 0..{available - 1}, or to -1 for the mean of all'
        )


class CaptureLine:
    """Turns captured frames of any rate and channel count into 16 kHz mono blocks with the right capture time.

    The resampler holds some sound back (21 ms from 48 kHz, 66 ms from 8 kHz), so a block's time is counted in samples
    from the start of the stream and tied anew, with each block, to the clock of the capture; drift of the sound card
    cannot add up.
    """

    def __init__(self, *, rate: float, channel: int):
        self._rate = rate
        self._channel = channel
        self._resampler = StreamResampler(rate)
        self._frames_in = 0
        self._samples_out = 0

    def push(self, frames: np.ndarray, start_time: float, arrival: float, last: bool = False) -> AudioBlock:
        """Convert `frames` (float32, shape (n, channels)), whose first was captured at `start_time` seconds.

        `last` flushes what the resampler holds back. The block may be empty.
        """
        stream_start = start_time - self._frames_in / self._rate
        samples = pick_channel(frames, self._channel)
        resampled = self._resampler.process(samples, last=last)
        block_start = stream_start + self._samples_out / SAMPLE_RATE
        self._frames_in += len(frames)
        self._samples_out += len(resampled)
        held_back = self._frames_in / self._rate - self._samples_out / SAMPLE_RATE
        return AudioBlock(resampled, block_start, arrival - held_back)
