# SPDX-License-Identifier: Apache-2.0
"""That the sound in a bag is heard as a node would have heard it, in all four forms, whatever was lost."""

import math
import sqlite3
import time

import numpy as np
import pytest

from ser_ros.annotation.bag import Bag
from ser_ros.annotation.bag_source import BagSource
from ser_ros.annotation.bag_topics import choose_topics
from ser_ros.annotation.listening import annotate
from ser_ros.audio.file import read_recording
from ser_ros.audio.packets import StreamFormat
from ser_ros.audio.source import AudioSource, EndOfAudio

FORMS = ('Int16MultiArray', 'AudioData', 'AudioDataStamped', 'AudioStamped')
STAMPED = FORMS[2:]
START = 1_700_000_000.0
TRANSPORT = 0.05


def blocks_of(path, *, topic=None, info_topic=None, rate=16_000, channels=1, channel=0):
    """Return (blocks, losses, frame_id) of the bag's sound."""
    with Bag(path) as bag:
        source = BagSource(
            bag, choose_topics(bag, topic, info_topic), assumed=StreamFormat(rate, channels), channel=channel
        )
        source.open()
        source.start()
        blocks = []
        try:
            while True:
                blocks.append(source.read(timeout=0.0))
        except EndOfAudio:
            pass
        assert len(blocks) == pytest.approx(source.block_count, rel=0.1)
        return blocks, {cause: count for cause, count in source.losses.items() if count}, source.frame_id


def heard_in(path, recogniser):
    with Bag(path) as bag:
        source = BagSource(bag, choose_topics(bag, None, None), assumed=StreamFormat(), channel=0)
        return annotate(source, recogniser, min_confidence=0.0, on_progress=lambda blocks, utterances: None)


def test_a_bag_is_a_source_as_every_other():
    promised = {name for name in vars(AudioSource) if not name.startswith('_')}
    assert promised - set(dir(BagSource)) == set()


@pytest.mark.parametrize('mcap', [False, True])
@pytest.mark.parametrize('form', FORMS)
def test_the_sound_and_its_times_come_through(make_bag, recording, form, mcap):
    blocks, losses, frame_id = blocks_of(make_bag(form=form, mcap=mcap).write())
    np.testing.assert_array_equal(np.concatenate([block.samples for block in blocks]), read_recording(recording))
    assert losses == {} and not any(block.after_gap for block in blocks)
    late = 0.0 if form in STAMPED else TRANSPORT
    ends = np.cumsum([block.duration for block in blocks])
    assert [block.start_time + block.duration - START - late for block in blocks] == pytest.approx(ends, abs=0.001)
    assert [block.arrival - START - TRANSPORT for block in blocks] == pytest.approx(ends, abs=0.001)
    assert frame_id == ('left ear' if form in STAMPED else 'microphone')


@pytest.mark.parametrize('form', FORMS)
def test_what_is_said_is_found_with_its_times(make_bag, said, recogniser, form):
    found = heard_in(make_bag(form=form).write(), recogniser)
    late = 0.0 if form in STAMPED else TRANSPORT
    starts = [annotation.start_time - START - late for annotation in found]
    assert starts == pytest.approx([one['start'] for one in said], abs=0.15)
    assert [one.duration for one in found] == pytest.approx([one['duration'] for one in said], abs=0.3)
    for annotation in found:
        end = annotation.start_time + annotation.duration - late
        assert annotation.published == pytest.approx(end + TRANSPORT + annotation.latency, abs=0.01)
        assert annotation.latency == 0.5


@pytest.mark.parametrize('form', FORMS)
def test_a_gap_ends_the_utterance_and_times_stay_right(make_bag, said, recogniser, form):
    """0.5 s are cut out of the middle of the first sentence."""
    maker = make_bag(form=form)
    middle = START + said[0]['start'] + said[0]['duration'] / 2
    packets = [(at, samples) for at, samples in maker.packets() if not middle < at < middle + 0.5]
    path = maker.write(packets)
    blocks, losses, _ = blocks_of(path)
    assert losses == {'gaps': 1} and sum(block.after_gap for block in blocks) == 1
    found = heard_in(path, recogniser)
    late = 0.0 if form in STAMPED else TRANSPORT
    first, second = found[0], found[1]
    assert first.start_time + first.duration - late == pytest.approx(middle, abs=0.1)
    assert second.start_time - late >= middle + 0.4
    starts = [annotation.start_time - START - late for annotation in found[2:]]
    assert starts == pytest.approx([one['start'] for one in said[1:]], abs=0.15)


@pytest.mark.parametrize('form', ['Int16MultiArray', 'AudioData'])
@pytest.mark.parametrize(
    ('length', 'held'), [(160, 0.2), (1024, 0.2), (8000, 0.2), (512, 0.384), (160, 0.5), (512, 1.0)]
)
def test_bursts_of_messages_without_stamps_are_no_gaps(make_bag, form, length, held):
    """A sender that holds messages back, and then sends them at once; the first time may look like a gap."""
    maker = make_bag(form=form)
    packets = maker.packets(length=length)
    received = [at + held - at % held for at, _ in packets]
    blocks, losses, _ = blocks_of(maker.write(packets, received=received))
    if held <= 0.2:
        assert losses == {} and not any(block.after_gap for block in blocks)
        ends = np.cumsum([block.duration for block in blocks])
        times = np.array([block.start_time + block.duration - START - TRANSPORT for block in blocks])
        assert (times - ends).min() >= -0.05 and (times - ends).max() <= held + 0.1
    else:
        assert sum(block.after_gap for block in blocks[math.ceil(2 * held / 0.032) :]) == 0
        assert losses.get('gaps', 0) <= 1


