# SPDX-License-Identifier: Apache-2.0
"""Messages of every type, made here of plain objects with the same fields."""

import array
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.audio.packets import AUDIO_TYPES, AudioPacket, PacketDecoder, StreamFormat, encode, encode_info
from ser_ros.errors import SerError

DATA, STAMPED = 'audio_common_msgs/msg/AudioData', 'audio_common_msgs/msg/AudioDataStamped'
TYPED, MULTI = 'audio_common_msgs/msg/AudioStamped', 'std_msgs/msg/Int16MultiArray'
FIELDS = ('float32', 'int32', 'int16', 'int8', 'uint8')

LEVELS = np.array([0, 16384, -32768, 8192], dtype=np.int16)
SCALED = np.array([0.0, 0.5, -1.0, 0.25], dtype=np.float32)


def header(sec=5, nanosec=250_000_000):
    return SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec), frame_id='')


def info(sample_format='S16LE', channels=1, rate=16_000, coding='wave'):
    return SimpleNamespace(
        channels=channels, sample_rate=rate, sample_format=sample_format, bitrate=0, coding_format=coding
    )


def typed(code=8, channels=1, rate=16_000, **filled):
    arrays = {f'{name}_data': filled.get(name, []) for name in FIELDS}
    told = SimpleNamespace(format=code, channels=channels, rate=rate, chunk=0)
    return SimpleNamespace(header=header(), audio=SimpleNamespace(audio_data=SimpleNamespace(**arrays), info=told))


def multi(data, *dimensions, offset=0):
    dim = [SimpleNamespace(label=label, size=size, stride=0) for label, size in dimensions]
    return SimpleNamespace(layout=SimpleNamespace(dim=dim, data_offset=offset), data=data)


def decode_bytes(data, told=None, type_name=STAMPED) -> AudioPacket:
    decoder = PacketDecoder(AUDIO_TYPES[type_name])
    decoder.note_info(told or info())
    if type_name == DATA:
        return decoder.decode(SimpleNamespace(data=data))
    return decoder.decode(SimpleNamespace(header=header(), audio=SimpleNamespace(data=data)))


def as_samples(packet: AudioPacket) -> np.ndarray:
    assert packet.frames.dtype == np.float32 and packet.frames.ndim == 2
    return packet.frames[:, 0]


@pytest.mark.parametrize('type_name', [DATA, STAMPED])
def test_bytes_wait_for_their_audio_info(type_name):
    decoder = PacketDecoder(AUDIO_TYPES[type_name])
    assert decoder.needs_info
    data = LEVELS.tobytes()
    message = SimpleNamespace(data=data, header=header(), audio=SimpleNamespace(data=data))
    assert decoder.decode(message) is None
    decoder.note_info(info())
    packet = decoder.decode(message)
    assert np.array_equal(as_samples(packet), SCALED)
    assert packet.rate == 16_000
    assert packet.stamp == (None if type_name == DATA else pytest.approx(5.25))


@pytest.mark.parametrize(
    'hold',
    [bytes, list, lambda data: array.array('B', data), lambda data: np.frombuffer(data, dtype=np.uint8)],
    ids=['bytes', 'list', 'array', 'numpy'],
)
def test_arrays_of_any_kind(hold):
    assert np.array_equal(as_samples(decode_bytes(hold(LEVELS.tobytes()))), SCALED)


@pytest.mark.parametrize(
    ('name', 'data'),
    [
        ('S8', bytes([0, 64, 0x80, 32])),
        ('U8', bytes([128, 192, 0, 160])),
        ('S16LE', LEVELS.astype('<i2').tobytes()),
        ('S16BE', LEVELS.astype('>i2').tobytes()),
        ('S24LE', bytes.fromhex('000000 000040 000080 000020')),
        ('S24BE', bytes.fromhex('000000 400000 800000 200000')),
        ('S32LE', (LEVELS.astype('<i4') * 65536).tobytes()),
        ('S32BE', (LEVELS.astype('>i4') * 65536).astype('>i4').tobytes()),
        ('F32LE', SCALED.astype('<f4').tobytes()),
        ('F32BE', SCALED.astype('>f4').tobytes()),
        ('F64LE', SCALED.astype('<f8').tobytes()),
        ('f64be', SCALED.astype('>f8').tobytes()),
    ],
)
def test_every_sample_format(name, data):
    assert as_samples(decode_bytes(data, info(name))).tolist() == SCALED.tolist()


def test_the_coding_may_be_written_in_capitals():
    assert np.array_equal(as_samples(decode_bytes(LEVELS.tobytes(), info(coding='WAVE'))), SCALED)


def test_channels_are_interleaved():
    packet = decode_bytes(LEVELS.tobytes(), info(channels=2, rate=48_000))
    assert packet.frames.tolist() == [[0.0, 0.5], [-1.0, 0.25]]
    assert packet.rate == 48_000
    assert packet.duration == 2 / 48_000


