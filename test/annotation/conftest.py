# SPDX-License-Identifier: Apache-2.0
"""What the tests of annotations share: the demo's recording, a model that is quick, made bags."""

import json

import numpy as np
import pytest
import soundfile
from rosbags.rosbag2 import CompressionFormat, Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from ser_ros.emotions import LABELS
from ser_ros.recognition.estimate import Estimate
from ser_ros.resources import share_folder


class CountingRecogniser:
    """Answers the labels in turn, always with the same confidence, whatever it was given to learn from."""

    labels = LABELS
    name = 'counting'
    prior = None
    confidence = 0.65

    def __init__(self):
        self.heard = []
        self.learned = []

    def classify(self, samples: np.ndarray, cancellation=None, voice='') -> Estimate:
        probabilities = np.full(len(LABELS), (1 - self.confidence) / (len(LABELS) - 1), dtype=np.float32)
        probabilities[len(self.heard) % len(LABELS)] = self.confidence
        self.heard.append(samples)
        return Estimate(LABELS, probabilities, inference_time=0.0)

    def hear(self, estimate: Estimate) -> None:
        self.learned.append(estimate)


@pytest.fixture
def recogniser():
    return CountingRecogniser()


@pytest.fixture(scope='session')
def recording():
    """The path of the demo's recording: six utterances, 16 kHz."""
    return share_folder() / 'demo' / 'recording.flac'


@pytest.fixture(scope='session')
def said(recording):
    """What is said in it: start and duration in seconds."""
    return json.loads(recording.with_suffix('.json').read_text())['utterances']


DEFINITIONS = {
    'drivers': {
        'audio_common_msgs/msg/AudioData': 'uint8[] data',
        'audio_common_msgs/msg/AudioDataStamped': 'std_msgs/Header header\naudio_common_msgs/AudioData audio',
        'audio_common_msgs/msg/AudioInfo': 'uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\n'
        'string coding_format',
    },
    'typed': {
        'audio_common_msgs/msg/AudioData': 'float32[] float32_data\nint32[] int32_data\nint16[] int16_data\n'
        'int8[] int8_data\nuint8[] uint8_data',
        'audio_common_msgs/msg/AudioInfo': 'int32 format\nint32 channels\nint32 rate\nint32 chunk',
        'audio_common_msgs/msg/Audio': 'audio_common_msgs/AudioData audio_data\naudio_common_msgs/AudioInfo info',
        'audio_common_msgs/msg/AudioStamped': 'std_msgs/Header header\naudio_common_msgs/Audio audio',
    },
}
"""The fields of both packages that are called audio_common_msgs, ros-drivers' and mgonzs13's."""

START = 1_700_000_000.0
"""Seconds; capture time of the first sample in made bags."""

TRANSPORT = 0.05
"""Seconds from the capture of a block's last sample to its reception in made bags."""

BLOCK = 1024
"""Samples in a message of made bags."""


def make_store(family: str = ''):
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for name, definition in DEFINITIONS.get(family, {}).items():
        types |= get_types_from_msg(definition, name)
    store.register(types)
    return store


