# SPDX-License-Identifier: Apache-2.0
"""What every source of sound can do, and what all of them share."""

from collections import Counter
from typing import Protocol

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.resampling import StreamResampler
from ser_ros.errors import SerError, SettingError

MEAN_OF_CHANNELS = -1
"""Value of `audio.channel` that averages all channels instead of picking one."""

LONGEST_PAUSE = 0.7
"""Seconds without sound after which a live source counts as silent, and an utterance under way has ended. Blocks come
every 32 ms, messages on a network in bursts; whoever looks five times a second still sees it within one second."""

BROKEN_SAMPLES = 'broken samples'
"""Name of a loss: samples that were NaN, infinite or absurd and were taken for silence."""

_ABSURD = 1000.0
"""Times full scale (60 dB above it) from which a sample is no sound; recordings in float may well exceed full scale."""


class SourceUnavailable(SerError):
    """A source that is not there or not free now, and may be later: plugged in, or let go by another program."""


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
    def losses(self) -> dict[str, int]:
        """How often sound was lost, by its plain cause (`overflows`, `gaps`), since the source was made."""

    @property
    def problem(self) -> str:
        """One sentence while no good sound comes: the fact and the cure; '' where all is well."""

    @property
    def longest_pause(self) -> float:
        """Seconds without a block after which a live source is silent and an utterance under way has ended."""

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
        raise SettingError(
            'audio.channel',
            lambda name: (
                f'{what} has {available} channel(s), so {name} {channel} does not exist; '
                f'set it to 0..{available - 1}, or to -1 for the mean of all'
            ),
        )


class CaptureLine:
    """Turns captured frames of any rate and channel count into 16 kHz mono blocks with the right capture time.

    The resampler holds some sound back (21 ms from 48 kHz, 66 ms from 8 kHz), so a block's time is counted in samples
    from the start of the stream and tied anew, with each block, to the clock of the capture; drift of the sound card
    cannot add up.
    """

    def __init__(self, *, rate: float, channel: int, losses: Counter[str]):
        """`losses` is where broken samples are counted."""
        self._rate = rate
        self._channel = channel
        self._losses = losses
        self._resampler = StreamResampler(rate)
        self._frames_in = 0
        self._samples_out = 0

    def push(
        self, frames: np.ndarray, start_time: float, arrival: float, *, last: bool = False, after_gap: bool = False
    ) -> AudioBlock:
        """Convert `frames` (float32, shape (n, channels)), whose first was captured at `start_time` seconds.

        `arrival` is the `time.monotonic()` of the last one; `last` flushes what the resampler holds back. The block may
        be empty. Broken samples become silence: one NaN would stay in the resampler and the detector.
        """
        stream_start = start_time - self._frames_in / self._rate
        samples = self._mended(pick_channel(frames, self._channel))
        resampled = self._resampler.process(samples, last=last)
        block_start = stream_start + self._samples_out / SAMPLE_RATE
        self._frames_in += len(frames)
        self._samples_out += len(resampled)
        held_back = self._frames_in / self._rate - self._samples_out / SAMPLE_RATE
        return AudioBlock(resampled, block_start, arrival - held_back, after_gap)

    def _mended(self, samples: np.ndarray) -> np.ndarray:
        # NaN compares false, so this one look finds all that is wrong.
        if not len(samples) or np.abs(samples).max() <= _ABSURD:
            return samples
        good = np.abs(samples) <= _ABSURD
        self._losses[BROKEN_SAMPLES] += int(np.count_nonzero(~good))
        return np.where(good, samples, np.float32(0.0))
