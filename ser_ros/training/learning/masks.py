# SPDX-License-Identifier: Apache-2.0
"""SpecAugment (Park et al. 2019) on mel features in the layout of any feature extractor."""

import torch
import torchaudio.functional as F
from transformers import ASTFeatureExtractor, SeamlessM4TFeatureExtractor, WhisperFeatureExtractor
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from ser_ros.errors import SerError
from ser_ros.training.learning.recipe import Augmentation

_BANDS, _FRAMES = 1, 2


class Masks:
    """Draws time and frequency masks; masked features are set to their mean."""

    def __init__(self, augmentation: Augmentation, feature_extractor: SequenceFeatureExtractor):
        """Take the feature extractor of the network. Raises SerError for masks on samples, which have no bands."""
        self._augmentation = augmentation
        self._extractor = feature_extractor
        mel_extractors = (ASTFeatureExtractor, SeamlessM4TFeatureExtractor, WhisperFeatureExtractor)
        if augmentation.masks and not isinstance(feature_extractor, mel_extractors):
            raise SerError(
                'augmentation.masks is for mel features, and this network takes samples; set it to 0 and use '
                'network.config.mask_time_prob instead'
            )

    def __call__(self, features: torch.Tensor, seed: int) -> torch.Tensor:
        """Return the features of one utterance (float, the extractor's own shape) with the masks of `seed`."""
        if not self._augmentation.masks:
            return features
        frames = self._as_frames(features)
        mean = features.mean()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for _ in range(self._augmentation.masks):
                for axis, share in (
                    (_FRAMES, self._augmentation.time_mask),
                    (_BANDS, self._augmentation.frequency_mask),
                ):
                    frames = F.mask_along_axis(frames, int(share * frames.shape[axis]) + 1, mean, axis)
        return self._as_features(frames, features.shape)

    def _as_frames(self, features: torch.Tensor) -> torch.Tensor:
        """Return shape (frames side by side in a row, bands, rows)."""
        if isinstance(self._extractor, WhisperFeatureExtractor):
            return features[None]
        return features.reshape(len(features), -1, self._extractor.num_mel_bins).permute(1, 2, 0)

    def _as_features(self, frames: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        if isinstance(self._extractor, WhisperFeatureExtractor):
            return frames[0]
        return frames.permute(2, 0, 1).reshape(shape)