class BagMaker:
    """Writes a bag with the demo's sound, among other topics, in one of five forms; TypedData: mgonzs13's AudioData."""

    def __init__(
        self, path, recording, *, form='Int16MultiArray', mcap=False, topic='/audio', info_topic='/audio_info'
    ):
        self.path = path
        self.form = form
        self.store = make_store(
            {'AudioStamped': 'typed', 'TypedData': 'typed', 'Int16MultiArray': ''}.get(form, 'drivers')
        )
        self.types = self.store.types
        self.sound = soundfile.read(recording, dtype='int16')[0]
        self.mcap = mcap
        self.topic = topic
        self.info_topic = info_topic

    def header(self, at: float):
        time = self.types['builtin_interfaces/msg/Time'](sec=int(at), nanosec=round(at % 1 * 1e9) % 1_000_000_000)
        return self.types['std_msgs/msg/Header'](stamp=time, frame_id='left ear')

    def message(self, samples: np.ndarray, at: float):
        """Return (type, message) for int16 samples that were captured at `at`."""
        types, package = self.types, 'audio_common_msgs/msg/'
        if self.form == 'Int16MultiArray':
            layout = types['std_msgs/msg/MultiArrayLayout'](dim=[], data_offset=0)
            return 'std_msgs/msg/Int16MultiArray', types['std_msgs/msg/Int16MultiArray'](layout=layout, data=samples)
        if self.form in ('AudioStamped', 'TypedData'):
            empty = {f'{kind}_data': np.array([], dtype=kind) for kind in ('float32', 'int32', 'int8', 'uint8')}
            data = types[f'{package}AudioData'](int16_data=samples, **empty)
            if self.form == 'TypedData':
                return f'{package}AudioData', data
            info = types[f'{package}AudioInfo'](format=8, channels=1, rate=16_000, chunk=len(samples))
            audio = types[f'{package}Audio'](audio_data=data, info=info)
            return f'{package}AudioStamped', types[f'{package}AudioStamped'](header=self.header(at), audio=audio)
        data = types[f'{package}AudioData'](data=np.frombuffer(samples.tobytes(), dtype=np.uint8))
        if self.form == 'AudioData':
            return f'{package}AudioData', data
        return f'{package}AudioDataStamped', types[f'{package}AudioDataStamped'](header=self.header(at), audio=data)

    def info(self, coding_format='wave'):
        return self.types['audio_common_msgs/msg/AudioInfo'](
            channels=1, sample_rate=16_000, sample_format='S16LE', bitrate=256_000, coding_format=coding_format
        )

    def packets(self, length=BLOCK):
        """Return [(capture time of the first sample, samples)]."""
        return [(START + at / 16_000, self.sound[at : at + length]) for at in range(0, len(self.sound), length)]

    def write(self, packets=None, *, received=None, chatter=True, compression=None, coding_format='wave', info=True):
        """Write the bag; `received` are the times to which the transport and a packet's length are still added."""
        packets = self.packets() if packets is None else packets
        received = received or [at for at, _ in packets]
        plugin = StoragePlugin.MCAP if self.mcap else StoragePlugin.SQLITE3
        writer = Writer(self.path, version=9, storage_plugin=plugin)
        if compression:
            writer.set_compression(compression, CompressionFormat.ZSTD)
        writer.set_custom_data('robot', 'r2')
        with writer:
            messages = []
            for (at, samples), begun in zip(packets, received, strict=True):
                kind, message = self.message(samples, at)
                messages.append((begun + len(samples) / 16_000 + TRANSPORT, self.topic, kind, message))
            if info and self.form in ('AudioData', 'AudioDataStamped'):
                kind = 'audio_common_msgs/msg/AudioInfo'
                messages.append((START, self.info_topic, kind, self.info(coding_format)))
            if chatter:
                string = self.types['std_msgs/msg/String']
                messages += [
                    (START + at / 3, '/chatter', 'std_msgs/msg/String', string(data=f'word {at}')) for at in range(90)
                ]
            messages.sort(key=lambda message: message[0])
            connections = {}
            for at, topic, kind, message in messages:
                if topic not in connections:
                    connections[topic] = writer.add_connection(topic, kind, typestore=self.store)
                writer.write(connections[topic], round(at * 1e9), self.store.serialize_cdr(message, kind))
        return self.path


@pytest.fixture
def make_bag(tmp_path, recording):
    """Return make(name, **options): a BagMaker for a bag in the test's folder."""

    def make(name='bag', **options) -> BagMaker:
        return BagMaker(tmp_path / name, recording, **options)

    return make


@pytest.fixture
def contents():
    """Return read(bag, without): [(topic, type, definition, QoS, nanoseconds, data)] of all messages."""

    def read(path, without=()):
        with Reader(path) as reader:
            return [
                (found.topic, found.msgtype, found.msgdef, found.ext, at, data)
                for found, at, data in reader.messages()
                if found.topic not in without
            ]

    return read
