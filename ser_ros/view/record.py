# SPDX-License-Identifier: Apache-2.0
"""What was heard of the followed node lately; bounded, and shared by the thread that hears and those that show."""

import threading
from collections import deque
from dataclasses import dataclass

from ser_ros.emotions import UNKNOWN

CURVE_SECONDS = 30.0
"""Length of the moving curves."""
MOOD_SECONDS = 300.0
"""Length of the mood's history."""

_READINGS = round(CURVE_SECONDS * 10 * 1.2)
_UTTERANCES = 8
_LATENCIES = 100
_MOODS = 1000
_PATIENCE = 3.0
"""Seconds without diagnostics, which come once a second, after which the node is gone."""

SUBJECTS = ('node', 'microphone', 'speech', 'recognition', 'gate')
"""Of diagnostics, in the order in which the node gives them."""


@dataclass(frozen=True)
class Reading:
    """One message of `~/hearing`; `time` is its stamp in seconds, the rest as in ser_msgs/Hearing."""

    time: float
    level: float
    floor: float
    speech_probability: float
    state: str
    gate: str


@dataclass(frozen=True)
class Answer:
    """One message of `emotion`; times in seconds, the rest as in ser_msgs/Emotion."""

    utterance: int
    is_final: bool
    time: float
    duration: float
    latency: float
    emotion: str
    confidence: float
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    voice: str = ''


@dataclass(frozen=True)
class Mood:
    """One message of `mood`; `came` is when it came, in seconds of `time.monotonic()`, `since` a stamp in seconds."""

    came: float
    mood: str
    since: float
    confidence: float
    utterances: int
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    voice: str = ''


@dataclass(frozen=True)
class Light:
    """One subject of diagnostics: its level as in diagnostic_msgs/DiagnosticStatus, and its sentence with the cure."""

    level: int
    message: str


@dataclass(frozen=True)
class Snapshot:
    """What is to be shown now.

    Attributes:
        is_there: Whether the node has been heard of lately; if not, all else is what was heard last.
        speaking: None before it is known.
        readings: The oldest first, of CURVE_SECONDS.
        answers: The oldest first; a final one has taken the place of its interim ones.
        latencies: Seconds, of the last final answers.
        moods: Of the voice whose mood came last, the oldest first, of MOOD_SECONDS.
        lights: By subject.
    """

    is_there: bool
    speaking: bool | None
    readings: tuple[Reading, ...]
    answers: tuple[Answer, ...]
    latencies: tuple[float, ...]
    moods: tuple[Mood, ...]
    lights: dict[str, Light]
    facts: dict[str, str]


class Record:
    """Takes what comes, and gives a snapshot; any thread may do either."""

    def __init__(self) -> None:
        """Start with nothing heard."""
        self._lock = threading.Lock()
        self._told = -_PATIENCE
        self._speaking: bool | None = None
        self._readings: deque[Reading] = deque(maxlen=_READINGS)
        self._answers: deque[Answer] = deque(maxlen=_UTTERANCES)
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._moods: deque[Mood] = deque(maxlen=_MOODS)
        self._lights: dict[str, Light] = {}
        self._facts: dict[str, str] = {}

    def add_reading(self, reading: Reading) -> None:
        """Take what is heard; after a jump of the clock the curve begins anew."""
        with self._lock:
            if self._readings and not 0.0 <= reading.time - self._readings[-1].time < CURVE_SECONDS:
                self._readings.clear()
            self._readings.append(reading)

    def add_answer(self, answer: Answer) -> None:
        """Take an answer, which replaces an interim one of the same utterance."""
        with self._lock:
            if self._answers and not self._answers[-1].is_final and self._answers[-1].utterance == answer.utterance:
                self._answers.pop()
            self._answers.append(answer)
            if answer.is_final:
                self._latencies.append(answer.latency)

    def add_mood(self, mood: Mood) -> None:
        """Take a mood."""
        with self._lock:
            self._moods.append(mood)

    def set_speaking(self, speaking: bool) -> None:
        """Note whether somebody speaks."""
        with self._lock:
            self._speaking = speaking

    def set_lights(self, lights: dict[str, Light], facts: dict[str, str], now: float) -> None:
        """Take diagnostics, which came at `now` (seconds of `time.monotonic()`)."""
        with self._lock:
            self._lights, self._facts, self._told = lights, facts, now

    def is_there(self, now: float) -> bool:
        """Return whether the node has been heard of lately."""
        return now - self._told < _PATIENCE

    def snapshot(self, now: float) -> Snapshot:
        """Return what is to be shown at `now` (seconds of `time.monotonic()`)."""
        with self._lock:
            return Snapshot(
                is_there=self.is_there(now),
                speaking=self._speaking,
                readings=self._recent_readings(),
                answers=tuple(self._answers),
                latencies=tuple(self._latencies),
                moods=self._recent_moods(now),
                lights=self._lights,
                facts=self._facts,
            )

    def _recent_readings(self) -> tuple[Reading, ...]:
        if not self._readings:
            return ()
        begin = self._readings[-1].time - CURVE_SECONDS
        return tuple(reading for reading in self._readings if reading.time >= begin)

    def _recent_moods(self, now: float) -> tuple[Mood, ...]:
        if not self._moods:
            return ()
        of_voice = [mood for mood in self._moods if mood.voice == self._moods[-1].voice]
        # The one before the window says what the mood was when it began.
        begin = next((at for at, mood in enumerate(of_voice) if now - mood.came < MOOD_SECONDS), len(of_voice))
        return tuple(of_voice[max(begin - 1, 0) :])


def shown_mood(moods: tuple[Mood, ...]) -> str:
    """Return what the last of `moods` says, as a line for people."""
    if not moods or moods[-1].mood == UNKNOWN:
        return UNKNOWN
    return f'{moods[-1].mood} {moods[-1].confidence:.0%}'
