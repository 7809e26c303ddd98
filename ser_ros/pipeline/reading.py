# SPDX-License-Identifier: Apache-2.0
"""What the pipeline hears at one moment, for people who look at it."""

from dataclasses import dataclass

from ser_ros.pipeline.gate import Closure
from ser_ros.speech.segmenter import SpeechState


@dataclass(frozen=True)
class Reading:
    """A tenth of a second of sound, or a little more or less.

    Attributes:
        time: Seconds, capture time of its last sample on the clock that stamps messages.
        level: dBFS, root mean square without the offset, at least -90.
        floor: dBFS, the room's own level, at least -90.
        speech_probability: 0..1, the highest; 0 while the gate is closed, for nothing is detected then.
        state: Of the segmenter, at the end.
        gate: Why nothing that is said now is answered; None if it is.
    """

    time: float
    level: float
    floor: float
    speech_probability: float
    state: SpeechState
    gate: Closure | None
