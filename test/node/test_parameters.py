# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
import yaml
from rclpy.parameter import Parameter

from ser_ros.errors import SerError
from ser_ros.node.parameters import SPECS, check_parameter, takes_effect_at_once

CONFIG = Path(__file__).resolve().parents[2] / 'config' / 'ser.yaml'


def flat(tree: dict, prefix: str = '') -> dict:
    leaves = {}
    for name, value in tree.items():
        leaves |= flat(value, f'{prefix}{name}.') if isinstance(value, dict) else {f'{prefix}{name}': value}
    return leaves


def test_the_yaml_file_lists_every_parameter_at_its_default():
    in_file = flat(yaml.safe_load(CONFIG.read_text())['/**']['ros__parameters'])
    assert in_file == {spec.name: spec.default for spec in SPECS}
    assert all(type(in_file[spec.name]) is type(spec.default) for spec in SPECS)


@pytest.mark.parametrize('spec', SPECS, ids=lambda spec: spec.name)
def test_defaults_are_described_and_lie_in_their_own_range(spec):
    assert spec.description.endswith('.')
    check_parameter(Parameter(spec.name, value=spec.default))
    if spec.minimum is not None:
        assert spec.minimum <= spec.default <= spec.maximum
        assert type(spec.minimum) is type(spec.default)


@pytest.mark.parametrize(
    'name, value',
    [
        ('audio.source', 'radio'),
        ('model.device', 'gpu'),
        ('model.device', 'cuda:x'),
        ('model.backend', 'jax'),
        ('voice.source', 'face'),
    ],
)
def test_a_value_that_breaks_the_pattern_is_refused(name, value):
    with pytest.raises(SerError, match=name):
        check_parameter(Parameter(name, value=value))


@pytest.mark.parametrize('name', ['audio.topic', 'audio.info_topic'])
@pytest.mark.parametrize(
    'topic',
    [
        *('', '/', 'a//b', '//audio', 'audio/', '1a', 'a/2b', '~', '~audio', 'a~b', 'a b', 'a-b', 'ä', 'audio\n'),
        *('a\0b', '{nod}/audio', '{node', 'a/{ns}', 'a' * 300),
    ],
)
def test_what_is_no_topic_name_is_refused_in_one_sentence(name, topic, refuses):
    with refuses(name, 'must be a ROS topic name (', '); give one such as audio or /robot/audio'):
        check_parameter(Parameter(name, value=topic))


@pytest.mark.parametrize('topic', ['/', 'a//b', '1a', 'a b', '~a', 'a\0b', 'a' * 300])
def test_a_topic_that_nobody_need_publish_may_be_empty_and_no_more(topic, refuses):
    check_parameter(Parameter('direction.topic', value=''))
    check_parameter(Parameter('direction.topic', value='sound_direction'))
    with refuses('direction.topic', 'must be a ROS topic name, or empty'):
        check_parameter(Parameter('direction.topic', value=topic))


@pytest.mark.parametrize('topic', ['audio', '/audio', '~/audio', '{node}/audio', '/robot/head_2/_audio'])
def test_every_topic_name_is_taken(topic):
    check_parameter(Parameter('audio.topic', value=topic))


@pytest.mark.parametrize(
    ('name', 'value'),
    [('audio.frame_id', '/base_link'), ('audio.frame_id', 'a\nb'), ('audio.frame_id', 'a\0b')]
    + [('ros4hri.voice_id', text) for text in ('1a', 'a/b', 'a-b', 'a b', 'ü', 'a' * 300, 'a\n')],
)
def test_a_frame_or_a_voice_that_ros_would_refuse_is_refused(name, value, refuses):
    with refuses(name, 'must be'):
        check_parameter(Parameter(name, value=value))


@pytest.mark.parametrize(
    ('name', 'value'),
    [('audio.frame_id', ''), ('audio.frame_id', 'robot/mic-1'), ('ros4hri.voice_id', 'anonymous_speaker')],
)
def test_a_good_frame_or_voice_is_taken(name, value):
    check_parameter(Parameter(name, value=value))


def test_only_what_needs_no_reload_takes_effect_at_once():
    assert takes_effect_at_once('vad.threshold')
    assert takes_effect_at_once('use_sim_time')
    assert not takes_effect_at_once('model.path')
    assert not takes_effect_at_once('audio.device')
