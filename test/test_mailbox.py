# SPDX-License-Identifier: Apache-2.0
"""The mailbox: order, room, who gives way, and how waiting ends."""

import threading

import numpy as np
import pytest

from ser_ros.mailbox import UtteranceMailbox
from ser_ros.speech.segmenter import Utterance

TIMEOUT = 10.0
SHORT = 0.05
"""Seconds after which a thread that should wait, and still does, is believed to wait."""


def utterance(number, *, is_final):
    return Utterance(number, np.zeros(512, dtype=np.float32), 0.0, 0.032, 0.0, is_final)


def final(number):
    return utterance(number, is_final=True)


def interim(number):
    return utterance(number, is_final=False)


def take_all(mailbox):
    mailbox.close()
    taken = []
    while (item := mailbox.get()) is not None:
        taken.append((item.number, item.is_final))
    return taken


class Background:
    """Runs one call on a thread; `done` is set when it has returned."""

    def __init__(self, call):
        self.done = threading.Event()
        self.result = None
        threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def _run(self, call):
        self.result = call()
        self.done.set()


def test_utterances_come_out_in_the_order_in_which_they_went_in():
    mailbox = UtteranceMailbox(4)
    for item in (interim(1), interim(1), final(1), final(2)):
        mailbox.put(item, wait=True)
    assert len(mailbox) == 4
    assert take_all(mailbox) == [(1, False), (1, False), (1, True), (2, True)]
    assert (mailbox.dropped_interim, mailbox.dropped_final) == (0, 0)


@pytest.mark.parametrize(
    ('waiting', 'new', 'left', 'dropped_interim', 'dropped_final'),
    [
        ([final(1), interim(2)], final(2), [(1, True), (2, True)], 1, 0),
        ([final(1), interim(2)], interim(2), [(1, True), (2, False)], 1, 0),
        ([final(1), final(2), interim(3)], final(3), [(1, True), (2, True), (3, True)], 1, 0),
        ([final(1), final(2), final(3)], interim(4), [(1, True), (2, True), (3, True)], 1, 0),
        ([final(1), final(2), final(3)], final(4), [(2, True), (3, True), (4, True)], 0, 1),
    ],
    ids=['interim to final', 'interim to interim', 'full: interim', 'full: new interim', 'full: oldest final'],
)
def test_where_sound_is_live_gives_way(waiting, new, left, dropped_interim, dropped_final):
    mailbox = UtteranceMailbox(3)
    for item in [*waiting, new]:
        mailbox.put(item, wait=False)
    assert take_all(mailbox) == left
    assert (mailbox.dropped_interim, mailbox.dropped_final) == (dropped_interim, dropped_final)


def test_how_long_the_oldest_has_waited_is_known():
    mailbox = UtteranceMailbox(2)
    assert mailbox.longest_wait == 0.0
    mailbox.put(final(1), wait=False)
    first = mailbox.longest_wait
    mailbox.put(final(2), wait=False)
    assert 0.0 < first < mailbox.longest_wait < TIMEOUT
    mailbox.get()
    mailbox.get()
    assert mailbox.longest_wait == 0.0


def test_a_put_that_waits_gets_its_room_and_nothing_is_dropped():
    mailbox = UtteranceMailbox(1)
    mailbox.put(final(1), wait=True)
    waiting = Background(lambda: mailbox.put(final(2), wait=True))
    assert not waiting.done.wait(SHORT)
    assert mailbox.get().number == 1
    assert waiting.done.wait(TIMEOUT)
    assert mailbox.get().number == 2
    assert (mailbox.dropped_interim, mailbox.dropped_final) == (0, 0)


def test_get_waits_for_an_utterance():
    mailbox = UtteranceMailbox(1)
    getting = Background(mailbox.get)
    assert not getting.done.wait(SHORT)
    mailbox.put(final(5), wait=False)
    assert getting.done.wait(TIMEOUT)
    assert getting.result.number == 5


def test_close_wakes_whoever_waits_to_get():
    mailbox = UtteranceMailbox(1)
    getting = Background(mailbox.get)
    mailbox.close()
    assert getting.done.wait(TIMEOUT)
    assert getting.result is None


def test_close_wakes_whoever_waits_to_put_and_takes_nothing_more():
    mailbox = UtteranceMailbox(1)
    mailbox.put(final(1), wait=True)
    putting = Background(lambda: mailbox.put(final(2), wait=True))
    assert not putting.done.wait(SHORT)
    mailbox.close()
    assert putting.done.wait(TIMEOUT)
    mailbox.put(final(3), wait=False)
    assert take_all(mailbox) == [(1, True)]


def test_a_closed_mailbox_still_gives_what_waits_unless_it_is_discarded():
    kept, discarded = UtteranceMailbox(2), UtteranceMailbox(2)
    for mailbox in (kept, discarded):
        mailbox.put(final(1), wait=False)
    kept.close()
    discarded.close(discard=True)
    assert kept.get().number == 1
    assert kept.get() is None
    assert discarded.get() is None
    assert discarded.dropped_final == 0


def test_many_threads_lose_nothing():
    mailbox = UtteranceMailbox(2)
    putting = [
        Background(lambda first=first: [mailbox.put(final(first + at), wait=True) for at in range(100)])
        for first in (0, 100, 200)
    ]
    numbers = sorted(mailbox.get().number for _ in range(300))
    assert all(background.done.wait(TIMEOUT) for background in putting)
    assert numbers == list(range(300))
