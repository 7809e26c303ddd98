# SPDX-License-Identifier: Apache-2.0
"""The moods of all voices that one microphone hears."""

from collections.abc import Callable, Sequence

from ser_ros.mood.config import MoodConfig
from ser_ros.mood.voice_mood import Answer, Mood, VoiceMood

MOST_VOICES = 10
"""With an id; beyond them, the one that was silent for the longest time is forgotten."""

_ANSWER_DELAY = 2.0
"""Seconds from the end of an utterance to its answer: so long it may still turn out that a voice was not silent."""


class Moods:
    """One mood for each voice that has an id, and one for all others together. Not to be used by two threads at once.

    Only what it is given to `hear` moves them: whole utterances that were answered, nothing that was rejected, and
    nothing that was said by the robot.
    """

    def __init__(self, labels: Sequence[str], config: MoodConfig, since: float):
        """Start with nothing heard, unknown `since` (seconds of the capture clock); `labels` are the model's."""
        self._labels = tuple(labels)
        self.config = config
        self._voices = {'': VoiceMood(self._labels, '', since)}

    @property
    def can_fade(self) -> bool:
        """Whether silence will change anything."""
        return any(voice.last is not None for voice in self._voices.values())

    def hear(self, answer: Answer) -> list[Mood]:
        """Return what has changed by an answer, in order: what faded before it, and the mood of its voice."""
        changed = self._fade(lambda voice: voice.age(answer))
        if answer.voice not in self._voices:
            changed += self._make_room(answer.ended)
            self._voices[answer.voice] = VoiceMood(self._labels, answer.voice, answer.ended)
        return [*changed, self._voices[answer.voice].hear(answer, self.config)]

    def fade(self, now: float) -> list[Mood]:
        """Return what has changed by silence until `now`, seconds of the clock of `Answer.arrived`, in order."""
        return self._fade(lambda voice: now - _ANSWER_DELAY - voice.last.arrived if voice.last is not None else 0.0)

    def forget(self, time: float) -> list[Mood]:
        """Forget everything at `time`, seconds of the capture clock; return what has become of each voice."""
        forgotten = [voice.forget(time) for voice in self._voices.values()]
        self._voices = {'': self._voices['']}
        return forgotten

    def _fade(self, age: Callable[[VoiceMood], float]) -> list[Mood]:
        changed = []
        for name, voice in list(self._voices.items()):
            if voice.last is None or age(voice) < self.config.memory:
                continue
            changed.append(voice.forget(voice.last.ended + self.config.memory))
            if name:
                del self._voices[name]
        return sorted(changed, key=lambda mood: mood.time)

    def _make_room(self, time: float) -> list[Mood]:
        arrivals = {name: voice.last.arrived for name, voice in self._voices.items() if name and voice.last is not None}
        if len(arrivals) < MOST_VOICES:
            return []
        oldest = min(arrivals, key=lambda name: arrivals[name])
        return [self._voices.pop(oldest).forget(time)]
