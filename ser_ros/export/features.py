# SPDX-License-Identifier: Apache-2.0
"""From samples to a model's features, as torch modules that can become part of an ONNX graph.

Each does what the feature extractor of transformers does for one unpadded utterance. A Fourier transform is a product
with a fixed matrix here.
"""

import numpy as np
import torch
from torch.nn.functional import conv1d, pad
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2FeatureExtractor, WhisperFeatureExtractor
from transformers.audio_utils import window_function
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from ser_ros.errors import SerError

_VARIANCE_FLOOR = 1e-7
"""Added to a variance before its root is taken, in all three extractors."""


def make_features(feature_extractor: SequenceFeatureExtractor, window: int | None, masked: bool) -> torch.nn.Module:
    """Return the module equivalent to `feature_extractor`; it maps samples (1, n) to the model's arguments.

    Args:
        feature_extractor: Of transformers.
        window: Samples to which Whisper pads; None for other models.
        masked: Whether the model gets an attention mask.

    Raises:
        SerError: The feature extractor has no optimised form.
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
    """wav2vec 2.0, HuBERT, WavLM: the samples themselves, at zero mean and unit variance if the model needs that."""

    def __init__(self, extractor: Wav2Vec2FeatureExtractor, masked: bool):
        """Take `do_normalize` of `extractor`.

        Args:
            extractor: Of transformers.
            masked: Whether to give a mask of ones.
        """
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
    """Whisper: log-mel frames of a window that is padded with silence."""

    _LOG_FLOOR = 1e-10
    _RANGE = 8.0
    """Range below the loudest that is kept, in log10 units (Radford et al. 2022)."""

    def __init__(self, extractor: WhisperFeatureExtractor, window: int):
        """Take the mel filters and the transform of `extractor`.

        Args:
            extractor: Of transformers.
            window: Samples to which it pads.
        """
        super().__init__()
        size = extractor.n_fft
        self._window = window
        self._hop = extractor.hop_length
        self._half = size // 2
        self.register_buffer('_transform', _windowed_transform(window_function(size, 'hann'), size))
        self.register_buffer('_mel', torch.from_numpy(extractor.mel_filters.astype(np.float32)))

    def forward(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return input_features (1, mels, frames)."""
        filled = pad(samples, (0, self._window - samples.shape[1]))
        centred = pad(filled[:, None], (self._half, self._half), mode='reflect')
        power = _power(centred, self._transform, self._hop)[:, :, :-1]
        levels = torch.log10(torch.clamp(self._mel.T @ power, min=self._LOG_FLOOR))
        return {'input_features': (torch.maximum(levels, levels.max() - self._RANGE) + 4.0) / 4.0}


class StackedFilterBank(torch.nn.Module):
    """Wav2Vec2-BERT: Kaldi's log filter bank, normalised per mel band, several frames stacked."""

    _FRAME, _HOP, _SIZE = 400, 160, 512
    _PRE_EMPHASIS = 0.97
    _FLOOR = 1.192092955078125e-07
    _FULL_SCALE = 2.0**15
    """Constants from the code of SeamlessM4TFeatureExtractor."""

    def __init__(self, extractor: SeamlessM4TFeatureExtractor):
        """Take the mel filters, the window and the stride of `extractor`."""
        super().__init__()
        self._stride = extractor.stride
        self.register_buffer('_window', _single(extractor.window))
        self._power = _Power(self._FRAME, self._SIZE)
        self.register_buffer('_mel', torch.from_numpy(extractor.mel_filters.astype(np.float32)))

    def forward(self, samples: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return input_features (1, stacked frames, stride * mels) and attention_mask (1, stacked frames)."""
        power = self._power(self._frames(samples[0] * self._FULL_SCALE))
        levels = torch.log(torch.clamp(self._mel.T @ power, min=self._FLOOR)).T
        deviation = torch.sqrt(levels.var(dim=0, correction=1) + _VARIANCE_FLOOR)
        frames = (levels - levels.mean(dim=0)) / deviation
        count = frames.shape[0]
        # The extractor adds a frame of zeros to an odd number of frames, and then drops an incomplete stack.
        stacks = (count + count % 2) // self._stride
        filled = pad(frames, (0, 0, 0, 1))[: stacks * self._stride]
        mask = (torch.arange(stacks, device=samples.device) * self._stride + 1 < count).to(torch.int64)
        return {'input_features': filled.reshape(1, stacks, -1), 'attention_mask': mask[None]}

    def _frames(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the frames (frames, 400) of samples (n,): without their means, with pre-emphasis and window."""
        count = (samples.shape[0] - self._FRAME) // self._HOP + 1
        starts = torch.arange(count, device=samples.device) * self._HOP
        frames = samples[starts[:, None] + torch.arange(self._FRAME, device=samples.device)]
        frames = frames - frames.mean(dim=1, keepdim=True)
        before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
        return (frames - self._PRE_EMPHASIS * before) * self._window


class _Power(torch.nn.Module):
    """The power spectrum of frames.

    About the middle of a frame its even part gives the real part of the spectrum, and its odd part the imaginary part:
    two matrices of half the width. The position of the frame's middle does not change the power. ONNX Runtime makes the
    matrices when it loads the graph, because in a file they would be as large as a small model.
    """

    def __init__(self, frame: int, size: int):
        """For frames of `frame` samples, padded to `size` points."""
        super().__init__()
        self._size = size
        self.register_buffer('_frequencies', torch.arange(size // 2 + 1, dtype=torch.float32))
        self.register_buffer('_times', torch.arange(frame // 2, dtype=torch.float32) + 0.5)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return the power (frequencies, frames) of frames (frames, samples)."""
        # Whole turns are removed while the numbers are exact.
        turns = torch.remainder(self._frequencies[:, None] * self._times, self._size) / self._size
        phase = 2 * torch.pi * turns
        first, second = frames.chunk(2, dim=1)
        first = first.flip(1)
        # The matrices are on the left, where quantisation does not change them.
        real, imaginary = torch.cos(phase) @ (second + first).T, torch.sin(phase) @ (second - first).T
        return real.square() + imaginary.square()


def _single(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))


def _windowed_transform(window: np.ndarray, size: int) -> torch.Tensor:
    """Return a kernel (2 * frequencies, 1, frame): window, then the transform of `size` points."""
    phase = 2 * np.pi * np.outer(np.arange(size // 2 + 1), np.arange(len(window))) / size
    return _single(np.concatenate([np.cos(phase), -np.sin(phase)]) * window)[:, None]


def _power(samples: torch.Tensor, transform: torch.Tensor, hop: int) -> torch.Tensor:
    """Return the power (1, frequencies, frames) of samples (1, 1, n)."""
    real, imaginary = conv1d(samples, transform, stride=hop).chunk(2, dim=1)
    return real.square() + imaginary.square()
