# SPDX-License-Identifier: Apache-2.0
"""The second half of the pipeline: answers the requests that wait in the mailbox."""

import time
from collections import Counter
from typing import Protocol

import numpy as np

from ser_ros.pipeline.callbacks import Caller
from ser_ros.pipeline.gate import Closure, Gate
from ser_ros.pipeline.mailbox import Mailbox
from ser_ros.pipeline.request import Purpose, Request
from ser_ros.pipeline.voices import Voices
from ser_ros.recognition.cancellation import Cancellation, Cancelled
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance


class Recogniser(Protocol):
    """What the pipeline needs of a classifier."""

    def classify(self, samples: np.ndarray, cancellation: Cancellation, voice: str) -> Estimate:
        """Return the estimate for one utterance (float32, shape (n,), 16 kHz) of the voice with the id `voice`.

        The id is '' if the voice is not known. Raises Cancelled if another thread cancels it meanwhile.
        """


class Answerer:
    """Runs the recogniser on one request after another; one thread runs it, and any thread may read its state.

    Attributes:
        given_up: Interim utterances that were in progress when something newer came.
        rejected: Final ones that were already answered when the robot reported that it had been speaking.
    """

    def __init__(self, recogniser: Recogniser, mailbox: Mailbox, gate: Gate, voices: Voices, caller: Caller):
        """Prepare to answer what comes into `mailbox`."""
        self._recogniser = recogniser
        self._mailbox = mailbox
        self._gate = gate
        self._voices = voices
        self._caller = caller
        self._working_since: float | None = None
        self.given_up = 0
        # With every reason from the start: it must not grow while another thread reads it.
        self.rejected: Counter[Closure] = Counter(dict.fromkeys(Closure, 0))

    @property
    def working_for(self) -> float:
        """Seconds for which the recogniser has been busy with one utterance; 0 if it is idle."""
        since = self._working_since
        return time.monotonic() - since if since is not None else 0.0

    def run(self) -> None:
        """Answer until the mailbox is closed and empty, then report the end."""
        while (request := self._mailbox.get()) is not None:
            if request.early_estimate is not None:
                self._publish(request.utterance, request.early_estimate)
            else:
                self._answer(request)
        self._caller.end(None)

    def _answer(self, request: Request) -> None:
        self._working_since = time.monotonic()
        utterance = request.utterance
        try:
            request.estimate = self._recogniser.classify(
                utterance.samples, request.cancellation, self._voices.of(utterance)
            )
        except Cancelled:
            self.given_up += request.purpose is Purpose.INTERIM
        except Exception as error:
            # An early request that fails is made again when the end is decided, if it ever is.
            if request.purpose is Purpose.FINAL:
                self._caller.failure(utterance, error)
        else:
            if request.purpose is not Purpose.EARLY:
                self._publish(utterance, request.estimate)
        self._working_since = None

    def _publish(self, utterance: Utterance, estimate: Estimate) -> None:
        # Checked again: the robot may have reported only now that it was speaking.
        closed = self._gate.closed_during(utterance)
        if closed is None:
            self._caller.estimate(utterance, estimate)
        elif utterance.is_final:
            self.rejected[closed] += 1
