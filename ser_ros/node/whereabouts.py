# SPDX-License-Identifier: Apache-2.0
"""Who speaks and where from, as other nodes know it."""

import contextlib

from rclpy.node import Node

from ser_ros.node.direction_input import DirectionInput
from ser_ros.node.directions import Directions
from ser_ros.node.fault_log import FaultLog
from ser_ros.node.settings import SerParameters
from ser_ros.node.subjects import Level, Subject
from ser_ros.node.voice_inputs import TrackedVoices, VoiceTopic
from ser_ros.pipeline.voices import Voices
from ser_ros.speech.segmenter import Utterance


class Whereabouts:
    """What one node was told of voices and directions; lives as long as the node is configured.

    Attributes:
        voices: For the pipeline.
    """

    def __init__(self, node: Node, settings: SerParameters, own_voice: str):
        """Create the subscriptions; `own_voice` is the voice of REP-155 that the node itself publishes, or ''.

        Raises SerError.
        """
        self.voices = Voices()
        self._faults = FaultLog(node.get_logger())
        self._directions = Directions(settings.direction.hold)
        self._voice_input: VoiceTopic | TrackedVoices
        if settings.voice_source == 'ros4hri':
            self._voice_input = TrackedVoices(node, self.voices, own_voice)
        else:
            self._voice_input = VoiceTopic(node, self.voices)
        self._direction_input = None
        with contextlib.ExitStack() as opened:
            opened.callback(self._voice_input.destroy)
            if settings.direction.topic:
                self._direction_input = DirectionInput(
                    node, settings.direction, settings.audio.frame_id, self._directions
                )
            opened.pop_all()

    def configure(self, settings: SerParameters) -> None:
        """Use `settings` from the next utterance on."""
        self._directions.hold = settings.direction.hold

    def direction_of(self, utterance: Utterance) -> float:
        """Return where `utterance` came from: radians in [-pi, pi); NaN if it is not known."""
        return self._directions.of(utterance)

    @property
    def problem(self) -> str:
        """One sentence, logged once, while the direction cannot be known; '' otherwise."""
        problem = self._direction_input.look() if self._direction_input is not None else ''
        level = Level.WARN if problem else Level.OK
        self._faults.look(Subject('direction', level, problem or 'it can be known', {}))
        return problem

    def destroy(self) -> None:
        """Take everything off the node."""
        self._voice_input.destroy()
        if self._direction_input is not None:
            self._direction_input.destroy()
