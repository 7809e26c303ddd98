# SPDX-License-Identifier: Apache-2.0
"""Cuts a stream of chunks and their speech probabilities into utterances."""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.speech.endpoints import sharpen_end, sharpen_start, window_power
from ser_ros.speech.vad import CHUNK_SAMPLES

_CHUNK_DURATION = CHUNK_SAMPLES / SAMPLE_RATE

_HYSTERESIS = 0.15
"""A voice that has begun goes on until the probability is this far below the threshold (as in Silero's own code)."""

_DETECTION_LAG = 0.032
"""Seconds by which a detector crosses its threshold after the sound begins. Measured with Silero VAD on the 1440 clips
of RAVDESS, against the first 50 ms louder than 30 dB below the clip's 98th percentile; so corrected, the median is
2 ms early."""

_SHARPENING_MARGIN = 0.25
"""Seconds by which an endpoint may lie outside what the detector found, and at most half the end silence: so two
utterances never share sound."""

_LONGEST_DIP = 0.1
"""Seconds below the exit threshold that do not yet undo a beginning: the closure of a stop consonant."""


@dataclass(frozen=True)
class SegmentationConfig:
    """When a voice becomes an utterance. All durations in seconds."""

    threshold: float = 0.5
    """Speech probability (0..1) at which a voice begins."""
    min_speech: float = 0.25
    """Less speech than this is not an utterance."""
    end_silence: float = 0.5
    """The utterance is over after this much silence."""
    pre_roll: float = 0.3
    """Sound before the beginning that is given to the model, so that a soft onset is not clipped."""
    post_roll: float = 0.1
    """Sound after the end that is given to the model: the last sound fades below the loudness threshold."""
    max_utterance: float = 10.0
    """A longer utterance is cut here and the next begins at once."""
    interim_period: float = 0.0
    """Time between interim results while someone is speaking; 0 for none."""

    @property
    def latency(self) -> float:
        """Seconds after the end of the speech at which it is known to be over; sooner if a long one is cut."""
        return self.end_silence


@dataclass(frozen=True, eq=False)
class Utterance:
    """What one person said without a long pause.

    Attributes:
        number: Counts utterances from 1; interim and final ones share it.
        samples: float32, shape (n,), 16 kHz: the pre-roll, the speech and, unless it was cut, the post-roll.
        start_time: Seconds, capture time of the speech's first sample (the pre-roll lies before it).
        duration: Seconds of speech from `start_time` on.
        end_arrival: Seconds of `time.monotonic()` at which the speech's last sample reached the source.
        is_final: False while the person is still speaking.
        onset: Index in `samples` at which the speech begins: the length of the pre-roll.
        speech_probability: 0..1, mean of the detector's over the speech.
    """

    number: int
    samples: np.ndarray
    start_time: float
    duration: float
    end_arrival: float
    is_final: bool
    onset: int = 0
    speech_probability: float = 1.0

    @property
    def speech(self) -> np.ndarray:
        """The samples without pre-roll and post-roll."""
        return self.samples[self.onset : self.onset + round(self.duration * SAMPLE_RATE)]


class SpeechState(Enum):
    """State of the segmenter."""

    QUIET = 'quiet'
    STARTING = 'starting'
    SPEAKING = 'speaking'
    STOPPING = 'stopping'


