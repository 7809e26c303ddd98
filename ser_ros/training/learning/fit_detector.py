# SPDX-License-Identifier: Apache-2.0
"""Fits what tells sounds that are no speech from speech, in a model's pooled states."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from ser_ros.recognition.outliers import OutlierDetector

_INVERSE_PENALTY = 0.003
"""That with which most laughs of other people were found, of three (docs/experiments.md, "Sounds that are no
speech")."""


_LEAST_PROBABILITY = 0.9
"""That a sound is no speech, at which it is taken for none: speech that is not answered is missed more than a laugh is
(the same page)."""


def fit_detector(speech: np.ndarray, outliers: np.ndarray) -> OutlierDetector:
    """Return a logistic regression in which both kinds count the same, and that answers only when it is rather sure.

    Args:
        speech: Pooled states of utterances, float, shape (utterances, width).
        outliers: Of sounds that are no speech, float, shape (sounds, width).
    """
    states = np.concatenate([speech, outliers]).astype(np.float64)
    is_outlier = np.arange(len(states)) >= len(speech)
    centre, scale = states.mean(axis=0), states.std(axis=0) + np.finfo(np.float32).eps
    fitted = LogisticRegression(C=_INVERSE_PENALTY, class_weight='balanced', max_iter=1000)
    fitted.fit((states - centre) / scale, is_outlier)
    weights = fitted.coef_[0] / scale
    least = np.log(_LEAST_PROBABILITY / (1.0 - _LEAST_PROBABILITY))
    return OutlierDetector(weights.astype(np.float32), float(fitted.intercept_[0] - weights @ centre - least))
