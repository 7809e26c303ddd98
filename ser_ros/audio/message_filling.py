# SPDX-License-Identifier: Apache-2.0
"""Fills the messages of each supported type with 16 bit mono samples.

Each function takes a message, its samples (int16, shape (n,)), their rate in Hz, the capture time of the first one in
seconds and the name of the microphone, as in `AudioType.fill`.
"""

import array
from typing import Any

import numpy as np

_NANOSECONDS = 1_000_000_000
_LATEST = 2**31 * _NANOSECONDS - 1
"""Nanoseconds; what a ROS time can hold."""
_PORTAUDIO_INT16 = 8
"""PortAudio's code of 16 bit samples."""


def fill_audio_data(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    """Fill ros-drivers' bytes; AudioInfo states their format."""
    message.data = array.array('B', levels.astype('<i2').tobytes())


def fill_audio_data_stamped(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    """Fill ros-drivers' bytes with a header."""
    _fill_header(message.header, stamp, frame_id)
    fill_audio_data(message.audio, levels, rate, stamp, frame_id)


def fill_audio_stamped(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    """Fill mgonzs13's message: the array of 16 bit samples, and its info."""
    _fill_header(message.header, stamp, frame_id)
    fill_bare_typed(message.audio.audio_data, levels, rate, stamp, frame_id)
    info = message.audio.info
    info.format, info.channels, info.rate, info.chunk = _PORTAUDIO_INT16, 1, rate, len(levels)


def fill_bare_typed(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    """Fill only mgonzs13's array of 16 bit samples."""
    message.int16_data = array.array('h', levels.tobytes())


def fill_multi_array(message: Any, levels: np.ndarray, rate: int, stamp: float, frame_id: str) -> None:
    """Fill an Int16MultiArray; one channel needs no dimensions."""
    message.data = array.array('h', levels.tobytes())


def _fill_header(header: Any, stamp: float, frame_id: str) -> None:
    header.stamp.sec, header.stamp.nanosec = divmod(min(max(round(stamp * _NANOSECONDS), 0), _LATEST), _NANOSECONDS)
    header.frame_id = frame_id
