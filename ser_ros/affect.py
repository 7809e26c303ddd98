# SPDX-License-Identifier: Apache-2.0
"""Valence and arousal of an answer: derived from the probabilities of its labels, not measured from the sound.

Each label has a place on both scales: how people rated the word itself. An answer's place is the mean of its labels'
places, weighted by their probabilities. So two answers with the same probabilities have the same valence and arousal,
however loud or soft the voices were, and neither can lie beyond the labels that the model knows.
"""

import math
from collections.abc import Sequence

import numpy as np

_MIDDLE, _HALF_RANGE = 5.0, 4.0
"""Of the ratings, which go from 1 to 9."""

_RATINGS = {
    'neutral': (5.5, 3.45),
    'calm': (6.89, 1.67),
    'happy': (8.47, 6.05),
    'sad': (2.1, 3.49),
    'angry': (2.53, 6.2),
    'fearful': (2.66, 5.45),
    'disgust': (3.32, 5),
    'surprised': (6.57, 5.95),
    'afraid': (2.25, 5.12),
    'amused': (7.05, 4.27),
    'amusement': (7, 4.82),
    'anger': (2.5, 5.93),
    'anxiety': (2.38, 4.78),
    'anxious': (3.8, 6.2),
    'apologetic': (6.65, 4),
    'assertive': (5.37, 5.55),
    'awe': (6.85, 3.83),
    'bored': (2.95, 3.65),
    'boredom': (2.77, 2.58),
    'concerned': (4.61, 3.95),
    'confused': (3.11, 4.28),
    'confusion': (3.32, 4.64),
    'contempt': (3.22, 4.61),
    'content': (6.7, 3.17),
    'curious': (6.58, 5.74),
    'disappointed': (2.65, 4.47),
    'disappointment': (2.79, 4.9),
    'disgusted': (2.68, 4.89),
    'distress': (3.25, 4),
    'embarrassed': (3.51, 5.38),
    'encouraging': (6.89, 4.23),
    'excited': (8.11, 6.43),
    'excitement': (7.62, 6.21),
    'fear': (2.93, 6.14),
    'frustrated': (2.55, 5.4),
    'frustration': (2.45, 5.94),
    'happiness': (8.48, 6.5),
    'interest': (6.66, 4.36),
    'joy': (8.21, 5.55),
    'pain': (2, 6.27),
    'pleased': (7.82, 4.25),
    'pride': (6.5, 5.54),
    'relaxed': (7.25, 2.49),
    'relief': (6.63, 4.42),
    'sadness': (2.4, 2.81),
    'sarcasm': (4.81, 5.29),
    'sarcastic': (4.24, 5.19),
    'scared': (2.8, 6.1),
    'serious': (5.88, 4.05),
    'sleepy': (4.36, 3.04),
    'stress': (1.79, 4.72),
    'surprise': (7.44, 6.57),
    'tired': (4.29, 3.67),
    'worried': (3.27, 5.81),
}
"""Label -> mean ratings of the word, 1..9: valence (unhappy to happy) and arousal (calm to excited).

Warriner, Kuperman and Brysbaert 2013, Norms of valence, arousal, and dominance for 13,915 English lemmas, Behavior
Research Methods 45, 1191-1207; the columns V.Mean.Sum and A.Mean.Sum.
"""

_SHORT = {
    'ang': 'angry',
    'dis': 'disgust',
    'exc': 'excited',
    'fea': 'fearful',
    'fru': 'frustrated',
    'hap': 'happy',
    'neu': 'neutral',
    'sur': 'surprised',
}
"""What models that were trained on IEMOCAP call their labels -> the word."""

COORDINATES = {
    label: ((valence - _MIDDLE) / _HALF_RANGE, (arousal - _MIDDLE) / _HALF_RANGE)
    for label, (valence, arousal) in (_RATINGS | {short: _RATINGS[word] for short, word in _SHORT.items()}).items()
}
"""Label, in small letters -> valence (unpleasant -1 .. pleasant 1) and arousal (calm -1 .. excited 1)."""

_NOWHERE = (math.nan, math.nan)


def valence_arousal(labels: Sequence[str], probabilities: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return where an answer lies on both scales: the expectation over its probabilities.

    Args:
        labels: Everything the model can say; upper or lower case does not matter.
        probabilities: Shape (len(labels),), same order, 0 or more; they need not sum to 1.

    Returns:
        Valence and arousal, -1..1; NaN and NaN if a label that has any weight is not in COORDINATES, or none has any.
    """
    weights = np.asarray(probabilities, dtype=np.float64)
    if weights.shape != (len(labels),):
        raise ValueError(f'{len(labels)} label(s), but probabilities of shape {weights.shape}')
    counts = weights != 0.0
    if not counts.any():
        return math.nan, math.nan
    places = np.array([COORDINATES.get(label.strip().casefold(), _NOWHERE) for label in labels])
    valence, arousal = np.average(places[counts], axis=0, weights=weights[counts])
    return float(valence), float(arousal)
