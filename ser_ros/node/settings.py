# SPDX-License-Identifier: Apache-2.0
"""The node's parameters as frozen dataclasses, each for the part that it sets up."""

from collections.abc import Sequence
from dataclasses import dataclass

from rclpy.node import Node
from rclpy.parameter import Parameter

from ser_ros.audio.packets import StreamFormat
from ser_ros.mood.config import MoodConfig
from ser_ros.node.parameters import SPECS
from ser_ros.pipeline.gate import GateConfig
from ser_ros.recognition.adaptation import AdaptationConfig
from ser_ros.speech.rejection import RejectionConfig
from ser_ros.speech.segmenter import SegmentationConfig


@dataclass(frozen=True)
class AudioParameters:
    """Where sound comes from."""

    source: str
    device: str
    wait: bool
    file: str
    topic: str
    info_topic: str
    assumed: StreamFormat
    """Of messages that do not state theirs."""
    realtime: bool
    exit_at_end: bool
    channel: int
    frame_id: str


@dataclass(frozen=True)
class AdaptationParameters:
    """How the model gets used to what it hears, and the file that keeps it; nothing is kept if `file` is empty."""

    config: AdaptationConfig
    file: str


@dataclass(frozen=True)
class RecordParameters:
    """What is recorded; nothing if `directory` is empty."""

    directory: str
    max_megabytes: int


@dataclass(frozen=True)
class Ros4hriParameters:
    """Whether the voice is published as in REP-155; `voice_id`: of another node's voice, or '' for a new one."""

    enabled: bool
    voice_id: str


@dataclass(frozen=True)
class DirectionParameters:
    """Where it is published where voices come from; nothing is known if `topic` is empty."""

    topic: str
    type: str
    hold: float


@dataclass(frozen=True)
class SerParameters:
    """All parameters at one point in time."""

    model_path: str
    model_device: str
    model_backend: str
    audio: AudioParameters
    segmentation: SegmentationConfig
    rejection: RejectionConfig
    gate: GateConfig
    min_confidence: float
    chosen_labels: str
    """See choose_labels."""
    mood: MoodConfig
    adaptation: AdaptationParameters
    record: RecordParameters
    ros4hri: Ros4hriParameters
    voice_source: str
    direction: DirectionParameters
    marker_enabled: bool
    autostart: bool


def read_parameters(node: Node, changed: Sequence[Parameter] = ()) -> SerParameters:
    """Return the parameters of `node`, with those in `changed`, which are about to be set, already in place."""
    value = {spec.name: node.get_parameter(spec.name).value for spec in SPECS}
    value |= {parameter.name: parameter.value for parameter in changed if parameter.name in value}
    return SerParameters(
        model_path=value['model.path'],
        model_device=value['model.device'],
        model_backend=value['model.backend'],
        audio=AudioParameters(
            source=value['audio.source'],
            device=value['audio.device'],
            wait=value['audio.wait'],
            file=value['audio.file'],
            topic=value['audio.topic'],
            info_topic=value['audio.info_topic'],
            assumed=StreamFormat(value['audio.topic_rate'], value['audio.topic_channels']),
            realtime=value['audio.realtime'],
            exit_at_end=value['audio.exit_at_end'],
            channel=value['audio.channel'],
            frame_id=value['audio.frame_id'],
        ),
        segmentation=SegmentationConfig(
            threshold=value['vad.threshold'],
            min_speech=value['vad.min_speech'],
            end_silence=value['vad.end_silence'],
            pre_roll=value['vad.pre_roll'],
            max_utterance=value['vad.max_utterance'],
            interim_period=value['emotion.interim_period'],
        ),
        rejection=RejectionConfig(noise_margin=value['vad.noise_margin'], min_voice=value['vad.min_voice']),
        gate=GateConfig(
            hold_off=value['robot_speaking.hold_off'],
            lead=value['robot_speaking.lead'],
            timeout=value['robot_speaking.timeout'],
        ),
        min_confidence=value['emotion.min_confidence'],
        chosen_labels=value['emotion.labels'],
        mood=MoodConfig(memory=value['mood.memory'], hysteresis=value['mood.hysteresis']),
        adaptation=AdaptationParameters(
            AdaptationConfig(
                enabled=value['adaptation.enabled'],
                memory=value['adaptation.memory'],
                ordinary_share=value['adaptation.ordinary_share'],
            ),
            value['adaptation.file'],
        ),
        record=RecordParameters(value['record.directory'], value['record.max_megabytes']),
        ros4hri=Ros4hriParameters(value['ros4hri.enabled'], value['ros4hri.voice_id']),
        voice_source=value['voice.source'],
        direction=DirectionParameters(value['direction.topic'], value['direction.type'], value['direction.hold']),
        marker_enabled=value['marker.enabled'],
        autostart=value['autostart'],
    )
