# SPDX-License-Identifier: Apache-2.0
"""The node's parameters: listed once, with descriptions and ranges, and read into frozen dataclasses."""

from collections.abc import Sequence
from dataclasses import dataclass

from rclpy.node import Node
from rclpy.parameter import Parameter

from ser_ros.audio.packets import StreamFormat
from ser_ros.bring_up import AUDIO_SOURCES
from ser_ros.mood.config import MoodConfig
from ser_ros.node.mood_parameters import MOOD_SPECS, mood_config
from ser_ros.node.names import FRAME, TOPIC, VOICE_ID
from ser_ros.node.parameter_spec import ParameterSpec
from ser_ros.pipeline.gate import GateConfig
from ser_ros.recognition.adaptation import AdaptationConfig
from ser_ros.recognition.backend import BACKENDS
from ser_ros.recognition.device import DEVICE_PATTERN
from ser_ros.speech.rejection import RejectionConfig
from ser_ros.speech.segmenter import SegmentationConfig

_S = SegmentationConfig()
_G = GateConfig()
_R = RejectionConfig()
_A = AdaptationConfig()

SPECS = (
    ParameterSpec(
        'model.path', '', 'Model folder, or the name of a model made by `train`; empty for the embedded default.'
    ),
    ParameterSpec(
        'model.device',
        'auto',
        'Where the model runs: auto, cpu, cuda or cuda:N; in half precision on a GPU.',
        pattern=DEVICE_PATTERN,
    ),
    ParameterSpec(
        'model.backend',
        'auto',
        'What runs the model: torch, onnx (on the CPU, the form that `optimize` made) or auto: onnx if available.',
        pattern='|'.join(BACKENDS),
    ),
    ParameterSpec(
        'audio.source',
        'microphone',
        'Where sound comes from: microphone, topic or file.',
        pattern='|'.join(AUDIO_SOURCES),
    ),
    ParameterSpec('audio.device', '', 'Microphone: its index or a part of its name; empty for the default one.'),
    ParameterSpec(
        'audio.wait', True, 'Wait for a microphone that is not connected yet; false: it must be connected at the start.'
    ),
    ParameterSpec('audio.file', '', 'WAV or FLAC file to listen to when audio.source is file.'),
    ParameterSpec('audio.topic', 'audio', 'Topic with audio messages when audio.source is topic.', rule=TOPIC),
    ParameterSpec(
        'audio.info_topic',
        'audio_info',
        'Topic with AudioInfo for messages that do not say their format.',
        rule=TOPIC,
    ),
    ParameterSpec(
        'audio.topic_rate',
        16_000,
        'Hz; rate of messages that do not state it: Int16MultiArray, and AudioData without AudioInfo.',
        4_000,
        384_000,
    ),
    ParameterSpec('audio.topic_channels', 1, 'Channels of messages that do not state them, interleaved.', 1, 256),
    ParameterSpec('audio.realtime', True, 'Play the file in real time; false: as fast as possible.'),
    ParameterSpec('audio.exit_at_end', True, 'End the node, with exit code 0, when the whole file has been answered.'),
    ParameterSpec('audio.channel', 0, 'Channel to listen to, from 0; -1 for the mean of all.', -1, 255),
    ParameterSpec('audio.frame_id', 'microphone', 'Name of the microphone in message headers.', rule=FRAME),
    ParameterSpec(
        'vad.threshold',
        _S.threshold,
        'Speech probability at which a voice begins; it ends at 0.15 less.',
        0.05,
        0.95,
        live=True,
    ),
    ParameterSpec('vad.min_speech', _S.min_speech, 'Seconds; less speech is ignored.', 0.05, 2.0, live=True),
    ParameterSpec('vad.end_silence', _S.end_silence, 'Seconds of silence that end an utterance.', 0.1, 5.0, live=True),
    ParameterSpec('vad.pre_roll', _S.pre_roll, 'Seconds before the onset that the model hears.', 0.0, 2.0, live=True),
    ParameterSpec(
        'vad.max_utterance',
        _S.max_utterance,
        'Seconds; a longer utterance is cut and published, and the next begins at once.',
        1.0,
        30.0,
        live=True,
    ),
    ParameterSpec(
        'vad.noise_margin',
        _R.noise_margin,
        'Decibels by which speech must be louder than the room; 0 accepts the softest.',
        0.0,
        40.0,
        live=True,
    ),
    ParameterSpec(
        'vad.min_voice',
        _R.min_voice,
        'Least probability that a person spoke; an utterance below it is noise. 0 accepts everything.',
        0.0,
        1.0,
        live=True,
    ),
    ParameterSpec(
        'emotion.min_confidence', 0.5, 'Below this probability the emotion is `unknown`.', 0.0, 1.0, live=True
    ),
    ParameterSpec(
        'emotion.interim_period',
        _S.interim_period,
        'Seconds between interim messages while someone is speaking; 0 for none.',
        0.0,
        10.0,
        live=True,
    ),
    *MOOD_SPECS,
    ParameterSpec(
        'adaptation.enabled',
        _A.enabled,
        'Get used to the voices and the room; the model folder must have an adaptation.npz, as `train` writes it.',
        live=True,
    ),
    ParameterSpec(
        'adaptation.memory',
        _A.memory,
        'Utterances; what was heard before the last so many loses its weight.',
        4,
        100_000,
        live=True,
    ),
    ParameterSpec(
        'adaptation.file',
        '',
        'File that keeps what was heard over restarts: sums over utterances, never sound; empty: nothing is kept.',
    ),
    ParameterSpec(
        'robot_speaking.hold_off',
        _G.hold_off,
        'Seconds without listening once the robot has spoken.',
        0.0,
        10.0,
        live=True,
    ),
    ParameterSpec(
        'robot_speaking.lead',
        _G.lead,
        'Seconds for which the robot may have been audible before it reports that it speaks.',
        0.0,
        2.0,
        live=True,
    ),
    ParameterSpec(
        'robot_speaking.timeout',
        _G.timeout,
        'Seconds after which a true that is not repeated ends; 0 for never. It ends at once if its publisher is gone.',
        0.0,
        3600.0,
        live=True,
    ),
    ParameterSpec('record.directory', '', 'Folder into which every utterance is recorded; empty: nothing is recorded.'),
    ParameterSpec(
        'record.max_megabytes', 1000, 'MB that record.directory may hold; recording then ends.', 1, 1_000_000
    ),
    ParameterSpec('ros4hri.enabled', False, 'Also publish the voice as in REP-155 (needs hri_msgs).'),
    ParameterSpec(
        'ros4hri.voice_id',
        '',
        "Id of another node's voice that the emotions are attached to; empty: this node's own voice.",
        rule=VOICE_ID,
    ),
    ParameterSpec('autostart', True, 'Configure and activate at start, without a lifecycle manager.'),
)

