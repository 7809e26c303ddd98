# SPDX-License-Identifier: Apache-2.0
"""Publishes a sound file as a capture node would, in one of the supported message types.

    python -m ser_ros.testing.capture_node '{"type": "audio_common_msgs/msg/AudioStamped", "file": "recording.flac"}'

The argument is `CaptureOptions` as JSON. It prints `ready` when its publisher exists, starts at a line on its standard
input, once there is a subscriber, prints `done` and the capture time of the first sample, and ends at another line.
"""

import array
import importlib
import json
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import rclpy
import soundfile
from rclpy.qos import qos_profile_sensor_data

LENGTH = 1024
"""Samples in each message."""


@dataclass(frozen=True)
class CaptureOptions:
    """What is published, and with which faults.

    Attributes:
        type: of the messages.
        file: the sound, mono.
        info: publish AudioInfo with ros-drivers' AudioData and AudioDataStamped.
        coding: what AudioInfo states about the bytes.
        gaps: (from, to) in seconds of the file, not published.
        again: numbers of messages that are published twice.
        late: numbers of messages that are published after the next one.
    """

    type: str
    file: str
    info: bool = True
    coding: str = 'wave'
    gaps: tuple[tuple[float, float], ...] = ()
    again: tuple[int, ...] = ()
    late: tuple[int, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the type without its package."""
        return self.type.rpartition('/')[2]


def message_class(type_name: str) -> Any:
    """Return the class of a message type, as `std_msgs/msg/Bool`."""
    package, _, name = type_name.split('/')
    return getattr(importlib.import_module(f'{package}.msg'), name)


def fill(message: Any, kind: str, levels: np.ndarray, rate: int, stamp: float) -> Any:
    """Fill in `levels` (int16, shape (n,), `rate` Hz) as the two capture nodes do; `stamp` in seconds."""
    if hasattr(message, 'header'):
        message.header.stamp.sec = int(stamp)
        message.header.stamp.nanosec = int(stamp % 1 * 1e9)
    if kind == 'Int16MultiArray':
        message.data = array.array('h', levels.tobytes())
    elif kind == 'AudioData' and hasattr(message, 'int16_data'):
        message.int16_data = array.array('h', levels.tobytes())
    elif kind == 'AudioData':
        message.data = array.array('B', levels.tobytes())
    elif kind == 'AudioDataStamped':
        message.audio.data = array.array('B', levels.tobytes())
    elif kind == 'AudioStamped':
        message.audio.audio_data.int16_data = array.array('h', levels.tobytes())
        message.audio.info.format = 8
        message.audio.info.channels = 1
        message.audio.info.rate = rate
        message.audio.info.chunk = len(levels)
    return message


def main() -> None:
    """Publish the file."""
    options = CaptureOptions(**json.loads(sys.argv[1]))
    levels, rate = soundfile.read(options.file, dtype='int16')
    rclpy.init()
    node = rclpy.create_node('capture')
    made = message_class(options.type)
    publisher = node.create_publisher(made, 'audio', qos_profile_sensor_data)
    if options.info and options.kind.startswith('AudioData') and not hasattr(made, 'int16_data'):
        info = message_class('audio_common_msgs/msg/AudioInfo')(
            channels=1, sample_rate=rate, sample_format='S16LE', bitrate=16 * rate, coding_format=options.coding
        )
        info_publisher = node.create_publisher(type(info), 'audio_info', 1)
        node.create_timer(0.2, lambda: info_publisher.publish(info))
    threading.Thread(target=rclpy.spin, args=(node,), daemon=True).start()
    print('ready', flush=True)
    sys.stdin.readline()
    while publisher.get_subscription_count() == 0:
        time.sleep(0.02)
    begun, begun_wall = time.monotonic(), time.time()
    numbers = list(range(len(levels) // LENGTH))
    for late in options.late:
        numbers[late], numbers[late + 1] = numbers[late + 1], numbers[late]
    for place, number in enumerate(numbers):
        at, end = number * LENGTH / rate, (place + 1) * LENGTH / rate
        time.sleep(max(0.0, begun + end - time.monotonic()))
        if any(start <= at < stop for start, stop in options.gaps):
            continue
        piece = levels[number * LENGTH : (number + 1) * LENGTH]
        for _ in range(2 if number in options.again else 1):
            publisher.publish(fill(made(), options.kind, piece, rate, begun_wall + at))
    print(f'done {begun_wall}', flush=True)
    sys.stdin.readline()


if __name__ == '__main__':
    main()
