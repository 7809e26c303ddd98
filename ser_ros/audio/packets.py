# SPDX-License-Identifier: Apache-2.0
"""Sound as it travels in messages: what is read from each of the supported types, and how they are filled.

Uses only the fields of messages, so that those of rclpy and of rosbags both work; arrays may be of numpy, `array`,
bytes or lists. If a message does not hold what its type promises, `SerError` says what its sender must change.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser_ros.audio.message_filling import (
    fill_audio_data,
    fill_audio_data_stamped,
    fill_audio_stamped,
    fill_bare_typed,
    fill_multi_array,
)
from ser_ros.audio.mp3 import is_mp3
from ser_ros.audio.resampling import HIGHEST_RATE, LOWEST_RATE
from ser_ros.audio.sample_formats import SAMPLE_FORMATS, as_array, from_int24, scaled
from ser_ros.errors import SerError

INFO_TYPE = 'audio_common_msgs/msg/AudioInfo'
"""ROS type of the message that states the format of those that do not state it themselves."""

ROS_DRIVERS = 'github.com/ros-drivers/audio_common'
_MGONZS13 = 'github.com/mgonzs13/audio_common'
"""The two that have a package audio_common_msgs."""

MOST_CHANNELS = 256

_AUDIO_DATA = 'audio_common_msgs/msg/AudioData'
"""The type name that both packages have."""

_NANOSECONDS = 1_000_000_000
_WAVE = 'wave'
_CURE = 'start the capture node with the parameters format:=wave and sample_format:=S16LE'
"""Those of audio_capture_node in ros-drivers/audio_common, branch ros2, whose default is format:=mp3."""

_PORTAUDIO_FORMATS = {1: 'float32', 2: 'int32', 8: 'int16', 16: 'int8', 32: 'uint8'}
"""PortAudio's codes, in AudioStamped's info.format, and numpy's names. Its 4 (24 bit) has no field in the message."""


@dataclass(frozen=True, eq=False)
class AudioPacket:
    """What one audio message holds.

    Attributes:
        frames: float32, shape (n, channels), full scale is -1..1.
        rate: Hz.
        stamp: Seconds; capture time of the first frame on the sender's clock, None if the message has none.
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
    """The format assumed for messages that do not state it; the names are AudioInfo's.

    Attributes:
        sample_rate: Hz.
        channels: Interleaved.
        sample_format: What the bytes hold, one of SAMPLE_FORMATS.
    """

    sample_rate: int = 16_000
    channels: int = 1
    sample_format: str = 'S16LE'
    coding_format: str = _WAVE


@dataclass(frozen=True)
class AudioType:
    """A ROS message type that holds sound.

    Attributes:
        field: One that distinguishes it from another package's type of the same name.
        origin: Where its package comes from, for people.
        needs_info: Whether `AudioInfo` states its format.
        decode: (message, its AudioInfo or the assumed one) -> packet.
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
        """`assumed`: the format of messages that do not state theirs; 16 kHz mono by default."""
        self._type = audio_type
        self._assumed = assumed or StreamFormat()
        self._info = None if audio_type.needs_info else self._assumed

    @property
    def needs_info(self) -> bool:
        """Whether nothing can be decoded before `note_info`."""
        return self._type.needs_info

    def note_info(self, info: Any) -> None:
        """Use an AudioInfo for the packets that follow; `decode` checks it."""
        self._info = info

    def do_without_info(self) -> None:
        """Use the assumed format until an AudioInfo comes after all."""
        self._info = self._info or self._assumed

    def decode(self, message: Any) -> AudioPacket | None:
        """Return what `message` holds, None while its AudioInfo has not come. Raises SerError."""
        return None if self._info is None else self._type.decode(message, self._info)


