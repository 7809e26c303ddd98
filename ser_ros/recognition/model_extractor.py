# SPDX-License-Identifier: Apache-2.0
"""Makes a feature extractor from what a preprocessor_config.json says."""

import math
from collections.abc import Mapping
from typing import Any

import transformers
from transformers import SequenceFeatureExtractor

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.errors import SerError, reason
from ser_ros.recognition.model_files import CURE, EXTRACTION

_EXTRACTORS = {
    'audio-spectrogram-transformer': transformers.ASTFeatureExtractor,
    'wav2vec2-bert': transformers.SeamlessM4TFeatureExtractor,
    'whisper': transformers.WhisperFeatureExtractor,
}
"""What a type of model hears through; the others through that of wav2vec 2.0."""

_NOT_ASKED = ('feature_extractor_type', 'return_attention_mask')
"""Decided by the type of the model; see Frontend."""

_LARGEST = {
    'chunk_length': 3600,
    'feature_size': 4096,
    'hop_length': SAMPLE_RATE,
    'max_length': 360_000,
    'n_fft': SAMPLE_RATE,
    'num_mel_bins': 4096,
    'sampling_rate': 10_000_000,
    'stride': 1000,
}
"""Far beyond any real extractor's; larger ones could take all memory. The smallest is 1."""

_TRUTHS = {'true': True, 'false': False}

_KINDS = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a word'}


def make_feature_extractor(where: str, values: Mapping[str, Any], model_type: str) -> SequenceFeatureExtractor:
    """Return the feature extractor that `values`, those of a preprocessor_config.json, describe.

    Args:
        where: What sentences call the folder.
        values: Numbers and truths may also be written as text. Keys that the class does not have are left out.
        model_type: Of the network that it feeds.

    Raises:
        SerError: It is not that of the model's type, hears at another rate, or values do not fit.
    """
    extractor_class = _EXTRACTORS.get(model_type, transformers.Wav2Vec2FeatureExtractor)
    named = values.get('feature_extractor_type')
    if named not in (None, extractor_class.__name__):
        raise SerError(
            f"the {EXTRACTION} of {where} is for a {named!r:.40}, where a '{model_type}' model hears through a "
            f'{extractor_class.__name__}; copy the file again'
        )
    settings = {
        key: _checked(where, key, values[key], default)
        for key, default in extractor_class().to_dict().items()
        if key in values and key not in _NOT_ASKED
    }
    rate = settings.get('sampling_rate', SAMPLE_RATE)
    if rate != SAMPLE_RATE:
        raise SerError(
            f'{where} needs sound at {rate} Hz, but ser_ros feeds {SAMPLE_RATE} Hz; use a model trained at 16 kHz'
        )
    try:
        return extractor_class(**settings)
    except Exception as error:
        raise SerError(f'{where} has no usable {EXTRACTION} ({reason(error)}); {CURE}') from None


def _checked(where: str, key: str, value: Any, default: Any) -> Any:
    try:
        checked = _as_kind(value, type(default))
    except (ValueError, KeyError, OverflowError):
        raise SerError(
            f'{where} has the {key} {value!r:.40} in its {EXTRACTION}, where {_KINDS[type(default)]} is expected; '
            'correct it there'
        ) from None
    if key in _LARGEST and not 1 <= checked <= _LARGEST[key]:
        raise SerError(
            f'{where} has the {key} {checked} in its {EXTRACTION}, where 1 to {_LARGEST[key]} is expected; '
            'correct it there'
        )
    return checked


def _as_kind(value: Any, kind: type) -> Any:
    """Return `value` as bool, int, float or str, also from text: 16000 for '16000' and for 16000.0.

    Raises ValueError, KeyError or OverflowError if it is none.
    """
    if kind is bool and isinstance(value, bool | str):
        return value if isinstance(value, bool) else _TRUTHS[value.strip().lower()]
    if kind is str and isinstance(value, str):
        return value
    if kind in (int, float) and isinstance(value, int | float | str) and not isinstance(value, bool):
        number = float(value)
        if math.isfinite(number) and (kind is float or number.is_integer()):
            return kind(number)
    raise ValueError(value)
