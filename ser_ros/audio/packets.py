# SPDX-License-Identifier: Apache-2.0
"""Sound as it travels in messages: what is read from each of the supported types, and how they are filled.

Knows the messages by their fields alone, so that rclpy's and rosbags' do alike; arrays may be of numpy, `array`, bytes
or lists. Where a message breaks what its type promises, `SerError` says what its sender must change.
"""

import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ser_ros.audio.mp3 import is_mp3
from ser_ros.errors import SerError

INFO_TYPE = 'audio_common_msgs/msg/AudioInfo'
"""ROS type of the message that says the format of those that cannot say it themselves."""

ROS_DRIVERS = 'github.com/ros-drivers/audio_common'
_MGONZS13 = 'github.com/mgonzs13/audio_common'
"""The two that have a package audio_common_msgs."""

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
"""Hz; of a rate beyond, the sender was not sure itself."""
MOST_CHANNELS = 256

_AUDIO_DATA = 'audio_common_msgs/msg/AudioData'
"""The one name that a type of both packages has."""

_NANOSECONDS = 1_000_000_000
_WAVE = 'wave'
_CURE = 'start the capture node with the parameters format:=wave and sample_format:=S16LE'
"""Those of audio_capture_node in ros-drivers/audio_common, branch ros2, whose default is format:=mp3."""

_SAMPLE_FORMATS = {
    'S8': 'i1',
    'U8': 'u1',
    'S16LE': '<i2',
    'S16BE': '>i2',
    'S24LE': '<i3',
    'S24BE': '>i3',
    'S32LE': '<i4',
    'S32BE': '>i4',
    'F32LE': '<f4',
    'F32BE': '>f4',
    'F64LE': '<f8',
    'F64BE': '>f8',
}
"""GStreamer's names, which AudioInfo uses, and numpy's; numpy has no i3, `_from_int24` reads those."""

_PORTAUDIO_FORMATS = {1: 'float32', 2: 'int32', 8: 'int16', 16: 'int8', 32: 'uint8'}
"""PortAudio's codes, in AudioStamped's info.format, and numpy's names. Its 4 (24 bit) has no field in the message."""
_PORTAUDIO_INT16 = 8


@dataclass(frozen=True, eq=False)
class AudioPacket:
    """What one audio message holds.

    frames: float32, shape (n, channels), full scale is -1..1.
    rate: Hz.
    stamp: seconds; capture time of the first frame on the sender's clock, None where the message has none.
    """

    frames: np.ndarray
    rate: int
    stamp: float | None

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.frames) / self.rate


@dataclass(frozen=True)
class StreamFormat:
    """What is taken for the format of messages that cannot say it; the names are AudioInfo's.

    sample_rate: Hz. sample_format: of bytes.
    """

    sample_rate: int = 16_000
    channels: int = 1
    sample_format: str = 'S16LE'
    coding_format: str = _WAVE


@dataclass(frozen=True)
class AudioType:
    """A ROS message type that holds sound.

    field: one that tells it from another package's type of the same name.
    origin: where its package comes from, for people.
    needs_info: whether its format stands in `AudioInfo`.
    decode: (message, AudioInfo of it or what is taken for it) -> packet.
    fill: (message, int16 samples, rate, stamp in seconds, frame_id) -> None; mono.
    """

    field: str
    origin: str
    needs_info: bool
    decode: Callable[[Any, Any], AudioPacket]
    fill: Callable[[Any, np.ndarray, int, float, str], None]


class PacketDecoder:
    """Decodes the messages of one topic."""

    def __init__(self, audio_type: AudioType, assumed: StreamFormat | None = None):
        """`assumed`: the format of messages that cannot say theirs; 16 kHz mono where not given."""
        self._type = audio_type
        self._assumed = assumed or StreamFormat()
        self._info = None if audio_type.needs_info else self._assumed

    @property
    def needs_info(self) -> bool:
        """Whether nothing can be decoded before `note_info`."""
        return self._type.needs_info

    def note_info(self, info: Any) -> None:
        """Take an AudioInfo for the packets that follow; `decode` judges it."""
        self._info = info

    def do_without_info(self) -> None:
        """Take the assumed format for an AudioInfo, until one comes after all."""
        self._info = self._info or self._assumed

    def decode(self, message: Any) -> AudioPacket | None:
        """Return what `message` holds, None while its AudioInfo has not come. Raises SerError."""
        return None if self._info is None else self._type.decode(message, self._info)


def audio_type(name: str, fields: Iterable[str]) -> AudioType | None:
    """Return what is known of messages of the ROS type `name`, one of AUDIO_TYPES, that have these `fields`.

    None where they are of a package that only has the same name.
    """
    found = (AUDIO_TYPES[name], *([_BARE_TYPED] if name == _AUDIO_DATA else []))
    return next((kind for kind in found if kind.field in fields), None)


