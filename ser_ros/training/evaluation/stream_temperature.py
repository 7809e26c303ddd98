# SPDX-License-Identifier: Apache-2.0
"""Calibrates a model that adapts: by its answers in streams, as people hear them, and not by clips alone."""

from collections.abc import Sequence

import numpy as np

from ser_ros.recognition.adaptation_prior import AdaptationPrior
from ser_ros.training.evaluation.adapted import answer_stream
from ser_ros.training.evaluation.calibration import HIGHEST, calibration_error
from ser_ros.training.evaluation.spoken import Spoken
from ser_ros.training.evaluation.streams import Stream, balanced, mostly_ordinary

TEMPERATURES = np.exp(np.arange(np.log(0.5), np.log(HIGHEST), 0.05))
"""Those that are tried, 5 % apart. The answers of a stream must be made anew at each: it decides what is learned."""

_SEEDS = (1, 2, 3)
"""Of the orders of the streams, other than that of the reported ones. By one order alone, the best temperature of four
corpora may be 10 % off."""
_ORDINARY_SHARE = 0.7
_LONGEST = 500
"""Utterances of a stream."""


def miscalibration(spoken: Spoken, prior: AdaptationPrior) -> np.ndarray:
    """Return the squared calibration error at each of TEMPERATURES: float64.

    The mean over shuffled and mostly ordinary streams (without these if there is no ordinary speech), adapting. Not
    the likelihood: for the sake of a corpus whose labels can hardly be heard, that doubts all others. Squared, because
    one large error is worse than two small ones.
    """
    streams = [
        stream
        for seed in _SEEDS
        for stream in (
            *balanced(spoken.truth, seed),
            *mostly_ordinary(spoken.truth, spoken.labels, _ORDINARY_SHARE, seed),
        )
    ]
    short = [Stream(stream.order[:_LONGEST], stream.counted[:_LONGEST]) for stream in streams]
    return np.array(
        [np.mean([_error(spoken, prior, stream, temperature) ** 2 for stream in short]) for temperature in TEMPERATURES]
    )


def best_temperature(miscalibrations: Sequence[np.ndarray]) -> float:
    """Return the one of TEMPERATURES at which the mean of what `miscalibration` returned for some models is least.

    1.0 if that is the lowest: the models made hardly an error, so how often they err is unknown.
    """
    best = int(np.mean(miscalibrations, axis=0).argmin())
    return round(float(TEMPERATURES[best]), 4) if best else 1.0


def _error(spoken: Spoken, prior: AdaptationPrior, stream: Stream, temperature: float) -> float:
    answers = answer_stream(spoken.utterance, temperature, stream, prior)[stream.counted]
    clips = stream.order[stream.counted]
    return calibration_error(spoken.restrict(answers, clips), spoken.truth[clips])
