# SPDX-License-Identifier: Apache-2.0
"""The node's parameters: listed once, with descriptions and ranges."""

from rclpy.parameter import Parameter

from ser_ros.bring_up import AUDIO_SOURCES
from ser_ros.mood.config import MoodConfig
from ser_ros.node.names import FRAME, TOPIC, TOPIC_OR_NONE, VOICE_ID
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
_M = MoodConfig()
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
        'emotion.labels',
        '',
        "Labels that an answer can be, separated by commas: those that this robot's behaviours tell apart. Empty: all "
        'of the model.',
    ),
    ParameterSpec(
        'emotion.interim_period',
        _S.interim_period,
        'Seconds between interim messages while someone is speaking; 0 for none.',
        0.0,
        10.0,
        live=True,
    ),
    ParameterSpec(
        'mood.memory',
        _M.memory,
        'Seconds; after so much silence the mood is `unknown`, and after less it is less sure.',
        5.0,
        600.0,
        live=True,
    ),
    ParameterSpec(
        'mood.hysteresis',
        _M.hysteresis,
        'By how much the probability of another mood must exceed that of the present one to take its place.',
        0.0,
        1.0,
        live=True,
    ),
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
        'adaptation.ordinary_share',
        _A.ordinary_share,
        'Share of what is said to this robot that is expected to be ordinary speech (neutral, calm).',
        0.01,
        0.99,
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
    ParameterSpec(
        'voice.source',
        'topic',
        'Who says whose voice it is: `topic` (ids on `voice`) or `ros4hri` (the voices of REP-155; needs hri_msgs).',
        pattern='topic|ros4hri',
    ),
    ParameterSpec(
        'direction.topic',
        '',
        'Topic on which a microphone array says where the voice comes from; empty: nobody does.',
        rule=TOPIC_OR_NONE,
    ),
    ParameterSpec(
        'direction.type',
        'degrees',
        'What it carries: `degrees` (std_msgs/Int32) or `pose` (geometry_msgs/PoseStamped).',
        pattern='degrees|pose',
    ),
    ParameterSpec(
        'direction.hold',
        5.0,
        'Seconds for which a direction holds if no other comes: drivers often publish changes only.',
        0.0,
        3600.0,
        live=True,
    ),
    ParameterSpec('marker.enabled', False, 'Also publish a text for RViz on `~/marker` (needs visualization_msgs).'),
    ParameterSpec('autostart', True, 'Configure and activate at start, without a lifecycle manager.'),
)

_BY_NAME = {spec.name: spec for spec in SPECS}


def check_parameter(parameter: Parameter) -> None:
    """Raise SerError if the value breaks the parameter's pattern or rule; rclpy checks types and ranges."""
    if parameter.name in _BY_NAME:
        _BY_NAME[parameter.name].check(parameter)


def takes_effect_at_once(name: str) -> bool:
    """Return whether changing `name` needs no new configuration; true for parameters that are not listed here."""
    return name not in _BY_NAME or _BY_NAME[name].live
