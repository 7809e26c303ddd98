# SPDX-License-Identifier: Apache-2.0
"""A recogniser that does not keep up: who waits, and what is dropped and counted."""

from live_line import (
    ANSWER_ALL,
    CONFIG,
    END,
    INTERIM,
    ROOM,
    SILENCE,
    TIMEOUT,
    UTTERANCE,
    VOICE,
    Recogniser,
    Source,
    paused_live_pipeline,
    wait_until,
)


def test_a_source_that_can_wait_waits_for_a_slow_recogniser_and_nothing_is_dropped(make):
    recogniser = Recogniser(waits=True)
    source = Source(live=False, fed=[*UTTERANCE * 50, END])
    pipeline, heard = make(source, recogniser)
    pipeline.start()
    assert recogniser.busy.wait(TIMEOUT)
    # One is with the recogniser, the mailbox is full, and the listener holds another.
    wait_until(lambda: pipeline.status().utterances == ROOM + 2)
    assert not source.heard_all_within(0.05)
    assert (pipeline.status().utterances, pipeline.status().waiting) == (ROOM + 2, ROOM)
    assert pipeline.status().lag == 0.0
    recogniser.go.set()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(number, True) for number in range(1, 51)]
    status = pipeline.status()
    assert (status.dropped_interim, status.dropped_final, status.answered) == (0, 0, 50)


def stuck_live_pipeline(make, segmentation):
    """Return (pipeline, heard, source, recogniser) with the recogniser stuck in the first utterance."""
    recogniser = Recogniser(waits=True)
    pipeline, heard, source = paused_live_pipeline(make, recogniser)
    source.feed([SILENCE] * 19)
    source.wait_until_heard()
    pipeline.configure(segmentation, ANSWER_ALL)
    return pipeline, heard, source, recogniser


def test_a_live_source_with_a_stuck_recogniser_drops_interim_ones_as_soon_as_there_is_news(make):
    pipeline, heard, source, recogniser = stuck_live_pipeline(make, INTERIM)
    # Each of these brings interim utterances, one for each chunk after the eighth, and a final one.
    source.feed([([VOICE] * 13 + [SILENCE] * 20)[at % 33] for at in range(33 * 3)])
    source.wait_until_heard()
    status = pipeline.status()
    assert status.dropped_interim >= 3 * 4
    assert (status.dropped_final, status.waiting) == (0, 4)
    assert status.lag > 0.0 and status.working_for > 0.0
    recogniser.go.set()
    source.feed([END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(number, True) for number in (1, 2, 3, 4)]
    assert pipeline.status().answered == 4
    assert pipeline.status().working_for == 0.0


def test_a_live_source_with_a_recogniser_stuck_for_long_drops_the_oldest_final_ones_and_counts_them(make):
    pipeline, heard, source, recogniser = stuck_live_pipeline(make, CONFIG)
    source.feed(UTTERANCE * (ROOM + 3))
    source.wait_until_heard()
    recogniser.go.set()
    source.feed([END])
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, True)] + [(number, True) for number in range(6, ROOM + 5)]
    status = pipeline.status()
    assert (status.utterances, status.answered, status.dropped_final) == (ROOM + 4, ROOM, 4)
