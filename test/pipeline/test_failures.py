# SPDX-License-Identifier: Apache-2.0
"""A source, a recogniser or a callback that fails."""

import pytest
from live_line import END, SILENCE, TIMEOUT, UTTERANCE, Recogniser, Source, threads_of_pipelines, wait_until

from ser_ros.audio.file import FileSource
from ser_ros.errors import SerError


def test_a_source_that_fails_ends_the_pipeline_with_its_error(make):
    error = SerError('the microphone was pulled out; plug it in again')
    pipeline, heard = make(Source(live=True, fed=[SILENCE, error]))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.ends == [error]
    wait_until(lambda: not threads_of_pipelines())


@pytest.mark.parametrize('error', [SerError('the model answered with NaN; use another'), RuntimeError('CUDA error')])
@pytest.mark.parametrize('live', [False, True])
def test_a_recogniser_that_fails_is_told_and_asked_again(make, error, live):
    source, recogniser = Source(live=live, fed=UTTERANCE * 2), Recogniser(error=error)
    pipeline, heard = make(source, recogniser)
    pipeline.start()
    wait_until(lambda: heard.failures == [(1, error), (2, error)])
    assert pipeline.status().last_failure == str(error)
    recogniser.error = None
    source.feed([*UTTERANCE, END])
    assert heard.ended.wait(TIMEOUT)
    assert (heard.kinds, heard.ends) == ([(3, True)], [None])
    status = pipeline.status()
    assert (status.utterances, status.answered, status.failed, status.last_failure) == (3, 1, 2, '')


def test_a_callback_that_fails_ends_the_pipeline_with_its_error(make):
    error = RuntimeError('the publisher is gone')

    def on_estimate(utterance, estimate):
        raise error

    pipeline, heard = make(Source(live=True, fed=UTTERANCE), on_estimate=on_estimate)
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert heard.ends == [error]


def test_a_source_that_cannot_start_ends_the_pipeline_with_its_error(make):
    class Refusing(Source):
        def start(self):
            raise SerError('opened but did not start')

    pipeline, heard = make(Refusing(live=True))
    pipeline.start()
    assert heard.ended.wait(TIMEOUT)
    assert 'did not start' in str(heard.ends[0])


def test_a_source_that_cannot_open_raises_from_start_and_leaves_no_thread(make, tmp_path):
    pipeline, heard = make(FileSource(tmp_path / 'nowhere.wav'))
    with pytest.raises(SerError):
        pipeline.start()
    assert threads_of_pipelines() == []
    pipeline.stop()
    assert heard.ends == []
