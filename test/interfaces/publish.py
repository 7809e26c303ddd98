# SPDX-License-Identifier: Apache-2.0
"""Publishes a sound file as a capture node would, in one of the supported message types; a program for tests.

    python publish.py '{"type": "audio_common_msgs/msg/AudioStamped", "file": "recording.flac"}'

It says `ready` when its publisher is there, and begins at a line on its standard input, as soon as anybody listens.
Options, all in that one JSON object: `info` (true: AudioInfo beside ros-drivers' AudioData and AudioDataStamped),
`gaps` ([[from, to], ...] in seconds: not published), `speed` (1.0: at the sound's own pace), `coding` (of AudioInfo),
`again` ([n, ...]: messages published twice), `late` ([n, ...]: messages published after the next one).
"""

import array
import json
import sys
import threading
import time

import rclpy
import soundfile
from rclpy.qos import qos_profile_sensor_data

LENGTH = 1024


def import_message(type_name: str) -> type:
    """Return the class of a message."""
    package, _, name = type_name.split('/')
    return getattr(__import__(f'{package}.msg', fromlist=[name]), name)


def fill(message, kind: str, levels, rate: int, stamp: float):
    """Fill the fields as the two capture nodes do."""
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
    """Publish, and end at the end of the file."""
    defaults = {'info': True, 'gaps': [], 'speed': 1.0, 'coding': 'wave', 'again': [], 'late': []}
    options = defaults | json.loads(sys.argv[1])
    kind = options['type'].rpartition('/')[2]
    levels, rate = soundfile.read(options['file'], dtype='int16')
    rclpy.init()
    node = rclpy.create_node('capture')
    message_class = import_message(options['type'])
    publisher = node.create_publisher(message_class, 'audio', qos_profile_sensor_data)
    if kind.startswith('AudioData') and not hasattr(message_class, 'int16_data') and options['info']:
        info = import_message('audio_common_msgs/msg/AudioInfo')(
            channels=1, sample_rate=rate, sample_format='S16LE', bitrate=16 * rate, coding_format=options['coding']
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
    for late in options['late']:
        numbers[late], numbers[late + 1] = numbers[late + 1], numbers[late]
    for place, number in enumerate(numbers):
        at = number * LENGTH / rate
        end = (place + 1) * LENGTH / rate
        time.sleep(max(0.0, begun + end / options['speed'] - time.monotonic()))
        if any(start <= at < stop for start, stop in options['gaps']):
            continue
        piece = levels[number * LENGTH : (number + 1) * LENGTH]
        for _ in range(2 if number in options['again'] else 1):
            publisher.publish(fill(message_class(), kind, piece, rate, begun_wall + at))
    print(f'done {begun_wall}', flush=True)
    sys.stdin.readline()


main()
