# SPDX-License-Identifier: Apache-2.0
"""Streaming resampling to 16 kHz."""

import numpy as np
import soxr

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
"""Hz; telephones send 8000, and the fastest converters give 384 000. A rate outside this range is an error of whoever
wrote it, and what is resampled from it is no speech."""


def check_rate(rate: float, what: str) -> None:
    """Raise SerError if `rate`, in Hz, is none that sound has; `what` has it, in words."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise SerError(
            f'{what} has a rate of {rate:g} Hz, which is not in {LOWEST_RATE}..{HIGHEST_RATE}; '
            'record or export it again, or correct its header'
        )


class StreamResampler:
    """Resamples a mono stream block by block to 16 kHz, as if it had come in one piece.

    The filter's state is kept between blocks, so their edges leave no trace; the output is aligned with the input in
    time and is delayed by 21 ms (from 48 kHz) to 66 ms (from 8 kHz). At 16 kHz the samples pass through untouched.
    """

    def __init__(self, rate: float):
        """`rate`: of the input, in Hz. Raises SerError if no sound has it."""
        check_rate(rate, 'the sound')
        self._stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype='float32')

    def process(self, samples: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Return the next output samples (float32, shape (m,)) for `samples` (float32, shape (n,)).

        `last` returns what the filter still holds back and ends the stream.
        """
        if self._stream is None:
            return samples
        return self._stream.resample_chunk(samples, last=last)
