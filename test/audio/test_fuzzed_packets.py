# SPDX-License-Identifier: Apache-2.0
"""Messages with any content in any order: refused in a sentence or heard, and the reader never fails."""

import types

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.audio.packets import AUDIO_TYPES, AudioPacket, PacketDecoder
from ser_ros.audio.topic import TopicSource
from ser_ros.errors import SerError

PACKAGE = 'audio_common_msgs/msg/'
FAST = settings(max_examples=200, deadline=None, derandomize=True)

stamps = st.builds(
    lambda sec, nanosec: types.SimpleNamespace(sec=sec, nanosec=nanosec),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 2**32 - 1),
)
headers = st.builds(lambda stamp: types.SimpleNamespace(stamp=stamp, frame_id=''), stamps)
infos = st.builds(
    types.SimpleNamespace,
    channels=st.integers(0, 255),
    sample_rate=st.one_of(st.sampled_from([8_000, 16_000, 48_000]), st.integers(0, 2**32 - 1)),
    sample_format=st.one_of(st.sampled_from(['S16LE', 'U8', 'F32LE', 'S24BE', 'F64LE']), st.text(max_size=8)),
    bitrate=st.integers(0, 2**32 - 1),
    coding_format=st.one_of(st.sampled_from(['wave', 'WAVE', 'mp3']), st.text(max_size=8)),
)
small = st.integers(-(2**31), 2**31 - 1)
typed_arrays = st.builds(
    types.SimpleNamespace,
    float32_data=st.lists(st.floats(width=32), max_size=20),
    int32_data=st.lists(small, max_size=5),
    int16_data=st.lists(st.integers(-(2**15), 2**15 - 1), max_size=20),
    int8_data=st.lists(st.integers(-128, 127), max_size=5),
    uint8_data=st.lists(st.integers(0, 255), max_size=5),
)
typed_infos = st.builds(
    types.SimpleNamespace, format=st.one_of(st.sampled_from([1, 2, 8, 16, 32]), small), channels=small, rate=small
)
dimensions = st.builds(
    types.SimpleNamespace,
    label=st.sampled_from(['channels', 'frames', '']),
    size=st.integers(0, 2**32 - 1),
    stride=st.integers(0, 2**32 - 1),
)
layouts = st.builds(types.SimpleNamespace, dim=st.lists(dimensions, max_size=3), data_offset=st.integers(0, 2**32 - 1))

raw = st.builds(types.SimpleNamespace, data=st.binary(max_size=60))
MESSAGES = {
    f'{PACKAGE}AudioData': raw,
    f'{PACKAGE}AudioDataStamped': st.builds(types.SimpleNamespace, header=headers, audio=raw),
    f'{PACKAGE}AudioStamped': st.builds(
        types.SimpleNamespace,
        header=headers,
        audio=st.builds(types.SimpleNamespace, audio_data=typed_arrays, info=typed_infos),
    ),
    'std_msgs/msg/Int16MultiArray': st.builds(
        types.SimpleNamespace, data=st.lists(st.integers(-(2**15), 2**15 - 1), max_size=30), layout=layouts
    ),
}


def test_every_type_is_among_them():
    assert set(MESSAGES) == set(AUDIO_TYPES)


@FAST
@given(data=st.data(), type_name=st.sampled_from(sorted(MESSAGES)), info=st.one_of(st.none(), infos))
def test_any_message_is_decoded_or_refused_in_a_sentence(data, type_name, info):
    decoder = PacketDecoder(AUDIO_TYPES[type_name])
    if info is not None:
        decoder.note_info(info)
    try:
        packet = decoder.decode(data.draw(MESSAGES[type_name]))
    except SerError as error:
        assert '\n' not in str(error) and 20 < len(str(error)) < 500
    else:
        if packet is None:
            assert decoder.needs_info and info is None
            return
        assert packet.frames.dtype == np.float32 and packet.frames.ndim == 2 and packet.frames.size
        assert 4_000 <= packet.rate <= 384_000 and packet.duration > 0.0


packets = st.builds(
    AudioPacket,
    frames=st.builds(
        lambda count, channels, value: np.full((count, channels), value, dtype=np.float32),
        st.integers(1, 3000),
        st.integers(1, 3),
        st.sampled_from([0.0, 0.5, -1.0, 1e30, np.nan, np.inf]),
    ),
    rate=st.sampled_from([4_000, 8_000, 16_000, 44_100, 384_000]),
    stamp=st.one_of(st.none(), st.floats(1e-9, 4e9), st.sampled_from([1000.0, 1000.1, 1000.2])),
)


@FAST
@given(sequence=st.lists(packets, max_size=12), channel=st.sampled_from([-1, 0, 2]))
def test_any_sequence_of_packets_gives_finite_blocks_in_the_right_form(sequence, channel):
    source = TopicSource('topic /audio', channel=channel, clock=lambda: 2000.0)
    source.open()
    source.start()
    for packet in sequence:
        source.push(packet)
    heard = 0
    # Also a packet that is left out ends a read, so nobody knows how many are needed.
    for _ in range(13 + sum(int(packet.duration / 0.032) + 2 for packet in sequence)):
        block = source.read(timeout=0.0)
        if block is not None:
            assert block.samples.dtype == np.float32 and block.samples.ndim == 1
            assert np.isfinite(block.samples).all() and np.isfinite([block.start_time, block.arrival]).all()
            heard += len(block.samples)
    assert source.read(timeout=0.0) is None
    assert heard <= sum(packet.duration for packet in sequence) * 16_000 + 1000 * len(sequence)
    assert isinstance(source.problem, str) and all(count >= 0 for count in source.losses.values())
