# SPDX-License-Identifier: Apache-2.0
"""The pipeline's callbacks, and the guarantee that there are none once it is over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ser_ros.pipeline.reading import Reading
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance


@dataclass(frozen=True)
class Callbacks:
    """The callbacks: never two at a time, and none after `Pipeline.stop` has returned.

    Attributes:
        on_estimate: Every interim and final utterance, in order, by the recogniser's thread.
        on_speaking: Whether someone is speaking, when that changes, by the listener's thread.
        on_failure: The recogniser could not answer a final utterance; the next one is tried again.
        on_end: Once, when the source has ended and everything heard is answered (None), or when listening itself
            failed.
        on_reading: What is heard, by the listener's thread, about ten times for each second of sound.
        wants_readings: Whether to make readings at all; asked as often.
    """

    on_estimate: Callable[[Utterance, Estimate], None]
    on_speaking: Callable[[bool], None]
    on_failure: Callable[[Utterance, Exception], None]
    on_end: Callable[[Exception | None], None]
    on_reading: Callable[[Reading], None] = lambda reading: None
    wants_readings: Callable[[], bool] = lambda: False


class Caller:
    """Makes the callbacks for both threads and counts them; once it is over, it makes no more.

    Attributes:
        answered: Final utterances with an estimate.
        failed: Final utterances without one.
        last_failure: Why the last one got no answer; '' if it got one.
    """

    def __init__(self, callbacks: Callbacks, *, discard: Callable[[], None]):
        """`discard` drops all work that is waiting or in progress; it is called once there are no more callbacks."""
        self._callbacks = callbacks
        self._discard = discard
        # Reentrant, because a callback may end everything.
        self._calling = threading.RLock()
        self._over = threading.Event()
        self.answered = 0
        self.failed = 0
        self.last_failure = ''

    @property
    def is_over(self) -> bool:
        """Whether there are no more callbacks."""
        return self._over.is_set()

    def wait_until_over(self, seconds: float) -> None:
        """Return when it is over, or after `seconds`."""
        self._over.wait(seconds)

    def estimate(self, utterance: Utterance, estimate: Estimate) -> None:
        """Report how an utterance sounded."""
        with self._calling:
            if not self.is_over:
                self.answered += utterance.is_final
                self.last_failure = ''
                self._callbacks.on_estimate(utterance, estimate)

    def speaking(self, speaking: bool) -> None:
        """Report whether someone is speaking."""
        with self._calling:
            if not self.is_over:
                self._callbacks.on_speaking(speaking)

    def wants_readings(self) -> bool:
        """Return whether anybody wants to know what is heard."""
        with self._calling:
            return not self.is_over and self._callbacks.wants_readings()

    def reading(self, reading: Reading) -> None:
        """Report what is heard."""
        with self._calling:
            if not self.is_over:
                self._callbacks.on_reading(reading)

    def failure(self, utterance: Utterance, error: Exception) -> None:
        """Report that a final utterance got no answer."""
        with self._calling:
            if not self.is_over:
                self.failed += 1
                self.last_failure = str(error)
                self._callbacks.on_failure(utterance, error)

    def end(self, error: Exception | None) -> None:
        """Report the end, unless it is over already; nothing is reported after it."""
        with self._calling:
            if not self.is_over:
                self.fall_silent()
                self._callbacks.on_end(error)

    def fall_silent(self) -> None:
        """Make no more callbacks; returns once a callback that another thread is making has returned."""
        with self._calling:
            self._over.set()
            self._discard()
