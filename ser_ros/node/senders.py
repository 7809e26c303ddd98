# SPDX-License-Identifier: Apache-2.0
"""Several publishers of one audio topic: one is heard, and the others are named.

ROS does not tell a subscription in Python who sent a message. But every publisher numbers its messages, so those of one
publisher continue each other, and those of two do not.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

_MOST_LOST = 50
"""Messages in a row that a network may lose without their sender being taken for another."""
_FORGOTTEN_AFTER = 10.0
"""Seconds without a message after which a sender is forgotten."""
_TOLD_FOR = 5.0
"""Seconds since the last message that was left out for which that is told: messages may come seldom."""


@dataclass(eq=False)
class _Sender:
    """Number, time of sending (s) and arrival (s) of its last message, and the seconds between its messages.

    waiting_since: when it sent its first message since the last one of the sender that is kept; None if it has not.
    """

    number: int
    sent: float
    seen: float
    period: float = 0.0
    waiting_since: float | None = None

    def misfit(self, number: int, sent: float) -> tuple[int, float]:
        """Return how badly a message fits as the next one: by its number, and then by its time."""
        gap = number - self.number
        return gap, abs(sent - self.sent - gap * self.period)

    def take(self, number: int, sent: float, now: float) -> None:
        """Note a message."""
        self.period = (sent - self.sent) / (number - self.number)
        self.number, self.sent, self.seen = number, sent, now


class Senders:
    """Keeps one of the senders of a topic, until it is silent."""

    def __init__(self, topic: str):
        """Start with nobody known to publish on `topic`."""
        self._topic = topic
        self._senders: list[_Sender] = []
        self._kept: _Sender | None = None
        self._left_out_at: float | None = None
        self._mixed_at: float | None = None
        self._publishers: Counter[str] = Counter()
        self._kept_name = ''

    def keeps(self, number: int | None, sent: float, now: float, patience: float) -> bool:
        """Return whether a message is of the sender that is kept.

        Args:
            number: The sender's own count of its messages; None if the middleware does not tell: then all are kept.
            sent: Seconds at which it was sent.
            now: Seconds of `time.monotonic()`.
            patience: Seconds of silence after which another sender takes the place of the one that is kept.
        """
        if number is None:
            if self._publishers.total() > 1:
                self._mixed_at = now
            return True
        sender = self._sender_of(number, sent, now)
        if sender.waiting_since is None:
            sender.waiting_since = sent
        if self._kept is None or (sender is not self._kept and self._silence(sender, now) > patience):
            self._kept = sender
            self._kept_name = ''
            self._left_out_at = None
        if sender is self._kept:
            for known in self._senders:
                known.waiting_since = None
            return True
        self._left_out_at = now
        return False

    def note_publishers(self, names: Collection[str], now: float) -> None:
        """Note the names of the nodes that publish on the topic now, one for each publisher."""
        self._publishers = Counter(names)
        is_heard = self._kept is not None and now - self._kept.seen < _TOLD_FOR
        if self._publishers.total() == 1 and is_heard:
            (self._kept_name,) = self._publishers
        elif self._kept_name not in self._publishers:
            self._kept_name = ''

    def remark(self, now: float) -> str:
        """Return one sentence while messages of other senders are left out, or heard mixed; '' otherwise."""
        if self._mixed_at is not None and now - self._mixed_at <= _TOLD_FOR:
            return f'{self._names(self._publishers)} publish on {self._topic} and are heard mixed; {self._cure}'
        # One that was started again numbers anew too, and is left out only until the silence is long enough.
        is_alone = self._publishers.total() <= 1
        if is_alone or self._left_out_at is None or now - self._left_out_at > _TOLD_FOR:
            return ''
        others = self._publishers - Counter([self._kept_name])
        if self._kept_name and others:
            return (
                f'on {self._topic} only {self._kept_name} is heard, and what {self._names(others)} publishes there '
                f'too is left out; {self._cure}'
            )
        all_names = self._names(self._publishers)
        return f'{all_names} publish on {self._topic}: one is heard, and the rest is left out; {self._cure}'

    def _silence(self, other: _Sender, now: float) -> float:
        """Return the seconds for which `other` has sent since the sender that is kept was heard last.

        It is not enough that no message came: a machine that stalls delivers those of all senders late. Nor are the
        times of sending, because the clocks of two machines may differ, unless both are of the same sender.
        """
        assert self._kept is not None and other.waiting_since is not None
        return max(min(now - self._kept.seen, other.sent - self._kept.sent), other.sent - other.waiting_since)

    @property
    def _cure(self) -> str:
        return 'end all but one, or give each its own topic'

    @staticmethod
    def _names(publishers: Counter[str]) -> str:
        return ' and '.join(f'{name} ({count} times)' if count > 1 else name for name, count in publishers.items())

    def _sender_of(self, number: int, sent: float, now: float) -> _Sender:
        self._senders = [known for known in self._senders if now - known.seen <= _FORGOTTEN_AFTER]
        possible = [known for known in self._senders if 0 < number - known.number <= _MOST_LOST]
        if possible:
            found = min(possible, key=lambda known: known.misfit(number, sent))
            found.take(number, sent, now)
        else:
            found = _Sender(number, sent, now)
            self._senders.append(found)
        return found
