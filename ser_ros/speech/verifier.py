# SPDX-License-Identifier: Apache-2.0
"""The second look at an utterance: whether a person spoke it, or an animal, a cough or a machine that sounds like one.

Live, the detectors hear an utterance chunk by chunk, after everything before it. FireRedVAD hears it again by itself,
at one level for all, and small networks judge the output of its last block for the whole utterance.
"""

from functools import cache
from pathlib import Path

import numpy as np

from ser_ros.resources import share_folder
from ser_ros.speech.firered import HOP_SAMPLES, WINDOW_SAMPLES, hidden_states, log_mel
from ser_ros.speech.level import levels
from ser_ros.speech.segmenter import Utterance

_LEVEL = -25.0
"""dBFS of the vowels: about that of the speech FireRedVAD was made for."""

_VOWELS = 75
"""Percentile of the chunks' levels: not the loudest, because that may be a knock."""


def verifier_file() -> Path:
    """Return the file of the networks' weights that `tools/measuring/make_verifier.py` writes."""
    return share_folder() / 'models' / 'vad' / 'verifier.npz'


def features(utterance: Utterance) -> np.ndarray:
    """Return what the verifier judges `utterance` by, float32, shape (258,).

    The detectors' probability, the logarithm of the duration, and the mean and the deviation over the frames of
    FireRedVAD's last hidden states.
    """
    samples = np.pad(utterance.samples, (0, max(WINDOW_SAMPLES - len(utterance.samples), 0)))
    gain = 10 ** ((_LEVEL - np.percentile(levels(samples), _VOWELS)) / 20)
    states = hidden_states(log_mel((samples - samples.mean()) * np.float32(gain)))
    states = states[min(utterance.onset // HOP_SAMPLES, len(states) - 1) :]
    cues = [utterance.speech_probability, np.log(utterance.duration)]
    return np.concatenate((cues, states.mean(axis=0), states.std(axis=0))).astype(np.float32)


def voice_probability(utterance: Utterance) -> float:
    """Return 0..1, how sure the networks are that a person spoke `utterance`."""
    logit = logits(_weights(), features(utterance)[np.newaxis])[0]
    return float(1.0 / (1.0 + np.exp(-logit)))


def logits(weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Return the mean logit of the networks with these `weights` for each row of `x` (float32, shape (n, 258)).

    float32, shape (n,); above 0 a person is more probable than not.
    """
    x = (x - weights['mean']) / weights['deviation']
    hidden = np.maximum(np.einsum('ui,nij->unj', x, weights['hidden']) + weights['hidden_bias'], 0.0)
    return (np.einsum('unj,nj->un', hidden, weights['output']) + weights['output_bias']).mean(axis=1)


@cache
def _weights() -> dict[str, np.ndarray]:
    with np.load(verifier_file()) as arrays:
        return dict(arrays)