@pytest.mark.parametrize('form', STAMPED)
def test_what_came_twice_or_was_overtaken_is_left_out(make_bag, form):
    maker = make_bag(form=form)
    packets = maker.packets(length=2048)
    odd = [*packets[:51], packets[50], *packets[51:100], *packets[101:104], packets[100], *packets[104:]]
    blocks, losses, _ = blocks_of(maker.write(odd, received=[at for at, _ in packets] + [packets[-1][0] + 1.0]))
    assert (losses['duplicates'], losses['reordered']) == (1, 1) and losses['gaps'] >= 1
    ends = [block.start_time + block.duration for block in blocks]
    assert ends == sorted(ends)


def test_stamps_since_the_start_of_a_machine_become_times_of_the_bag(make_bag):
    maker = make_bag(form='AudioDataStamped')
    header = maker.header
    maker.header = lambda at: header(at - START + 5000.0)
    blocks, losses, _ = blocks_of(maker.write())
    assert losses == {}
    assert blocks[0].start_time == pytest.approx(START + TRANSPORT, abs=0.001)
    assert blocks[-1].arrival == pytest.approx(blocks[-1].start_time + blocks[-1].duration, abs=0.001)


@pytest.mark.parametrize('form', FORMS)
def test_a_simulation_s_clock_is_kept(make_bag, form):
    """A simulated second may be near this machine's own."""
    maker = make_bag(form=form)
    shift = START - round(time.monotonic())
    path = maker.write([(at - shift, samples) for at, samples in maker.packets()], chatter=False, info=True)
    blocks, losses, _ = blocks_of(path)
    late = 0.0 if form in STAMPED else TRANSPORT
    assert losses == {}
    assert blocks[0].start_time == pytest.approx(START - shift + late, abs=0.001)


def test_bags_of_old_distributions_hold_no_definitions(make_bag):
    for form in FORMS:
        path = make_bag(form, form=form).write()
        with sqlite3.connect(path / f'{form}.db3') as database:
            database.execute('DELETE FROM message_definitions')
        assert len(blocks_of(path)[0]) > 700


def test_a_rate_that_is_not_told_is_given(make_bag):
    blocks, _, _ = blocks_of(make_bag().write(), rate=32_000)
    assert sum(block.duration for block in blocks) == pytest.approx(23.5 / 2, abs=0.2)


def test_the_topic_can_be_chosen_and_must_be_where_there_are_several(make_bag, refuses):
    maker = make_bag()
    path = maker.write()
    with sqlite3.connect(path / 'bag.db3') as database:
        database.execute(
            'UPDATE topics SET name = "/other", type = "std_msgs/msg/Int16MultiArray" WHERE name = "/chatter"'
        )
    metadata = (
        (path / 'metadata.yaml').read_text().replace('/chatter', '/other').replace('msg/String', 'msg/Int16MultiArray')
    )
    (path / 'metadata.yaml').write_text(metadata)
    with refuses('/audio, /other', '--topic'):
        blocks_of(path)
    assert len(blocks_of(path, topic='/audio')[0]) > 700
    with refuses('/nothing', 'ros2 bag info'):
        blocks_of(path, topic='/nothing')


def test_a_bag_without_sound_is_told(make_bag, refuses):
    with refuses('/chatter', 'AudioStamped'):
        blocks_of(make_bag().write([]))


@pytest.mark.parametrize('form', ['AudioData', 'AudioDataStamped', 'TypedData'])
def test_sound_without_its_format_has_the_one_that_is_given(make_bag, form):
    path = make_bag(form=form).write(info=False)
    assert sum(block.duration for block in blocks_of(path)[0]) == pytest.approx(23.5, abs=0.2)
    assert sum(block.duration for block in blocks_of(path, rate=32_000)[0]) == pytest.approx(23.5 / 2, abs=0.2)
    assert sum(block.duration for block in blocks_of(path, channels=2)[0]) == pytest.approx(23.5 / 2, abs=0.2)


def test_mp3_is_refused_with_the_setting_of_the_capture_node(make_bag, refuses):
    with refuses("'mp3'", 'format:=wave'):
        blocks_of(make_bag(form='AudioDataStamped').write(coding_format='mp3'))


def test_a_channel_that_is_not_there_is_refused(make_bag, refuses):
    with refuses('1 channel', 'audio.channel 3'):
        blocks_of(make_bag().write(), channel=3)


def test_a_message_that_is_not_of_its_type_is_told(make_bag, refuses):
    path = make_bag().write()
    with sqlite3.connect(path / 'bag.db3') as database:
        database.execute("UPDATE messages SET data = X'00010000ff'")
    with refuses('std_msgs/msg/Int16MultiArray', 'record it again'):
        blocks_of(path)


def test_a_definition_that_cannot_be_read_is_told(make_bag, refuses):
    path = make_bag(form='AudioStamped').write()
    with sqlite3.connect(path / 'bag.db3') as database:
        database.execute("UPDATE message_definitions SET encoded_message_definition = 'int16[[ data'")
    with refuses('audio_common_msgs/msg/AudioStamped', 'record it again'):
        blocks_of(path)
