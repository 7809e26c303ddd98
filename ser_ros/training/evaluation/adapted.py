# SPDX-License-Identifier: Apache-2.0
"""Answers a stream as a robot would that gets used to what it hears."""

from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

from ser_ros.recognition.adaptation import Adaptation, AdaptationConfig, expecting
from ser_ros.recognition.adaptation_prior import AdaptationPrior
from ser_ros.recognition.estimate import Estimate
from ser_ros.recognition.model_output import ModelOutput
from ser_ros.training.evaluation.spoken import Outputs
from ser_ros.training.evaluation.streams import Stream


def answer_stream(
    outputs: Outputs,
    temperature: float,
    stream: Stream,
    prior: AdaptationPrior,
    config: AdaptationConfig | None = None,
    *,
    voices: Sequence[str] | np.ndarray = (),
    learns: np.ndarray | None = None,
) -> np.ndarray:
    """Return the answers in the order of the stream: float32, shape (utterances, labels).

    Args:
        outputs: Of all clips.
        temperature: Of the model.
        stream: Which of them are heard, one after the other.
        prior: Of the model.
        config: How it adapts; None for the defaults.
        voices: For each clip, the id that the robot knows the voice by; empty if it knows none.
        learns: bool, for each clip, whether it may learn from it; None for all.
    """
    adaptation = Adaptation(prior, config)
    answers = np.zeros((len(stream.order), len(prior.labels)), dtype=np.float32)
    for row, clip in enumerate(stream.order):
        voice = str(voices[clip]) if len(voices) else ''
        output = ModelOutput(outputs.logits[clip], outputs.pooled[clip])
        if outputs.outlier[clip]:
            answers[row] = 1.0 / len(prior.labels)
            continue
        odds = adaptation.odds()
        doubted = temperature * outputs.doubt[clip]
        answers[row] = expecting(softmax(adaptation.adapt(output, voice) / doubted), odds)
        if learns is None or learns[clip]:
            adaptation.hear(Estimate(prior.labels, answers[row], 0.0, output.pooled, odds=odds, voice=voice))
    return answers
