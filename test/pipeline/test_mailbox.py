# SPDX-License-Identifier: Apache-2.0
"""The mailbox: order, room, who gives way, and how waiting ends."""

import threading

import numpy as np
import pytest

from ser_ros.pipeline.mailbox import Mailbox
from ser_ros.pipeline.request import Purpose, Request
from ser_ros.recognition.cancellation import Cancelled
from ser_ros.speech.segmenter import Utterance

TIMEOUT = 10.0
SHORT = 0.05
"""Seconds after which a thread that should wait, and still does, is believed to wait."""


def request(number, purpose, from_early=None):
    is_final = purpose is not Purpose.INTERIM
    utterance = Utterance(number, np.zeros(512, dtype=np.float32), 0.0, 0.032, 0.0, is_final)
    return Request(utterance, purpose, from_early)


def final(number, from_early=None):
    return request(number, Purpose.FINAL, from_early)


def interim(number, from_early=None):
    return request(number, Purpose.INTERIM, from_early)


def early(number):
    return request(number, Purpose.EARLY)


def is_cancelled(item):
    try:
        item.cancellation.check()
    except Cancelled:
        return True
    return False


def take_all(mailbox):
    mailbox.close()
    taken = []
    while (item := mailbox.get()) is not None:
        taken.append((item.utterance.number, item.purpose is Purpose.FINAL))
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


def test_requests_come_out_in_the_order_in_which_they_went_in():
    mailbox = Mailbox(4)
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
        ([final(1), early(2)], early(2), [(1, True), (2, False)], 0, 0),
        ([final(1), early(2)], final(2), [(1, True), (2, True)], 0, 0),
        ([final(1), interim(2)], early(2), [(1, True), (2, False)], 1, 0),
        ([final(1), final(2), final(3)], early(4), [(1, True), (2, True), (3, True)], 0, 0),
    ],
    ids=[
        'interim to final',
        'interim to interim',
        'full: interim',
        'full: new interim',
        'full: oldest final',
        'early to early',
        'early to final',
        'interim to early',
        'full: new early',
    ],
)
def test_where_sound_is_live_gives_way(waiting, new, left, dropped_interim, dropped_final):
    mailbox = Mailbox(3)
    for item in [*waiting, new]:
        mailbox.put(item, wait=False)
    assert take_all(mailbox) == left
    assert (mailbox.dropped_interim, mailbox.dropped_final) == (dropped_interim, dropped_final)


@pytest.mark.parametrize('under_way', [interim(1), early(1)], ids=['interim', 'early'])
@pytest.mark.parametrize('new', [interim(1), early(1), final(1)], ids=['interim', 'early', 'final'])
def test_what_is_under_way_gives_way_to_what_is_newer(under_way, new):
    mailbox = Mailbox(3)
    under_way = request(1, under_way.purpose)
    mailbox.put(under_way, wait=False)
    mailbox.get()
    assert not is_cancelled(under_way)
    mailbox.put(new, wait=False)
    assert is_cancelled(under_way)


@pytest.mark.parametrize('new', [interim(2), early(2), final(2)], ids=['interim', 'early', 'final'])
def test_a_final_one_under_way_gives_way_to_nothing(new):
    mailbox, under_way = Mailbox(3), final(1)
    mailbox.put(under_way, wait=False)
    mailbox.get()
    mailbox.put(new, wait=False)
    assert not is_cancelled(under_way)


@pytest.mark.parametrize('user', [interim, final])
def test_an_early_one_under_way_does_not_give_way_to_what_waits_for_its_answer(user):
    mailbox, under_way = Mailbox(3), early(1)
    mailbox.put(under_way, wait=False)
    mailbox.get()
    mailbox.put(user(1, under_way), wait=False)
    assert not is_cancelled(under_way)


