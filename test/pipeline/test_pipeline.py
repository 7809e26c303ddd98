# SPDX-License-Identifier: Apache-2.0
"""From sound to answers: order, counts, settings."""

import dataclasses

import pytest
from live_line import (
    ANSWER_ALL,
    CONFIG,
    END,
    INTERIM,
    SILENCE,
    TIMEOUT,
    UTTERANCE,
    VOICE,
    Detector,
    Source,
    wait_until,
)


@pytest.mark.parametrize('live', [False, True])
def test_every_utterance_is_answered_in_order_and_then_the_end_is_told(make, live):
    source = Source(live=live, fed=[*UTTERANCE * 3, END])
    pipeline, heard = make(source)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, True), (2, True), (3, True)]
    assert [estimate.label for estimate in heard.estimates] == ['happy'] * 3
    assert heard.ends == [None]
    assert heard.threads == {'recogniser'}
    assert (source.opened, source.started) == (1, 1)


def test_where_nobody_speaks_only_the_end_is_told(make):
    pipeline, heard = make(Source(live=False, fed=[SILENCE] * 100 + [END]))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert (heard.kinds, heard.ends) == ([], [None])


def test_the_counts_are_right(make):
    source = Source(live=True, fed=UTTERANCE * 2)
    pipeline, heard = make(source)
    assert pipeline.status().blocks == 0
    pipeline.start()
    wait_until(lambda: len(heard.utterances) == 2)
    source.wait_until_heard()
    status = pipeline.status()
    assert (status.blocks, status.losses, status.utterances, status.answered) == (64, {'overflows': 3}, 2, 2)
    assert (status.dropped_interim, status.dropped_final, status.waiting) == (0, 0, 0)
    assert sum(status.rejected.values()) == 0
    assert 0.0 <= status.seconds_since_block < TIMEOUT


def test_interim_answers_are_not_counted_as_answered_utterances(make):
    pipeline, heard = make(Source(live=False, fed=[*UTTERANCE, END]), segmentation=INTERIM)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.kinds == [(1, False)] * 4 + [(1, True)]
    assert pipeline.status().answered == 1


def test_configure_takes_effect_while_it_listens(make):
    source = Source(live=True, fed=[VOICE] * 20 + [SILENCE] * 10)
    pipeline, heard = make(source)
    pipeline.start()
    source.wait_until_heard()
    assert heard.utterances == []
    pipeline.configure(dataclasses.replace(CONFIG, end_silence=0.1), ANSWER_ALL)
    source.feed([SILENCE])
    wait_until(lambda: heard.kinds == [(1, True)])


def test_each_pipeline_listens_with_a_detector_of_its_own(make):
    made = []

    class Counted(Detector):
        def __init__(self):
            super().__init__()
            made.append(self)

    for _ in range(2):
        make(Source(live=True), detector=Counted)
    assert len(made) == 2