class Segmenter:
    """The state machine QUIET, STARTING, SPEAKING, STOPPING; pure: it uses no detector and no clock."""

    def __init__(self, config: SegmentationConfig):
        """Start QUIET."""
        self._count = 0
        self._too_short = 0
        self._chunks: list[AudioBlock] = []
        self._probabilities: list[float] = []
        self._state = SpeechState.QUIET
        self._is_continuation = False
        self._onset = self._voiced = self._silent = self._interim_at = 0
        self.configure(config)

    @property
    def state(self) -> SpeechState:
        """State of the segmenter."""
        return self._state

    @property
    def is_speaking(self) -> bool:
        """Whether an utterance is in progress, including the end silence and the beginning of one that was cut."""
        goes_on = self._state is SpeechState.STARTING and self._is_continuation
        return goes_on or self._state in (SpeechState.SPEAKING, SpeechState.STOPPING)

    @property
    def utterances(self) -> int:
        """How many utterances have begun."""
        return self._count

    @property
    def too_short(self) -> int:
        """How often a voice ended before `min_speech`, including the rest of one that was cut at `max_utterance`."""
        return self._too_short

    def configure(self, config: SegmentationConfig) -> None:
        """Use other settings from the next chunk on."""
        self._threshold = config.threshold
        self._lag = _chunks(_DETECTION_LAG)
        self._exit_threshold = max(config.threshold - _HYSTERESIS, 0.01)
        self._min_speech = max(_chunks(config.min_speech), 1)
        self._end_silence = max(_chunks(config.end_silence), 1)
        self._pre_roll = round(config.pre_roll * SAMPLE_RATE)
        self._post_roll = round(config.post_roll * SAMPLE_RATE)
        self._margin = min(_SHARPENING_MARGIN, config.end_silence / 2)
        self._kept_before = _chunks(config.pre_roll + self._margin) + self._lag
        self._max_utterance = max(_chunks(config.max_utterance), self._min_speech)
        self._interim_period = _chunks(config.interim_period)
        self._longest_dip = _chunks(_LONGEST_DIP)

    def push(self, chunk: AudioBlock, probability: float) -> list[Utterance]:
        """Take the next chunk (512 samples) and its speech probability; return what it completes, at most one."""
        self._chunks.append(chunk)
        self._probabilities.append(probability)
        if self._state is SpeechState.QUIET:
            return self._while_quiet(probability)
        if self._state is SpeechState.STARTING:
            return self._while_starting(probability)
        return self._while_speaking(probability)

    def paused(self) -> Utterance:
        """Return the utterance in progress as a final one that ended with the current pause; only while STOPPING.

        It is what `push` returns at the end silence, except for what comes after this moment: the last fading of the
        voice.
        """
        return self._utterance(is_final=True)

    def flush(self) -> list[Utterance]:
        """End the stream: return the utterance in progress as a final one, and become QUIET."""
        ended = self._state in (SpeechState.SPEAKING, SpeechState.STOPPING)
        result = [self._utterance(is_final=True)] if ended else []
        self._too_short += self._state is SpeechState.STARTING and self._voiced > 0
        self._state = SpeechState.QUIET
        self._forget(len(self._chunks))
        return result

    def _while_quiet(self, probability: float) -> list[Utterance]:
        if probability >= self._threshold:
            self._begin(at=max(len(self._chunks) - 1 - self._lag, 0))
            return self._while_starting(probability)
        self._become_quiet()
        return []

    def _while_starting(self, probability: float) -> list[Utterance]:
        self._note_voice(probability >= self._exit_threshold)
        if self._silent > self._longest_dip:
            self._too_short += self._voiced > 0
            self._become_quiet()
        elif self._voiced >= self._min_speech:
            self._count += 1
            self._state = SpeechState.SPEAKING
        return []

    def _while_speaking(self, probability: float) -> list[Utterance]:
        resume_at = self._threshold if self._state is SpeechState.STOPPING else self._exit_threshold
        self._note_voice(probability >= resume_at)
        self._state = SpeechState.STOPPING if self._silent else SpeechState.SPEAKING
        length = len(self._chunks) - self._onset
        if self._silent >= self._end_silence or (self._silent and length >= self._max_utterance):
            final = self._utterance(is_final=True, goes_on=self._silent < self._end_silence)
            # What this utterance holds must not become the next one's pre-roll or onset as well.
            self._forget(len(self._chunks) - self._silent)
            self._become_quiet()
            return [final]
        if length >= self._max_utterance:
            final = self._utterance(is_final=True, goes_on=True)
            self._forget(len(self._chunks))
            self._begin(at=0, goes_on=True)
            return [final]
        if self._interim_period and not self._silent and length - self._interim_at >= self._interim_period:
            self._interim_at = length
            return [self._utterance(is_final=False, goes_on=True)]
        return []

    def _begin(self, at: int, *, goes_on: bool = False) -> None:
        self._state = SpeechState.STARTING
        self._onset = at
        self._is_continuation = goes_on
        self._voiced = 0
        self._silent = 0
        self._interim_at = 0

    def _become_quiet(self) -> None:
        self._state = SpeechState.QUIET
        self._forget(max(len(self._chunks) - self._kept_before, 0))

    def _forget(self, count: int) -> None:
        del self._chunks[:count]
        del self._probabilities[:count]

    def _note_voice(self, voiced: bool) -> None:
        self._voiced += voiced
        self._silent = 0 if voiced else self._silent + 1

    def _utterance(self, *, is_final: bool, goes_on: bool = False) -> Utterance:
        samples = np.concatenate([chunk.samples for chunk in self._chunks])
        start = self._onset * CHUNK_SAMPLES
        end = (len(self._chunks) - self._silent) * CHUNK_SAMPLES
        power = window_power(samples)
        if not self._is_continuation:
            start = sharpen_start(power, start, end, margin=self._margin)
        tail = 0
        if not goes_on:
            end = sharpen_end(power, start, end, margin=self._margin)
            tail = self._post_roll
        chunk, offset = divmod(start, CHUNK_SAMPLES)
        last = (end - 1) // CHUNK_SAMPLES
        before = min(start, self._pre_roll)
        return Utterance(
            number=self._count,
            samples=samples[start - before : end + tail],
            start_time=self._chunks[chunk].start_time + offset / SAMPLE_RATE,
            duration=(end - start) / SAMPLE_RATE,
            end_arrival=self._chunks[last].arrival - (-end % CHUNK_SAMPLES) / SAMPLE_RATE,
            is_final=is_final,
            onset=before,
            speech_probability=float(np.mean(self._probabilities[chunk : last + 1])),
        )


def _chunks(seconds: float) -> int:
    return math.ceil(seconds / _CHUNK_DURATION - 1e-9)