def audio_type(name: str, fields: Iterable[str]) -> AudioType | None:
    """Return how messages of the ROS type `name`, one of AUDIO_TYPES, that have these `fields` are read.

    None if they belong to another package of the same name.
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
    # The highest step is lost: 16 bits end at 32767.
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
    """Decode ros-drivers' messages: bytes whose format AudioInfo states."""
    if info.coding_format.lower() != _WAVE:
        raise SerError(
            f'the audio messages are coded as {info.coding_format!r:.40}, which is not read here, only wave; {_CURE}'
        )
    name = info.sample_format.upper()
    if name not in SAMPLE_FORMATS:
        raise SerError(
            f'the audio messages have samples of format {info.sample_format!r:.40}, which is none of '
            f'{" ".join(SAMPLE_FORMATS)}; {_CURE}'
        )
    code = SAMPLE_FORMATS[name]
    content = as_array(data, np.uint8)
    if is_mp3(content.tobytes()):
        raise SerError(f'the audio messages hold MP3, which is not read here, only wave; {_CURE}')
    width = int(code[-1])
    if len(content) % width:
        raise SerError(
            f'an audio message has {len(content)} bytes, which is not a multiple of the {width} that a sample of '
            f'{name} takes; the AudioInfo must be that of the same capture node'
        )
    values = from_int24(content, code[0]) if width == 3 else content.view(code)
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
    return _packet(as_array(getattr(data, f'{name}_data'), name), info.channels, info.rate, message.header.stamp)


def _decode_bare_typed(message: Any, assumed: Any) -> AudioPacket:
    """Decode only mgonzs13's arrays: the one that is filled gives the sample type; the rest is not stated."""
    filled = _filled(message)
    if len(filled) > 1:
        raise SerError(f'an audio message has {" and ".join(filled)} samples; its sender must fill only one array')
    name = filled[0] if filled else 'int16'
    values = as_array(getattr(message, f'{name}_data'), name)
    return _packet(values, assumed.channels, assumed.sample_rate, None)


def _filled(data: Any) -> list[str]:
    return [name for name in _PORTAUDIO_FORMATS.values() if len(getattr(data, f'{name}_data'))]


def _decode_multi_array(message: Any, assumed: Any) -> AudioPacket:
    """Decode an Int16MultiArray: dimensions, if it names any, are [channels], [frames, channels] or the reverse."""
    dimensions = message.layout.dim
    labels = [dimension.label.lower() for dimension in dimensions]
    if len(labels) > 2:
        raise SerError(
            f'an Int16MultiArray has {len(labels)} dimensions; its sender must name two at most, frames and channels'
        )
    values = as_array(message.data, np.int16)[message.layout.data_offset :]
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
            f'an audio message has {len(values)} samples, which is not a multiple of its {channels} channels; '
            'its sender must send whole frames and say the real number of channels'
        )
    samples = scaled(values)
    frames = samples.reshape(channels, -1).T if by_channel else samples.reshape(-1, channels)
    return AudioPacket(frames, int(rate), _seconds(stamp))


def _seconds(stamp: Any) -> float | None:
    """Return a ROS time in seconds; None for none, and for the 0 of a header that was not stamped."""
    if stamp is None:
        return None
    seconds = stamp.sec + stamp.nanosec / _NANOSECONDS
    return seconds if seconds > 0.0 else None


AUDIO_TYPES = {
    'audio_common_msgs/msg/AudioDataStamped': AudioType(
        'audio', ROS_DRIVERS, True, _decode_audio_data_stamped, fill_audio_data_stamped
    ),
    'audio_common_msgs/msg/AudioStamped': AudioType(
        'audio', _MGONZS13, False, _decode_audio_stamped, fill_audio_stamped
    ),
    _AUDIO_DATA: AudioType('data', ROS_DRIVERS, True, _decode_audio_data, fill_audio_data),
    'std_msgs/msg/Int16MultiArray': AudioType('data', 'ROS 2', False, _decode_multi_array, fill_multi_array),
}
"""Every supported ROS type by its name, those with a stamp first."""

_BARE_TYPED = AudioType('int16_data', _MGONZS13, False, _decode_bare_typed, fill_bare_typed)
"""mgonzs13's type of the name _AUDIO_DATA: a part of its AudioStamped that some nodes publish by itself."""
