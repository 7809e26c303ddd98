# SPDX-License-Identifier: Apache-2.0
"""Assigns sound to codes that are drawn, not learned.

After BEST-RQ (Chiu et al. 2022, Self-supervised Learning with Random-projection Quantizer for Speech Recognition).
"""

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool1d, normalize
from transformers import SeamlessM4TFeatureExtractor

from ser_ros.audio.block import SAMPLE_RATE

_BANDS = 80
_FRAMES_PER_ROW = 2
"""Mel spectra that make one code: how the sound changes within a row of 20 or 40 ms."""


class RandomQuantizer:
    """A random projection of log-mel spectra, and a random codebook on the unit sphere."""

    def __init__(self, codes: int, code_size: int, *, seed: int):
        """Draw both."""
        generator = torch.Generator().manual_seed(seed)
        width = _FRAMES_PER_ROW * _BANDS
        self._extractor = SeamlessM4TFeatureExtractor(num_mel_bins=_BANDS, feature_size=_BANDS, stride=1)
        # Xavier's bound, and unit length of the codes, as in BEST-RQ.
        bound = (6.0 / (width + code_size)) ** 0.5
        self._projection = (torch.rand(width, code_size, generator=generator) * 2 - 1) * bound
        self._codes = normalize(torch.randn(codes, code_size, generator=generator), dim=-1)

    def __call__(self, samples: np.ndarray, rows: int) -> torch.Tensor:
        """Return the code of each of `rows` equal parts of the sound: int32, shape (rows,).

        Each mel band has mean 0 and variance 1 over the sound, so neither its level nor the colour of the microphone
        matters.

        Args:
            samples: float32, shape (n,), 16 kHz.
            rows: Number of parts.
        """
        mel = self._extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors='pt', padding=False)['input_features']
        spectra = adaptive_avg_pool1d(mel[0].T, _FRAMES_PER_ROW * rows).T.reshape(rows, -1)
        return (normalize(spectra @ self._projection, dim=-1) @ self._codes.T).argmax(dim=-1).to(torch.int32)