@pytest.mark.parametrize('coding', ['mp3', 'MP3', '', 'opus'])
def test_compressed_sound_is_refused_with_the_capture_nodes_setting(coding, refuses):
    with refuses(f"'{coding}'", 'format:=wave', 'sample_format:=S16LE'):
        decode_bytes(b'\xff\xfb\x90\x00', info(coding=coding))


@pytest.mark.parametrize('name', ['S24_32LE', 'S16', '', 'MULAW'])
def test_an_unknown_sample_format_is_refused_with_the_capture_nodes_setting(name, refuses):
    with refuses(f"'{name}'", 'S16LE S16BE', 'sample_format:=S16LE'):
        decode_bytes(bytes(16), info(name))


def test_a_later_audio_info_holds_for_what_follows():
    decoder = PacketDecoder(AUDIO_TYPES[DATA])
    message = SimpleNamespace(data=LEVELS.tobytes())
    decoder.note_info(info(coding='mp3'))
    with pytest.raises(SerError):
        decoder.decode(message)
    decoder.note_info(info(rate=44_100))
    assert decoder.decode(message).rate == 44_100


@pytest.mark.parametrize(
    ('told', 'data', 'words'),
    [
        (info(), b'abc', ('3 bytes', 'S16LE')),
        (info('S24LE'), bytes(4), ('4 bytes', 'S24LE')),
        (info(channels=3), bytes(8), ('4 samples', '3 channels')),
        (info(channels=0), bytes(8), ('0 channels', '1..256')),
        (info(channels=257), bytes(514), ('257 channels',)),
        (info(rate=0), bytes(8), ('0 Hz', '4000..384000')),
        (info(rate=400_000), bytes(8), ('400000 Hz',)),
        (info(), b'', ('no samples',)),
    ],
)
def test_content_that_cannot_be_is_refused(told, data, words, refuses):
    with refuses(*words):
        decode_bytes(data, told)


@pytest.mark.parametrize(
    ('code', 'field', 'values'),
    [
        (1, 'float32', SCALED),
        (2, 'int32', LEVELS.astype(np.int32) * 65536),
        (8, 'int16', LEVELS),
        (16, 'int8', [0, 64, -128, 32]),
        (32, 'uint8', [128, 192, 0, 160]),
    ],
)
def test_typed_arrays(code, field, values):
    packet = PacketDecoder(AUDIO_TYPES[TYPED]).decode(typed(code, **{field: values}))
    assert as_samples(packet).tolist() == SCALED.tolist()
    assert packet.stamp == pytest.approx(5.25)


def test_typed_arrays_of_several_channels_and_another_rate():
    packet = PacketDecoder(AUDIO_TYPES[TYPED]).decode(typed(channels=2, rate=44_100, int16=array.array('h', LEVELS)))
    assert packet.frames.tolist() == [[0.0, 0.5], [-1.0, 0.25]]
    assert packet.rate == 44_100


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (typed(4, int32=[1, 2]), ('format 4', '8 (int16)', 'format:=8')),
        (typed(0, int16=[1]), ('format 0',)),
        (typed(8, float32=[1.0]), ('says that its samples are int16', 'has float32')),
        (typed(8, int16=[1], float32=[1.0]), ('float32 and int16',)),
        (typed(8), ('no samples',)),
        (typed(8, channels=-1, int16=[1]), ('-1 channels',)),
        (typed(8, rate=-16_000, int16=[1]), ('-16000 Hz',)),
    ],
)
def test_typed_arrays_that_contradict_themselves_are_refused(message, words, refuses):
    with refuses(*words):
        PacketDecoder(AUDIO_TYPES[TYPED]).decode(message)


def test_a_header_that_was_not_stamped_has_no_stamp():
    message = typed(8, int16=[1])
    message.header = header(0, 0)
    assert PacketDecoder(AUDIO_TYPES[TYPED]).decode(message).stamp is None


def test_a_multi_array_has_the_rate_that_is_given():
    packet = PacketDecoder(AUDIO_TYPES[MULTI], StreamFormat(44_100)).decode(multi(array.array('h', LEVELS)))
    assert np.array_equal(as_samples(packet), SCALED)
    assert (packet.rate, packet.stamp) == (44_100, None)


@pytest.mark.parametrize(
    ('dimensions', 'frames'),
    [
        ([('samples', 4)], [[0.0], [0.5], [-1.0], [0.25]]),
        ([('channels', 2)], [[0.0, 0.5], [-1.0, 0.25]]),
        ([('frames', 2), ('Channels', 2)], [[0.0, 0.5], [-1.0, 0.25]]),
        ([('channels', 2), ('frames', 2)], [[0.0, -1.0], [0.5, 0.25]]),
    ],
)
def test_a_multi_array_may_name_its_channels(dimensions, frames):
    assert PacketDecoder(AUDIO_TYPES[MULTI]).decode(multi(LEVELS, *dimensions)).frames.tolist() == frames