def encode(
    audio_type: AudioType, kind: Callable[[], Any], samples: np.ndarray, *, rate: int, stamp: float, frame_id: str
) -> Any:
    """Return a message of class `kind`, which is that of `audio_type`.

    `samples`: float32, shape (n,), mono, full scale -1..1, beyond which they are clipped; they travel as 16 bit.
    `stamp`: seconds, capture time of the first.
    """
    message = kind()
    # Upwards one step is lost: 16 bits end at 32767.
    levels = np.clip(np.rint(samples * np.float32(32768.0)), -32768, 32767).astype(np.int16)
    audio_type.fill(message, levels, rate, stamp, frame_id)
    return message


def encode_info(kind: Callable[[], Any], *, rate: int) -> Any:
    """Return the AudioInfo, of class `kind`, for what `encode` makes."""
    info = kind()
    info.channels = 1
    info.sample_rate = rate
    info.sample_format = 'S16LE'
    info.bitrate = 16 * rate
    info.coding_format = _WAVE
    return info


def _decode_audio_data(message: Any, info: Any) -> AudioPacket:
    return _decode_bytes(message.data, info, None)


def _decode_audio_data_stamped(message: Any, info: Any) -> AudioPacket:
    return _decode_bytes(message.audio.data, info, message.header.stamp)


def _decode_bytes(data: Any, info: Any, stamp: Any) -> AudioPacket:
    """Decode ros-drivers' messages: bytes whose meaning stands in AudioInfo."""
    if info.coding_format.lower() != _WAVE:
        raise SerError(
            f'the audio messages are coded as {info.coding_format!r:.40}, which is not read here, only wave; {_CURE}'
        )
    name = info.sample_format.upper()
    if name not in _SAMPLE_FORMATS:
        raise SerError(
            f'the audio messages have samples of format {info.sample_format!r:.40}, which is none of '
            f'{" ".join(_SAMPLE_FORMATS)}; {_CURE}'
        )
    code = _SAMPLE_FORMATS[name]
    content = _as_array(data, np.uint8)
    if is_mp3(content.tobytes()):
        raise SerError(f'the audio messages hold MP3, which is not read here, only wave; {_CURE}')
    width = int(code[-1])
    if len(content) % width:
        raise SerError(
            f'an audio message has {len(content)} bytes, which is no multiple of the {width} that a sample of '
            f'{name} takes; the AudioInfo must be that of the same capture node'
        )
    values = _from_int24(content, code[0]) if width == 3 else content.view(code)
    return _packet(values, info.channels, info.sample_rate, stamp)


def _decode_audio_stamped(message: Any, _: Any) -> AudioPacket:
    """Decode mgonzs13's message: one of five arrays is filled, and info says which."""
    data, info = message.audio.audio_data, message.audio.info
    filled = _filled(data)
    name = _PORTAUDIO_FORMATS.get(info.format)
    if name is None:
        codes = ', '.join(f'{code} ({name})' for code, name in _PORTAUDIO_FORMATS.items())
        raise SerError(
            f'an audio message has samples of format {info.format}, which is none of {codes}; '
            'start the capture node with the parameter format:=8'
        )
    if filled not in ([name], []):
        raise SerError(
            f'an audio message says that its samples are {name}, but has {" and ".join(filled)} samples; '
            'its sender must fill the one array that info.format names'
        )
    return _packet(_as_array(getattr(data, f'{name}_data'), name), info.channels, info.rate, message.header.stamp)


def _decode_bare_typed(message: Any, assumed: Any) -> AudioPacket:
    """Decode mgonzs13's arrays alone: the one that is filled tells the type of the samples, and nothing the rest."""
    filled = _filled(message)
    if len(filled) > 1:
        raise SerError(f'an audio message has {" and ".join(filled)} samples; its sender must fill one array alone')
    name = filled[0] if filled else 'int16'
    values = _as_array(getattr(message, f'{name}_data'), name)
    return _packet(values, assumed.channels, assumed.sample_rate, None)


def _filled(data: Any) -> list[str]:
    return [name for name in _PORTAUDIO_FORMATS.values() if len(getattr(data, f'{name}_data'))]


def _decode_multi_array(message: Any, assumed: Any) -> AudioPacket:
    """Decode an Int16MultiArray: dimensions, where it names any, are [channels], [frames, channels] or the reverse."""
    dimensions = message.layout.dim
    labels = [dimension.label.lower() for dimension in dimensions]
    if len(labels) > 2:
        raise SerError(
            f'an Int16MultiArray has {len(labels)} dimensions; its sender must name two at most, frames and channels'
        )
    values = _as_array(message.data, np.int16)[message.layout.data_offset :]
    channels = dimensions[labels.index('channels')].size if 'channels' in labels else assumed.channels
    by_channel = len(labels) == 2 and labels[0] == 'channels'
    return _packet(values, channels, assumed.sample_rate, None, by_channel=by_channel)


