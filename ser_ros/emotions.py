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

ROS4HRI_EXPRESSIONS = {
    'neutral': 'neutral',
    'calm': 'neutral',
    'happy': 'happy',
    'sad': 'sad',
    'angry': 'angry',
    'fearful': 'scared',
    'disgust': 'disgusted',
    'surprised': 'surprised',
}
"""Emotion -> its name in hri_msgs/Expression of ROS4HRI (REP-155).

It has no word for calm: RAVDESS recorded calm as a second baseline besides neutral, to be heard as neutral with a
slightly pleasant tone, so neutral is the nearest. It has none for `unknown` either, nor for the labels of other models.
"""