def test_a_multi_array_may_begin_later():
    assert as_samples(PacketDecoder(AUDIO_TYPES[MULTI]).decode(multi(LEVELS, offset=2))).tolist() == [-1.0, 0.25]


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (multi(LEVELS, ('channels', 3)), ('4 samples', '3 channels')),
        (multi(LEVELS, ('channels', 0)), ('0 channels',)),
        (multi(LEVELS, ('a', 1), ('b', 2), ('c', 2)), ('3 dimensions',)),
        (multi(LEVELS, offset=9), ('no samples',)),
    ],
)
def test_a_multi_array_that_cannot_be_is_refused(message, words, refuses):
    with refuses(*words):
        PacketDecoder(AUDIO_TYPES[MULTI]).decode(message)


def empty_message(type_name):
    """An object with the fields of a message that nobody has filled."""
    if type_name == MULTI:
        return multi([])
    if type_name == TYPED:
        return typed(0, 0, 0)
    return SimpleNamespace(data=[], header=header(0, 0), audio=SimpleNamespace(data=[]))


@pytest.mark.parametrize('type_name', AUDIO_TYPES)
def test_what_is_encoded_is_decoded(type_name):
    samples = np.linspace(-1.0, 1.0, 501, dtype=np.float32)
    message = encode(
        AUDIO_TYPES[type_name], lambda: empty_message(type_name), samples, rate=16_000, stamp=12.5, frame_id='left ear'
    )
    decoder = PacketDecoder(AUDIO_TYPES[type_name])
    decoder.note_info(encode_info(SimpleNamespace, rate=16_000))
    packet = decoder.decode(message)
    assert np.abs(as_samples(packet) - samples).max() <= 1 / 32768
    assert packet.rate == 16_000
    if type_name in (STAMPED, TYPED):
        assert packet.stamp == pytest.approx(12.5)
        assert message.header.frame_id == 'left ear'
    else:
        assert packet.stamp is None


def test_sixteen_bits_survive_and_what_is_too_loud_is_clipped():
    samples = np.append(np.arange(-32768, 32768, dtype=np.float32) / 32768, [1.0, 7.0, -7.0]).astype(np.float32)
    message = encode(AUDIO_TYPES[MULTI], lambda: empty_message(MULTI), samples, rate=16_000, stamp=0.0, frame_id='')
    assert list(message.data) == [*range(-32768, 32768), 32767, 32767, -32768]


numbers = st.integers(-(2**31), 2**31 - 1)
texts = st.one_of(st.sampled_from(['wave', 'mp3', 'S16LE', 'S24BE', 'F32LE', 'F64BE', 'U8']), st.text(max_size=8))
likely = st.one_of(st.sampled_from([0, 1, 2, 4, 8, 16, 32, 3999, 4000, 16_000, 384_000, 384_001]), numbers)


def only_the_documented_error(decoder, message):
    try:
        packet = decoder.decode(message)
    except SerError as error:
        assert '\n' not in str(error)
        return
    assert packet.frames.dtype == np.float32 and packet.frames.size > 0
    assert 4_000 <= packet.rate <= 384_000 and 1 <= packet.frames.shape[1] <= 256


@given(data=st.binary(max_size=64), name=texts, coding=texts, channels=st.integers(0, 255), rate=likely, sec=numbers)
def test_any_bytes_give_sound_or_one_sentence(data, name, coding, channels, rate, sec):
    decoder = PacketDecoder(AUDIO_TYPES[STAMPED])
    decoder.note_info(info(name, channels, rate, coding))
    only_the_documented_error(decoder, SimpleNamespace(header=header(sec), audio=SimpleNamespace(data=data)))


@given(
    code=likely,
    channels=likely,
    rate=likely,
    float32=st.lists(st.floats(width=32), max_size=6),
    int16=st.lists(st.integers(-32768, 32767), max_size=6),
    uint8=st.binary(max_size=6),
)
def test_any_typed_arrays_give_sound_or_one_sentence(code, channels, rate, float32, int16, uint8):
    message = typed(code, channels, rate, float32=float32, int16=int16, uint8=uint8)
    only_the_documented_error(PacketDecoder(AUDIO_TYPES[TYPED]), message)


@given(
    data=st.lists(st.integers(-32768, 32767), max_size=12),
    dimensions=st.lists(st.tuples(st.sampled_from(['channels', 'frames', '']), st.integers(0, 2**32 - 1)), max_size=4),
    offset=st.integers(0, 2**32 - 1),
)
def test_any_multi_array_gives_sound_or_one_sentence(data, dimensions, offset):
    only_the_documented_error(PacketDecoder(AUDIO_TYPES[MULTI]), multi(data, *dimensions, offset=offset))