def _packet(values: np.ndarray, channels: int, rate: int, stamp: Any, *, by_channel: bool = False) -> AudioPacket:
    """Check and scale `values`: interleaved, or one channel after the other."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise SerError(
            f'an audio message says that its rate is {rate} Hz, which is not in {LOWEST_RATE}..{HIGHEST_RATE}; '
            'its sender must say the real one'
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise SerError(
            f'an audio message says that it has {channels} channels, which is not in 1..{MOST_CHANNELS}; '
            'its sender must say the real number'
        )
    if not len(values):
        raise SerError('an audio message holds no samples; its sender must send only what it has captured')
    if len(values) % channels:
        raise SerError(
            f'an audio message has {len(values)} samples, which is no multiple of its {channels} channels; '
            'its sender must send whole frames and say the real number of channels'
        )
    scaled = _scaled(values)
    frames = scaled.reshape(channels, -1).T if by_channel else scaled.reshape(-1, channels)
    return AudioPacket(frames, int(rate), _seconds(stamp))


def _scaled(values: np.ndarray) -> np.ndarray:
    """Return samples of any type as float32, full scale -1..1; unsigned ones are silent at their middle."""
    kind, bits = values.dtype.kind, 8 * values.dtype.itemsize
    if kind == 'f':
        # What float32 cannot hold becomes infinite, and is taken for broken further on.
        with np.errstate(over='ignore', invalid='ignore'):
            return values.astype(np.float32)
    if kind == 'u':
        values = values.astype(np.int16) - 128
    return values.astype(np.float32) / np.float32(2 ** (bits - 1))


def _from_int24(content: np.ndarray, order: str) -> np.ndarray:
    """Return 3-byte samples (uint8, shape (3 n,)) as int32 whose lowest byte is 0: full scale is that of int32."""
    padded = np.zeros((len(content) // 3, 4), dtype=np.uint8)
    first = 1 if order == '<' else 0
    padded[:, first : first + 3] = content.reshape(-1, 3)
    return padded.reshape(-1).view(f'{order}i4')


def _as_array(data: Any, dtype: DTypeLike) -> np.ndarray:
    if isinstance(data, bytes | bytearray):
        return np.frombuffer(data, dtype=dtype)
    return np.ascontiguousarray(data, dtype=dtype)


def _seconds(stamp: Any) -> float | None:
    """Return a ROS time in seconds; None for none, and for the 0 of a header that was not stamped."""
    if stamp is None:
        return None
    seconds = stamp.sec + stamp.nanosec / _NANOSECONDS
    return seconds if seconds > 0.0 else None


def _fill_audio_data(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    message.data = array.array('B', levels.astype('<i2').tobytes())


def _fill_audio_data_stamped(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    _fill_header(message.header, stamp, frame_id)
    _fill_audio_data(message.audio, levels, rate, stamp, frame_id)


def _fill_audio_stamped(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    _fill_header(message.header, stamp, frame_id)
    _fill_bare_typed(message.audio.audio_data, levels, rate, stamp, frame_id)
    info = message.audio.info
    info.format, info.channels, info.rate, info.chunk = _PORTAUDIO_INT16, 1, rate, len(levels)


def _fill_bare_typed(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    message.int16_data = array.array('h', levels.tobytes())


def _fill_multi_array(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    message.data = array.array('h', levels.tobytes())


def _fill_header(header: Any, stamp: float, frame_id: str) -> None:
    header.stamp.sec, header.stamp.nanosec = divmod(round(stamp * _NANOSECONDS), _NANOSECONDS)
    header.frame_id = frame_id


AUDIO_TYPES = {
    'audio_common_msgs/msg/AudioDataStamped': AudioType(
        'audio', ROS_DRIVERS, True, _decode_audio_data_stamped, _fill_audio_data_stamped
    ),
    'audio_common_msgs/msg/AudioStamped': AudioType(
        'audio', _MGONZS13, False, _decode_audio_stamped, _fill_audio_stamped
    ),
    _AUDIO_DATA: AudioType('data', ROS_DRIVERS, True, _decode_audio_data, _fill_audio_data),
    'std_msgs/msg/Int16MultiArray': AudioType('data', 'ROS 2', False, _decode_multi_array, _fill_multi_array),
}
"""Every supported ROS type by its name, those with a stamp first."""

_BARE_TYPED = AudioType('int16_data', _MGONZS13, False, _decode_bare_typed, _fill_bare_typed)
"""mgonzs13's type of the name _AUDIO_DATA: a part of its AudioStamped that some nodes publish alone."""
