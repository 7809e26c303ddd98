# SPDX-License-Identifier: Apache-2.0
"""Who is called back, and that nobody is any more when it is over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance


@dataclass(frozen=True)
class Callbacks:
    """What is called; never two at a time, and nothing after `Pipeline.stop` has returned.

    Attributes:
        on_estimate: Every interim and final utterance, in order, by the recogniser's thread.
        on_speaking: Whether somebody speaks, when that changes, by the listener's thread.
        on_failure: The recogniser could not answer a final utterance; the next one is tried again.
        on_end: Once, when the source has ended and everything heard is answered (None), or when listening itself
            failed.
    """

    on_estimate: Callable[[Utterance, Estimate], None]
    on_speaking: Callable[[bool], None]
    on_failure: Callable[[Utterance, Exception], None]
    on_end: Callable[[Exception | None], None]


class Caller:
    """Calls back for both threads, and counts what it has told; when it is over, it stays silent.

    Attributes:
        answered: Final utterances with an estimate.
        failed: Final utterances without one.
        last_failure: Why the last one got no answer; '' where it got one.
    """

    def __init__(self, callbacks: Callbacks, *, discard: Callable[[], None]):
        """`discard` throws away all work that is under way or waits: it is called when nobody will be told of it."""
        self._callbacks = callbacks
        self._discard = discard
        # Reentrant, for whoever is called back may end it all.
        self._calling = threading.RLock()
        self._over = threading.Event()
        self.answered = 0
        self.failed = 0
        self.last_failure = ''

    @property
    def is_over(self) -> bool:
        """Whether nobody is called back any more."""
        return self._over.is_set()

    def wait_until_over(self, seconds: float) -> None:
        """Return when it is over, or after so many seconds."""
        self._over.wait(seconds)

    def estimate(self, utterance: Utterance, estimate: Estimate) -> None:
        """Tell how an utterance sounded."""
        with self._calling:
            if not self.is_over:
                self.answered += utterance.is_final
                self.last_failure = ''
                self._callbacks.on_estimate(utterance, estimate)

    def speaking(self, speaking: bool) -> None:
        """Tell whether somebody speaks."""
        with self._calling:
            if not self.is_over:
                self._callbacks.on_speaking(speaking)

    def failure(self, utterance: Utterance, error: Exception) -> None:
        """Tell that a final utterance got no answer."""
        with self._calling:
            if not self.is_over:
                self.failed += 1
                self.last_failure = str(error)
                self._callbacks.on_failure(utterance, error)

    def end(self, error: Exception | None) -> None:
        """Tell the end, unless it is over already: this is the last that is told."""
        with self._calling:
            if not self.is_over:
                self.fall_silent()
                self._callbacks.on_end(error)

    def fall_silent(self) -> None:
        """Call nobody back from now on; returns when whoever is being called back by another thread has returned."""
        with self._calling:
            self._over.set()
            self._discard()
