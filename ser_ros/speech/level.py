# SPDX-License-Identifier: Apache-2.0
"""How loud sound is, chunk by chunk."""

import numpy as np

from ser_ros.speech.vad import CHUNK_SAMPLES

LOWEST = -90.0
"""dBFS: one step of a 16 bit sample. No level is taken to be lower, digital silence included."""


def levels(samples: np.ndarray) -> np.ndarray:
    """Return the root mean square in dBFS, without the offset, of each whole chunk of `samples` (float32, shape (n,)).

    There is at least one; anything shorter than a chunk is padded with silence.
    """
    if len(samples) < CHUNK_SAMPLES:
        samples = np.pad(samples, (0, CHUNK_SAMPLES - len(samples)))
    chunks = samples[: len(samples) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
    return 10 * np.log10(np.maximum(chunks.var(axis=1), 10 ** (LOWEST / 10)))