_BY_NAME = {spec.name: spec for spec in SPECS}


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
    mood: MoodConfig
    adaptation: AdaptationParameters
    record: RecordParameters
    ros4hri: Ros4hriParameters
    autostart: bool


def check_parameter(parameter: Parameter) -> None:
    """Raise SerError if the value breaks the parameter's pattern or rule; rclpy checks types and ranges."""
    if parameter.name in _BY_NAME:
        _BY_NAME[parameter.name].check(parameter)


def takes_effect_at_once(name: str) -> bool:
    """Return whether changing `name` needs no new configuration; true for parameters that are not listed here."""
    return name not in _BY_NAME or _BY_NAME[name].live


def read_parameters(node: Node, changed: Sequence[Parameter] = ()) -> SerParameters:
    """Return the parameters of `node`, with those in `changed`, which are about to be set, already in place."""
    value = {name: node.get_parameter(name).value for name in _BY_NAME}
    value |= {parameter.name: parameter.value for parameter in changed if parameter.name in _BY_NAME}
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
        mood=mood_config(value),
        adaptation=AdaptationParameters(
            AdaptationConfig(enabled=value['adaptation.enabled'], memory=value['adaptation.memory']),
            value['adaptation.file'],
        ),
        record=RecordParameters(value['record.directory'], value['record.max_megabytes']),
        ros4hri=Ros4hriParameters(value['ros4hri.enabled'], value['ros4hri.voice_id']),
        autostart=value['autostart'],
    )
