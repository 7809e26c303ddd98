# SPDX-License-Identifier: Apache-2.0
"""A request to the recogniser, and what has become of it."""

from dataclasses import dataclass, field
from enum import Enum

from ser_ros.recognition.cancellation import Cancellation
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import Utterance


class Purpose(Enum):
    """What an answer is for."""

    EARLY = 'early'
    """The voice has paused: if it stays silent, this will be the final answer. It is not reported yet."""
    INTERIM = 'interim'
    """Someone is still speaking."""
    FINAL = 'final'
    """The utterance is over. Only these are never given up."""


@dataclass(eq=False)
class Request:
    """An utterance that the recogniser is to answer.

    Attributes:
        early: The request that was made when this utterance paused; its answer serves this one too.
        estimate: The answer; None until it is ready, or if there is none.
    """

    utterance: Utterance
    purpose: Purpose
    early: 'Request | None' = None
    estimate: Estimate | None = None
    cancellation: Cancellation = field(default_factory=Cancellation)

    @property
    def early_estimate(self) -> Estimate | None:
        """The answer at the pause, which serves this request too; None if there is none, or not yet."""
        return self.early.estimate if self.early is not None else None

    def gives_way_to(self, newer: 'Request') -> bool:
        """Return whether this answer is out of date as soon as `newer` is requested."""
        return self.purpose is not Purpose.FINAL and newer.early is not self
