# SPDX-License-Identifier: Apache-2.0
"""Streaming resampling to 16 kHz."""

import numpy as np
import soxr

from ser_ros.audio.block import SAMPLE_RATE


class StreamResampler:
    """Resamples a mono stream block by block to 16 kHz, as if it had come in one piece.

    The filter's state is kept between blocks, so their edges leave no trace; the output is aligned with the input in
    time and is delayed by 21 ms (from 48 kHz) to 66 ms (from 8 kHz). At 16 kHz the samples pass through untouched.
    """

    def __init__(self, rate: float):
        """`rate`: of the input, in Hz."""
        self._stream = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype='float32')

    def process(self, samples: np.ndarray, *, last: bool = False) -> np.ndarray:
        """Return the next output samples (float32, shape (m,)) for `samples` (float32, shape (n,)).

        `last` returns what the filter still holds back and ends the stream.
        """
        if self._stream is None:
            return samples
        return self._stream.resample_chunk(samples, last=last)
