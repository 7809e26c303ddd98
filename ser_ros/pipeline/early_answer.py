# SPDX-License-Identifier: Apache-2.0
"""The answer that is ready when the end of an utterance is decided, because it was requested when the voice paused."""

import dataclasses
from collections.abc import Callable

from ser_ros.pipeline.mailbox import Mailbox
from ser_ros.pipeline.request import Purpose, Request
from ser_ros.pipeline.status import Reason
from ser_ros.speech.segmenter import Segmenter, SpeechState, Utterance


class EarlyAnswer:
    """Requests at each pause an answer to what was said so far; used by one thread.

    If the voice stays silent, that answer is the final one. If it goes on, the answer is given up, or becomes the
    interim one if that is due then.
    """

    def __init__(self, segmenter: Segmenter, judge: Callable[[Utterance], Reason | None], mailbox: Mailbox):
        """`judge` returns why an utterance is not to be answered; None if it is."""
        self._segmenter = segmenter
        self._judge = judge
        self._mailbox = mailbox
        self._request: Request | None = None

    @property
    def is_asked_for(self) -> bool:
        """Whether the voice has paused in something that is to be answered."""
        return self._request is not None

    def follow(self, before: SpeechState) -> None:
        """Request an answer if the voice has just paused, give up if it speaks; `before`: the state one chunk ago."""
        now = self._segmenter.state
        if now is not SpeechState.STOPPING:
            self.give_up()
        elif before is not now:
            utterance = self._segmenter.paused()
            if self._judge(utterance) is None:
                self._request = Request(utterance, Purpose.EARLY)
                self._mailbox.put(self._request, wait=False)

    def serve(self, utterance: Utterance) -> Request:
        """Return the request for `utterance`, interim or final, with the early request, if there is one."""
        early, self._request = self._request, None
        if utterance.is_final:
            return Request(utterance, Purpose.FINAL, early)
        if early is not None:
            # The voice has just come back: the answer to what was said before the pause is the interim one.
            utterance = dataclasses.replace(early.utterance, is_final=False)
        return Request(utterance, Purpose.INTERIM, early)

    def give_up(self) -> None:
        """Cancel the early request, if there is one."""
        if self._request is not None:
            self._request.cancellation.cancel()
            self._request = None
