# SPDX-License-Identifier: Apache-2.0
"""The mood of one voice, from answer to answer and through the silence after the last one."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ser_ros.emotions import UNKNOWN
from ser_ros.mood.belief import nothing_known, strength, with_answer
from ser_ros.mood.config import MoodConfig

NAMED_FROM = 0.15
"""Strength (see `strength`) at which a mood is named."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model said of one whole utterance.

    Attributes:
        probabilities: Shape (labels,), in the order of the model's labels.
        duration: Seconds of speech.
        ended: Seconds; when the speech ended, as captured.
        arrived: Seconds of a clock that never jumps nor stands still; when the end of the speech arrived.
        voice: Id of whoever spoke; '' if it is not known.
        direction: Radians; NaN if it is not known.
    """

    probabilities: np.ndarray
    duration: float
    ended: float
    arrived: float
    voice: str = ''
    direction: float = math.nan


@dataclass(frozen=True, eq=False)
class Mood:
    """How somebody has seemed lately.

    Attributes:
        label: One of the model's labels, or UNKNOWN.
        time: Seconds of the capture clock; when it became what this says.
        since: Seconds of the same; when `label` became what it is.
        confidence: Probability of the label, 0..1; 0 if it is UNKNOWN.
        probabilities: float64, shape (labels,), sums to 1.
        utterances: Answers that still count.
        voice: Whose; '' for all voices that are not known.
        direction: Radians; where the voice last spoke from, NaN if it is not known or nothing counts any more.
    """

    label: str
    time: float
    since: float
    confidence: float
    probabilities: np.ndarray
    utterances: int
    voice: str
    direction: float


class VoiceMood:
    """Follows one voice. Its age is the seconds since the end of its last utterance."""

    def __init__(self, labels: Sequence[str], voice: str, since: float):
        """Start with nothing heard, unknown `since` (seconds of the capture clock)."""
        self._labels = tuple(labels)
        self._voice = voice
        self._since = since
        self._label: int | None = None
        self._belief = nothing_known(len(self._labels))
        self._last: Answer | None = None
        self._ages: deque[float] = deque()
        """Of the answers that count, when the last one ended, oldest first."""

    @property
    def last(self) -> Answer | None:
        """The last answer; None if nothing that was heard still counts."""
        return self._last

    def age(self, answer: Answer) -> float:
        """Return its age when the speech of `answer`, of any voice, ended.

        By the capture clock, so that a file that is read faster than it was spoken gives the same moods. Where that
        clock stands still or goes back, it says nothing.
        """
        if self._last is None:
            return 0.0
        by_stamps = answer.ended - self._last.ended
        return by_stamps if by_stamps > 0.0 else max(0.0, answer.arrived - self._last.arrived)

    def forget(self, time: float) -> Mood:
        """Forget everything at `time`, seconds of the capture clock, and return what that leaves."""
        if self._label is not None:
            self._since = time
        self._label, self._last = None, None
        self._belief = nothing_known(len(self._labels))
        self._ages.clear()
        return self._mood(time)

    def hear(self, answer: Answer, config: MoodConfig) -> Mood:
        """Take an answer of this voice, once what fades before it has faded."""
        age = min(self.age(answer), config.memory)
        silence = age / config.memory
        self._belief = with_answer(self._belief, answer.probabilities, self._labels, answer.duration, silence)
        self._last = answer
        self._ages = deque([*(before + age for before in self._ages if before + age < config.memory), 0.0])
        label = self._choose(config)
        if label != self._label:
            self._label, self._since = label, answer.ended
        return self._mood(answer.ended)

    def _choose(self, config: MoodConfig) -> int | None:
        """Return the label that the belief now speaks for, by the rule of hysteresis."""
        best, present = int(self._belief.argmax()), self._label
        if strength(self._belief)[best] < NAMED_FROM:
            return present
        if present is None or self._belief[best] > self._belief[present] + config.hysteresis:
            return best
        return present

    def _mood(self, time: float) -> Mood:
        label = self._label
        return Mood(
            label=self._labels[label] if label is not None else UNKNOWN,
            time=time,
            # The clock that captures may have jumped back.
            since=min(self._since, time),
            confidence=float(self._belief[label]) if label is not None else 0.0,
            probabilities=self._belief,
            utterances=len(self._ages),
            voice=self._voice,
            direction=self._last.direction if self._last is not None else math.nan,
        )
