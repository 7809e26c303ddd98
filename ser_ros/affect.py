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
    'admiration': (7.58, 5.52),
    'afraid': (2.25, 5.12),
    'amazed': (7.55, 5.95),
    'amused': (7.05, 4.27),
    'amusement': (7, 4.82),
    'anger': (2.5, 5.93),
    'annoyance': (2.95, 4.1),
    'annoyed': (2.8, 5.29),
    'anticipation': (5.26, 5.39),
    'anxiety': (2.38, 4.78),
    'anxious': (3.8, 6.2),
    'apologetic': (6.65, 4),
    'approval': (6.75, 3.52),
    'ashamed': (2.52, 5.65),
    'asleep': (6.5, 2),
    'assertive': (5.37, 5.55),
    'awe': (6.85, 3.83),
    'bored': (2.95, 3.65),
    'boredom': (2.77, 2.58),
    'concerned': (4.61, 3.95),
    'confused': (3.11, 4.28),
    'confusion': (3.32, 4.64),
    'contempt': (3.22, 4.61),
    'content': (6.7, 3.17),
    'contentment': (6.62, 4.6),
    'curiosity': (6.37, 5.9),
    'curious': (6.58, 5.74),
    'delight': (8.21, 5.02),
    'delighted': (7.74, 5),
    'depressed': (2.27, 4.25),
    'depression': (2.44, 5.2),
    'despair': (3.61, 4.64),
    'disappointed': (2.65, 4.47),
    'disappointment': (2.79, 4.9),
    'disapproval': (3.4, 4.23),
    'disgusted': (2.68, 4.89),
    'distress': (3.25, 4),
    'embarrassed': (3.51, 5.38),
    'embarrassment': (2.72, 5.45),
    'encouraging': (6.89, 4.23),
    'enthusiasm': (7.14, 4.18),
    'enthusiastic': (7.55, 5.9),
    'envy': (3.05, 4.35),
    'excited': (8.11, 6.43),
    'excitement': (7.62, 6.21),
    'fatigue': (3.64, 3.26),
    'fear': (2.93, 6.14),
    'frustrated': (2.55, 5.4),
    'frustration': (2.45, 5.94),
    'furious': (2.57, 6.09),
    'gratitude': (6.67, 5.09),
    'grief': (2.33, 4.95),
    'guilt': (2.29, 4.48),
    'guilty': (3.09, 4.65),
    'happiness': (8.48, 6.5),
    'hate': (1.96, 6.26),
    'hatred': (2.38, 5.22),
    'hope': (7.48, 5.29),
    'hopeful': (7.44, 4.84),
    'hysterical': (4.58, 6.33),
    'interest': (6.66, 4.36),
    'interested': (6.83, 4.45),
    'irritable': (2.85, 6.37),
    'jealous': (2.38, 5.9),
    'jealousy': (2.58, 5.45),
    'joy': (8.21, 5.55),
    'joyful': (8.21, 5.53),
    'joyous': (7.45, 6.62),
    'loneliness': (2.35, 4.09),
    'lonely': (2.67, 4.37),
    'love': (8, 5.36),
    'nervous': (3.56, 5.51),
    'nervousness': (3.1, 4.45),
    'optimism': (7.21, 4.95),
    'optimistic': (7.45, 4.19),
    'pain': (2, 6.27),
    'panic': (2.56, 6.4),
    'peaceful': (8, 4.38),
    'pessimistic': (3.9, 4.48),
    'pleased': (7.82, 4.25),
    'pleasure': (7.8, 6.8),
    'pride': (6.5, 5.54),
    'proud': (7, 5.55),
    'rage': (2.5, 6.62),
    'realization': (6.42, 3.67),
    'rejected': (2.4, 4.7),
    'relaxed': (7.25, 2.49),
    'relief': (6.63, 4.42),
    'remorse': (3.63, 4.29),
    'sadness': (2.4, 2.81),
    'sarcasm': (4.81, 5.29),
    'sarcastic': (4.24, 5.19),
    'satisfaction': (7.18, 3.18),
    'satisfied': (7.16, 3.95),
    'scared': (2.8, 6.1),
    'serene': (6.9, 4.67),
    'serious': (5.88, 4.05),
    'shame': (2.62, 5.4),
    'shy': (5.16, 3.33),
    'skeptical': (3.58, 5.45),
    'sleepy': (4.36, 3.04),
    'stress': (1.79, 4.72),
    'surprise': (7.44, 6.57),
    'suspicious': (3.48, 5),
    'sympathetic': (6.67, 3.29),
    'sympathy': (6.57, 3.08),
    'tender': (6.47, 3.22),
    'tenderness': (6.89, 3.1),
    'tense': (2.75, 5.32),
    'terrified': (2.51, 6.1),
    'terror': (2.75, 6.35),
    'tired': (4.29, 3.67),
    'triumph': (7.34, 5.6),
    'trust': (7.24, 4.3),
    'vulnerable': (3.57, 4.5),
    'worried': (3.27, 5.81),
    'worry': (2.1, 6.33),
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
