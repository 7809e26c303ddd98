# SPDX-License-Identifier: Apache-2.0
"""Made sequences of messages of several senders; nothing here waits, and nothing needs ROS."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.node.senders import Senders

PATIENCE = 0.75
SOME = settings(max_examples=200, deadline=None, derandomize=True)


def messages(name, *, number=1, start=0.0, period=0.1, count=100, lost=(), jitter=0.0):
    """Yield (time, name, number) of what one publisher sends."""
    rng = np.random.default_rng(number)
    for index in range(count):
        if index not in lost:
            yield start + period * index + rng.uniform(0.0, jitter), name, number + index


def heard(senders, *publishers):
    """Let all messages come in the order of their times; return (time, name) of those that are kept."""
    return [
        (at, name) for at, name, number in heapq.merge(*publishers) if senders.keeps(number, 1e9 + at, at, PATIENCE)
    ]


def names_of(kept):
    return {name for _, name in kept}


def test_one_sender_is_heard_whatever_it_loses():
    kept = heard(Senders('/audio'), messages('a', number=7, lost=[3, 4, 50, 51, 52]))
    assert len(kept) == 95


@pytest.mark.parametrize('number', [1, 2, 3, 30, 55, 1000, 100_000])
@pytest.mark.parametrize('phase', [0.001, 0.05, 0.099])
def test_of_two_that_send_the_same_one_is_heard(number, phase):
    senders = Senders('/audio')
    kept = heard(senders, messages('a', number=500), messages('b', number=number, start=1.0 + phase))
    assert len(kept) == pytest.approx(100, abs=13)
    assert names_of(kept[:100]) == {'a'}


@SOME
@given(
    numbers=st.lists(st.integers(1, 300), min_size=2, max_size=4),
    periods=st.lists(st.sampled_from([0.01, 0.032, 0.1, 0.5]), min_size=4, max_size=4),
    seed=st.integers(0, 99),
)
def test_never_more_than_one_is_heard_for_long(numbers, periods, seed):
    """However the numbers of several cross: no number comes twice, and no more than one sends."""
    rng = np.random.default_rng(seed)
    senders, streams = Senders('/audio'), []
    for index, (number, period) in enumerate(zip(numbers, periods, strict=False)):
        lost = set(rng.integers(0, 600, size=20).tolist())
        streams.append(
            messages(
                str(index), number=number, period=period, start=index * 0.013, count=round(6.0 / period), lost=lost
            )
        )
    kept = heard(senders, *streams)
    times = np.array([at for at, _ in kept])
    # As many as the one that is mostly heard sends, and a few while two cannot be told apart yet.
    most = max(round(6.0 / period) for period in periods[: len(numbers)])
    assert 6 <= len(kept) <= most + 5
    assert np.diff(times).max() <= 2 * PATIENCE + 0.5


def test_when_the_one_that_is_heard_ends_another_takes_its_place():
    kept = heard(Senders('/audio'), messages('a', count=30), messages('b', number=900, start=0.05, count=100))
    switched = next(at for at, name in kept if name == 'b')
    assert switched - 2.9 == pytest.approx(PATIENCE, abs=0.11)
    assert names_of(kept[30:]) == {'b'}


@pytest.mark.parametrize('stall', [0.9, 2.0])
def test_a_machine_that_stalls_hears_the_same_one_as_before(stall):
    senders, kept = Senders('/audio'), []
    sent = list(heapq.merge(messages('a', count=60), messages('b', number=900, start=0.01, count=60)))
    # Of what is sent while the machine stands still, half a second is kept, and comes at its end, the other's first.
    late = sorted((m for m in sent if 2.0 <= m[0] < 2.5), key=lambda m: m[1] == 'a')
    for at, name, number in [m for m in sent if m[0] < 2.0] + late + [m for m in sent if m[0] >= 2.0 + stall]:
        if senders.keeps(number, 1e9 + at, at if at < 2.0 else max(at, 2.0 + stall), PATIENCE):
            kept.append(name)
    assert set(kept) == {'a'}


@pytest.mark.parametrize('ahead', [-3600.0, -1.0, 1.0, 3600.0])
def test_where_clocks_differ_a_sender_that_ends_is_replaced_all_the_same(ahead):
    senders, kept = Senders('/audio'), []
    for at, name, number in heapq.merge(messages('a', count=30), messages('b', number=900, start=0.05, count=60)):
        if senders.keeps(number, 1e9 + at + ahead * (name == 'b'), at, PATIENCE):
            kept.append((at, name))
    switched = next(at for at, name in kept if name == 'b')
    assert PATIENCE - 0.11 <= switched - 2.9 <= PATIENCE + 0.25
    assert names_of(kept[30:]) == {'b'}


def test_a_sender_that_is_started_again_is_heard_again():
    senders = Senders('/audio')
    senders.note_publishers(['/mic'], 0.0)
    kept = heard(senders, messages('a', number=5000, count=20), messages('b', number=1, start=2.3, count=20))
    assert names_of(kept[20:]) == {'b'} and len(kept) >= 32
    assert senders.remark(4.5) == ''


def test_the_one_that_is_left_out_is_named_while_it_sends():
    senders = Senders('/audio')
    heard(senders, messages('a', count=10))
    senders.note_publishers(['/robot/mic'], 1.0)
    heard(senders, messages('a', number=11, start=1.0, count=10), messages('b', number=800, start=1.01, count=10))
    senders.note_publishers(['/robot/mic', '/bag'], 2.0)
    sentence = senders.remark(2.1)
    assert 'only /robot/mic is heard' in sentence and '/bag publishes' in sentence and '/audio' in sentence
    assert 'end all but one' in sentence
    assert senders.remark(8.0) == ''


def test_those_that_were_there_before_are_named_together():
    senders = Senders('/audio')
    senders.note_publishers(['/a', '/b', '/b'], 0.0)
    heard(senders, messages('a', count=10), messages('b', number=800, start=0.01, count=10))
    assert senders.remark(1.0).startswith('/a and /b (2 times) publish on /audio: one is heard')


def test_where_nobody_numbers_messages_all_are_heard_and_that_is_told():
    senders = Senders('/audio')
    senders.note_publishers(['/a'], 0.0)
    assert senders.keeps(None, 1e9, 0.0, PATIENCE) and senders.remark(0.0) == ''
    senders.note_publishers(['/a', '/b'], 0.0)
    assert senders.keeps(None, 1e9, 0.1, PATIENCE)
    assert '/a and /b publish on /audio and are heard mixed' in senders.remark(0.2)
    assert senders.remark(9.0) == ''