def test_an_early_one_whose_final_one_waits_gives_way_to_nothing():
    mailbox, under_way = Mailbox(3), early(1)
    mailbox.put(under_way, wait=False)
    mailbox.get()
    for item in (final(1, under_way), early(2), interim(3), final(3)):
        mailbox.put(item, wait=False)
    assert not is_cancelled(under_way)


def test_what_was_done_before_is_left_alone():
    mailbox, before = Mailbox(3), early(1)
    mailbox.put(before, wait=False)
    mailbox.put(final(1, before), wait=False)
    assert mailbox.get().purpose is Purpose.FINAL
    mailbox.put(early(2), wait=False)
    assert not is_cancelled(before)


def test_early_ones_are_nobodys_wait():
    mailbox = Mailbox(3)
    mailbox.put(early(1), wait=False)
    assert len(mailbox) == 0
    mailbox.put(final(1), wait=False)
    assert len(mailbox) == 1


def test_how_long_the_oldest_has_waited_is_known():
    mailbox = Mailbox(2)
    assert mailbox.longest_wait == 0.0
    mailbox.put(final(1), wait=False)
    first = mailbox.longest_wait
    mailbox.put(final(2), wait=False)
    assert 0.0 < first < mailbox.longest_wait < TIMEOUT
    mailbox.get()
    mailbox.get()
    assert mailbox.longest_wait == 0.0


def test_a_put_that_waits_gets_its_room_and_nothing_is_dropped():
    mailbox = Mailbox(1)
    mailbox.put(final(1), wait=True)
    waiting = Background(lambda: mailbox.put(final(2), wait=True))
    assert not waiting.done.wait(SHORT)
    assert mailbox.get().utterance.number == 1
    assert waiting.done.wait(TIMEOUT)
    assert mailbox.get().utterance.number == 2
    assert (mailbox.dropped_interim, mailbox.dropped_final) == (0, 0)


def test_get_waits_for_a_request():
    mailbox = Mailbox(1)
    getting = Background(mailbox.get)
    assert not getting.done.wait(SHORT)
    mailbox.put(final(5), wait=False)
    assert getting.done.wait(TIMEOUT)
    assert getting.result.utterance.number == 5


def test_close_wakes_whoever_waits_to_get():
    mailbox = Mailbox(1)
    getting = Background(mailbox.get)
    mailbox.close()
    assert getting.done.wait(TIMEOUT)
    assert getting.result is None


def test_close_wakes_whoever_waits_to_put_and_takes_nothing_more():
    mailbox = Mailbox(1)
    mailbox.put(final(1), wait=True)
    putting = Background(lambda: mailbox.put(final(2), wait=True))
    assert not putting.done.wait(SHORT)
    mailbox.close()
    assert putting.done.wait(TIMEOUT)
    mailbox.put(final(3), wait=False)
    assert take_all(mailbox) == [(1, True)]


def test_a_closed_mailbox_still_gives_what_waits_unless_it_is_discarded():
    kept, discarded = Mailbox(2), Mailbox(2)
    for mailbox in (kept, discarded):
        mailbox.put(final(1), wait=False)
    kept.close()
    discarded.close(discard=True)
    assert kept.get().utterance.number == 1
    assert kept.get() is None
    assert discarded.get() is None
    assert discarded.dropped_final == 0


def test_discarding_also_ends_what_is_under_way():
    mailbox, under_way = Mailbox(1), final(1)
    mailbox.put(under_way, wait=False)
    mailbox.get()
    mailbox.close()
    assert not is_cancelled(under_way)
    mailbox.close(discard=True)
    assert is_cancelled(under_way)


def test_many_threads_lose_nothing():
    mailbox = Mailbox(2)
    putting = [
        Background(lambda first=first: [mailbox.put(final(first + at), wait=True) for at in range(100)])
        for first in (0, 100, 200)
    ]
    numbers = sorted(mailbox.get().utterance.number for _ in range(300))
    assert all(background.done.wait(TIMEOUT) for background in putting)
    assert numbers == list(range(300))
