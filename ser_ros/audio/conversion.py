# SPDX-License-Identifier: Apache-2.0
"""From captured frames of any rate and channel count to blocks of 16 kHz mono."""

from collections import Counter

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.resampling import StreamResampler
from ser_ros.audio.source import MEAN_OF_CHANNELS

BROKEN_SAMPLES = 'broken samples'
"""Name of a loss: samples that were NaN, infinite or absurd and were replaced by silence."""

ABSURD = 1000.0
"""Times full scale (60 dB above it) from which a sample is no sound; recordings in float may well exceed full scale."""


def pick_channel(frames: np.ndarray, channel: int) -> np.ndarray:
    """Return one channel, or the mean of all, of `frames` (float32, shape (n, channels)) as float32 (n,)."""
    if channel == MEAN_OF_CHANNELS:
        return frames.mean(axis=1, dtype=np.float32)
    return np.ascontiguousarray(frames[:, channel])


class BlockConverter:
    """Turns captured frames of any rate and channel count into 16 kHz mono blocks with the right capture time.

    The resampler holds some sound back (21 ms from 48 kHz, 66 ms from 8 kHz), so a block's time is counted in samples
    from the start of the stream and tied again, with each block, to the capture clock, so that drift of the sound card
    cannot add up.
    """

    def __init__(self, *, rate: float, channel: int, losses: Counter[str]):
        """Broken samples are counted in `losses`."""
        self._rate = rate
        self._channel = channel
        self._losses = losses
        self._resampler = StreamResampler(rate)
        self._frames_in = 0
        self._broken = 0
        self._samples_out = 0

    @property
    def broken_share(self) -> float:
        """Share of the samples so far that were broken."""
        return self._broken / self._frames_in if self._frames_in else 0.0

    def convert(
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
        # NaN compares false, so this one check finds everything that is wrong.
        if not len(samples) or np.abs(samples).max() <= ABSURD:
            return samples
        good = np.abs(samples) <= ABSURD
        broken = int(np.count_nonzero(~good))
        self._broken += broken
        self._losses[BROKEN_SAMPLES] += broken
        return np.where(good, samples, np.float32(0.0))
