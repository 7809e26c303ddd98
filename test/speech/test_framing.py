# SPDX-License-Identifier: Apache-2.0
"""The framer: any blocks in, whole chunks out, with the right times."""

import numpy as np
import pytest

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.speech.framing import Framer

CHUNK = 512


def frame(samples, sizes, start_time=20.0):
    """Push `samples` in blocks of `sizes`, taken in turn; return all chunks, the flushed one too."""
    framer, chunks, at, turn = Framer(), [], 0, 0
    while at < len(samples):
        piece = samples[at : at + sizes[turn % len(sizes)]]
        end = at + len(piece)
        chunks += framer.push(AudioBlock(piece, start_time + at / SAMPLE_RATE, arrival=end / SAMPLE_RATE))
        at, turn = end, turn + 1
    return chunks + framer.flush()


@pytest.mark.parametrize('sizes', [[1], [100], [511], [512], [513], [1600], [100_000], [0, 7, 512, 3000, 0, 1]])
def test_any_block_sizes_give_the_same_chunks_at_the_same_times(made_sound, sizes):
    sound = made_sound('white noise', 0.5)
    chunks = frame(sound, sizes)
    assert [len(chunk.samples) for chunk in chunks] == [CHUNK] * 16
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in chunks])[: len(sound)], sound)
    np.testing.assert_allclose([chunk.start_time for chunk in chunks], 20.0 + np.arange(16) * 0.032, atol=1e-6)


def test_flush_fills_up_with_silence():
    (chunk,) = frame(np.ones(100, dtype=np.float32), [100])
    assert chunk.samples.tolist() == [1.0] * 100 + [0.0] * 412
    assert chunk.samples.dtype == np.float32


def test_flush_gives_nothing_where_nothing_is_left():
    framer = Framer()
    assert framer.flush() == []
    assert len(framer.push(AudioBlock(np.zeros(CHUNK, dtype=np.float32), 0.0, 0.0))) == 1
    assert framer.flush() == []


def test_a_chunk_arrived_with_its_own_last_sample_and_not_with_that_of_its_block():
    framer = Framer()
    framer.push(AudioBlock(np.zeros(500, dtype=np.float32), 0.0, arrival=1.0))
    (chunk,) = framer.push(AudioBlock(np.zeros(500, dtype=np.float32), 500 / SAMPLE_RATE, arrival=2.0))
    assert chunk.start_time == 0.0
    assert chunk.arrival == pytest.approx(2.0 - (1000 - CHUNK) / SAMPLE_RATE)


def test_a_flushed_framer_can_go_on_with_another_time():
    framer = Framer()
    framer.push(AudioBlock(np.ones(100, dtype=np.float32), 0.0, 0.0))
    framer.flush()
    (chunk,) = framer.push(AudioBlock(np.zeros(CHUNK, dtype=np.float32), 90.0, 0.0))
    assert chunk.start_time == 90.0 and not chunk.samples.any()
