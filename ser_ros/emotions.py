# SPDX-License-Identifier: Apache-2.0
"""The emotions of RAVDESS: their codes, order and names."""

RAVDESS_CODES = {
    '01': 'neutral',
    '02': 'calm',
    '03': 'happy',
    '04': 'sad',
    '05': 'angry',
    '06': 'fearful',
    '07': 'disgust',
    '08': 'surprised',
}
"""Third field of a RAVDESS file name -> emotion (Livingstone and Russo 2018, PLoS ONE 13(5) e0196391)."""

LABELS = tuple(RAVDESS_CODES.values())
"""The eight emotions in the order of their RAVDESS codes; the default order of a model's labels."""

UNKNOWN = 'unknown'
"""Published instead of a label when the model is less sure than `emotion.min_confidence`."""
