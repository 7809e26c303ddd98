# SPDX-License-Identifier: Apache-2.0
"""Calibrates a model's probabilities: temperature scaling (Guo et al. 2017, arXiv 1706.04599)."""

import json
import math
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from ser_ros.files import whole_file
from ser_ros.recognition.model_files import CONFIG, read_config
from ser_ros.recognition.model_settings import TEMPERATURE_KEY

LOWEST, HIGHEST = 0.05, 20.0
"""Range of temperatures."""

BINS = 15
"""Of the calibration error, as in Guo et al. 2017, section 4.1."""


def fit_temperature(log_probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature at which the true labels are most probable; the answers do not change.

    Give clips that did not train the model. If it answered all of them right (or there are none), its error rate is
    unknown, and 1.0 is returned: the most probable temperature would be zero, which is certainty.

    Args:
        log_probabilities: float, shape (clips, labels); or logits.
        truth: int, shape (clips,), index of each clip's label.
    """
    truth = np.asarray(truth)
    scores = np.asarray(log_probabilities, dtype=np.float64)
    if (scores.argmax(axis=-1) == truth).all():
        return 1.0

    def negative_log_likelihood(log_temperature: float) -> float:
        return -log_softmax(scores / math.exp(log_temperature), axis=-1)[np.arange(len(truth)), truth].mean()

    bounds = (math.log(LOWEST), math.log(HIGHEST))
    return round(math.exp(minimize_scalar(negative_log_likelihood, bounds=bounds, method='bounded').x), 4)


def store_temperature(folder: Path, temperature: float) -> None:
    """Write `temperature` into the config.json of the model `folder`, where the recogniser finds it."""
    path, config = folder / CONFIG, read_config(folder)
    config[TEMPERATURE_KEY] = temperature
    with whole_file(path) as partial:
        partial.write_text(json.dumps(config, indent=2, sort_keys=True) + '\n', encoding='utf-8')
        partial.chmod(0o644)


def log_probabilities(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return the log of probabilities that were made at `temperature`, as they would be at temperature 1.

    Exact except for clips longer than a Whisper encoder's window, whose parts were averaged at the temperature.

    Args:
        probabilities: float32, shape (clips, labels).
        temperature: What logits were divided by.

    Returns:
        float64, shape (clips, labels).
    """
    possible = np.maximum(probabilities, np.finfo(np.float32).tiny).astype(np.float64)
    return log_softmax(np.log(possible) * temperature, axis=-1)


def calibration_error(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Return the expected calibration error, 0..1 (Guo et al. 2017, equation 3).

    The clips are put into 15 equal bins of their top probability; the error is the mean distance between a bin's
    accuracy and its mean top probability, weighted by its clips.

    Args:
        probabilities: float, shape (clips, labels), at least one clip.
        truth: int, shape (clips,), index of each clip's label.
    """
    confidence = probabilities.max(axis=-1).astype(np.float64)
    right = probabilities.argmax(axis=-1) == truth
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    surplus = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(surplus).sum() / len(truth))
