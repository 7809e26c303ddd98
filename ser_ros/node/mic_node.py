# SPDX-License-Identifier: Apache-2.0
"""The node `microphone`: publishes what a microphone hears, for a `ser` node on this or another machine."""

import threading
import traceback
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data
from rclpy.task import Future

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.microphone import MicrophoneSource
from ser_ros.audio.pace import Pace
from ser_ros.audio.packets import AUDIO_TYPES, encode, encode_info
from ser_ros.audio.supervised import SupervisedSource
from ser_ros.node.audio_topic import installed_types, load_info, load_message
from ser_ros.node.diagnostics import to_status
from ser_ros.node.fault_log import FaultLog
from ser_ros.node.names import FRAME
from ser_ros.node.node_time import NodeTime
from ser_ros.node.parameter_spec import ParameterSpec, declare_parameters
from ser_ros.node.parameters import SPECS as NODE_SPECS
from ser_ros.node.stray_parameters import unknown_parameters
from ser_ros.node.subjects import MICROPHONE, Level, Subject

AUTO = 'auto'

SPECS = (
    ParameterSpec('audio.device', '', 'Microphone: its index or a part of its name; empty for the default one.'),
    ParameterSpec(
        'audio.wait', True, 'Wait for a microphone that is not connected yet; false: it must be connected at the start.'
    ),
    ParameterSpec('audio.channel', 0, 'Channel to publish, from 0; -1 for the mean of all.', -1, 255),
    ParameterSpec('audio.frame_id', 'microphone', 'Name of the microphone in message headers.', rule=FRAME),
    ParameterSpec(
        'message',
        AUTO,
        f'Type of the messages: auto (the most informative one that is installed), {", ".join(AUDIO_TYPES)}.',
        pattern='|'.join((AUTO, *AUDIO_TYPES)),
    ),
)

_LATCHED_QOS = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_PERIOD = 1.0
"""Seconds between diagnostics, and between repetitions of AudioInfo for subscribers that request no latched
messages."""
_READ_TIMEOUT = 0.1
_LONGEST_READ = 1.0
"""Seconds after which a driver that does not return is abandoned."""


class MicNode(Node):
    """Publishes one channel of one microphone on `audio`, at 16 kHz, as long as it runs.

    Every message is stamped with the capture time of its first sample; lost sound shows as a gap between stamps. For
    types whose format is given by AudioInfo, that is published on `audio_info`. A microphone that fails is reopened,
    which `diagnostics` report. A separate thread reads and publishes; all other ROS calls are made by the executor's
    thread.
    """

    def __init__(self, **node_options: Any):
        """Open the microphone and start publishing; `node_options` are those of rclpy's Node. Raises SerError."""
        super().__init__('microphone', **node_options)
        declare_parameters(self, SPECS, read_only=True)
        for sentence in unknown_parameters(self, known_elsewhere=[spec.name for spec in NODE_SPECS]):
            self.get_logger().warning(sentence)
        wanted = self.get_parameter('message').value
        self._type = installed_types()[0] if wanted == AUTO else wanted
        self._message, self._kind = load_message(self._type)
        self._frame_id = self.get_parameter('audio.frame_id').value
        self._time = NodeTime(self)
        self._source = SupervisedSource(
            MicrophoneSource(
                self.get_parameter('audio.device').value,
                channel=self.get_parameter('audio.channel').value,
                clock=self._time.seconds,
            ),
            waits=self.get_parameter('audio.wait').value,
        )
        self._source.open()
        self.finished = Future()
        """Done, with the exit code, when reading has failed for good."""
        self._blocks = 0
        self._faults = FaultLog(self.get_logger())
        self._audio = self.create_publisher(self._message, 'audio', qos_profile_sensor_data)
        self._info = None
        if self._kind.needs_info and (info := load_info()) is not None:
            self._info = self.create_publisher(info, 'audio_info', _LATCHED_QOS)
        self._diagnostics = self.create_publisher(DiagnosticArray, 'diagnostics', QoSProfile(depth=10))
        self._report()
        self.create_timer(_PERIOD, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._failed = self.create_guard_condition(lambda: self.finished.set_result(1))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._publish_all, name='microphone', daemon=True)
        self._thread.start()
        self.get_logger().info(f'publishing {self._type} on {self._audio.topic_name}: {self._source.description}')

    def destroy_node(self) -> None:
        """Stop the thread and release the microphone before the node is destroyed."""
        self._stopping.set()
        self._thread.join(_LONGEST_READ)
        super().destroy_node()  # type: ignore[no-untyped-call]  # rclpy gives it no types

    def _publish_all(self) -> None:
        # Receivers take stamps that jitter on a busy machine for missing or reordered sound.
        pace = Pace()
        try:
            self._source.start()
            while not self._stopping.is_set():
                block = self._source.read(_READ_TIMEOUT)
                if block is not None and len(block.samples):
                    start_time = pace.follow(block.start_time, block.duration, after_gap=block.after_gap)
                    # A clock that stands still has the one stamp by which receivers see that: 0 before it began.
                    self._publish(block.samples, start_time if self._time.passes else self._time.seconds())
        except Exception:
            if self.context.ok():
                self.get_logger().error(traceback.format_exc())
                self._failed.trigger()
        finally:
            self._source.close()

    def _publish(self, samples: np.ndarray, start_time: float) -> None:
        message = encode(
            self._kind, self._message, samples, rate=SAMPLE_RATE, stamp=start_time, frame_id=self._frame_id
        )
        self._audio.publish(message)
        self._blocks += 1

    def _report(self) -> None:
        if self._info is not None:
            kind: Any = self._info.msg_type
            self._info.publish(encode_info(kind, rate=SAMPLE_RATE))
        problem, time_problem = self._source.problem, self._time.look()
        values = {'source': self._source.description, 'message': self._type, 'published': self._blocks}
        level, message = (Level.WARN, time_problem) if time_problem else (Level.OK, 'publishing')
        level, message = (Level.ERROR, problem) if problem else (level, message)
        subject = Subject(MICROPHONE, level, message, values | self._source.losses)
        self._faults.look(subject)
        name = self.get_fully_qualified_name().lstrip('/')
        array = DiagnosticArray(status=[to_status(subject, name)])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)
