# SPDX-License-Identifier: Apache-2.0
"""From samples to a model's features, as torch modules that can become part of an ONNX graph.

Each does what the feature extractor of transformers does for one unpadded utterance. A windowed Fourier transform is a
product with a fixed matrix here: removing the frame's mean, pre-emphasis, window and transform are all linear, so that
one convolution does them together.
"""

import numpy as np
import torch
from torch.nn.functional import conv1d, pad
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2FeatureExtractor, WhisperFeatureExtractor
from transformers.audio_utils import window_function

from ser_ros.errors import SerError

_VARIANCE_FLOOR = 1e-7
"""What all three extractors add to a variance before they take its root."""


def make_features(feature_extractor, window: int | None, masked: bool) -> torch.nn.Module:
    """Return the module that does what `feature_extractor` does; it maps samples (1, n) to the model's arguments.

    window: samples to which Whisper pads. masked: whether the model gets an attention mask. Raises SerError.
    """
    if isinstance(feature_extractor, WhisperFeatureExtractor) and window is not None:
        return WhisperFeatures(feature_extractor, window)
    if isinstance(feature_extractor, SeamlessM4TFeatureExtractor):
        return StackedFilterBank(feature_extractor)
    if isinstance(feature_extractor, Wav2Vec2FeatureExtractor):
        return NormalisedSamples(feature_extractor, masked)
    raise SerError(
        f'the feature extractor {type(feature_extractor).__name__} has no optimised form; use model.backend torch'
    )


class NormalisedSamples(torch.nn.Module):
    """wav2vec 2.0, HuBERT, WavLM: the samples themselves, at zero mean and unit variance where the model wants that."""

    def __init__(self, extractor: Wav2Vec2FeatureExtractor, masked: bool):
        """`masked`: give a mask of ones."""
        super().__init__()
        self._normalises = extractor.do_normalize
        self._masked = masked

    def forward(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return input_values (1, n)."""
        values = samples
        if self._normalises:
            values = (samples - samples.mean()) / torch.sqrt(samples.var(correction=0) + _VARIANCE_FLOOR)
        mask = {'attention_mask': torch.ones_like(samples, dtype=torch.int64)} if self._masked else {}
        return {'input_values': values} | mask


class WhisperFeatures(torch.nn.Module):
    """Whisper: log-mel frames of a window that is filled up with silence."""

    _LOG_FLOOR = 1e-10
    _RANGE = 8.0
    """Tenths of decibels below the loudest that are told apart (Radford et al. 2022: log10 units)."""

    def __init__(self, extractor: WhisperFeatureExtractor, window: int):
        """`window`: samples."""
        super().__init__()
        size = extractor.n_fft
        self._window = window
        self._hop = extractor.hop_length
        self._half = size // 2
        self.register_buffer('_transform', _transform(np.diag(window_function(size, 'hann')), size))
        self.register_buffer('_mel', torch.from_numpy(extractor.mel_filters.astype(np.float32)))

    def forward(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return input_features (1, mels, frames)."""
        filled = pad(samples, (0, self._window - samples.shape[1]))
        centred = pad(filled[:, None], (self._half, self._half), mode='reflect')
        power = _power(centred, self._transform, self._hop)[:, :, :-1]
        levels = torch.log10(torch.clamp(self._mel.T @ power, min=self._LOG_FLOOR))
        return {'input_features': (torch.maximum(levels, levels.max() - self._RANGE) + 4.0) / 4.0}


class StackedFilterBank(torch.nn.Module):
    """Wav2Vec2-BERT: Kaldi's log filter bank, normalised per mel band, several frames on top of each other."""

    _FRAME, _HOP, _SIZE = 400, 160, 512
    _PRE_EMPHASIS = 0.97
    _FLOOR = 1.192092955078125e-07
    _FULL_SCALE = 2.0**15
    """The constants of SeamlessM4TFeatureExtractor, which has them in its code."""

    def __init__(self, extractor: SeamlessM4TFeatureExtractor):
        """Take the mel filters, the window and the stride of `extractor`."""
        super().__init__()
        frame = self._FRAME
        without_mean = np.eye(frame) - 1.0 / frame
        emphasis = np.eye(frame) - self._PRE_EMPHASIS * np.eye(frame, k=-1)
        emphasis[0, 0] = 1.0 - self._PRE_EMPHASIS
        linear = self._FULL_SCALE * np.diag(extractor.window) @ emphasis @ without_mean
        self._stride = extractor.stride
        self.register_buffer('_transform', _transform(linear, self._SIZE))
        self.register_buffer('_mel', torch.from_numpy(extractor.mel_filters.astype(np.float32)))

    def forward(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return input_features (1, stacked frames, stride * mels) and attention_mask (1, stacked frames)."""
        power = _power(samples[:, None], self._transform, self._HOP)
        levels = torch.log(torch.clamp(self._mel.T @ power, min=self._FLOOR))[0].T
        deviation = torch.sqrt(levels.var(dim=0, correction=1) + _VARIANCE_FLOOR)
        frames = (levels - levels.mean(dim=0)) / deviation
        count = frames.shape[0]
        # The extractor adds a frame of zeros to an odd number of them, and then leaves out what fills no stack.
        stacks = (count + count % 2) // self._stride
        filled = pad(frames, (0, 0, 0, 1))[: stacks * self._stride]
        mask = (torch.arange(stacks, device=samples.device) * self._stride + 1 < count).to(torch.int64)
        return {'input_features': filled.reshape(1, stacks, -1), 'attention_mask': mask[None]}


def _transform(linear: np.ndarray, size: int) -> torch.Tensor:
    """Return a kernel (2 * frequencies, 1, frame): `linear` (frame, frame), then the transform of `size` points."""
    frame = len(linear)
    phase = 2 * np.pi * np.outer(np.arange(size // 2 + 1), np.arange(frame)) / size
    kernel = np.concatenate([np.cos(phase), -np.sin(phase)]) @ linear
    return torch.from_numpy(kernel.astype(np.float32))[:, None]


def _power(samples: torch.Tensor, transform: torch.Tensor, hop: int) -> torch.Tensor:
    """Return the power (1, frequencies, frames) of samples (1, 1, n)."""
    real, imaginary = conv1d(samples, transform, stride=hop).chunk(2, dim=1)
    return real.square() + imaginary.square()
