# SPDX-License-Identifier: Apache-2.0
"""What names of topics, frames and voices may be: ROS refuses others only where they are used, with a traceback."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.exceptions import NameValidationException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node
from rclpy.validate_full_topic_name import validate_full_topic_name
from rclpy.validate_topic_name import validate_topic_name

from ser_ros.errors import SerError

_PLACE_IN_ROS = re.compile(r', at /\S+:\d+')
"""rcl appends the place in its own sources where it failed."""
_SHOWN = 80
"""Characters of a name that a sentence repeats: ROS allows some 250, and a mistake may have any number."""
_VOICE_ID = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')


@dataclass(frozen=True)
class NameRule:
    """What the name in a parameter must be.

    Attributes:
        words: For people, as in `must be a ROS topic name`.
        example: A good one.
        fault: Returns what is wrong with a name; '' if nothing is.
    """

    words: str
    example: str
    fault: Callable[[str], str]

    def check(self, parameter: str, name: str) -> None:
        """Raise SerError, which names the `parameter`, if `name` breaks the rule."""
        if fault := self.fault(name):
            raise SerError(_sentence(parameter, name, self.words, fault, self.example))


def full_topic_name(node: Node, parameter: str, name: str) -> str:
    """Return the full name of the topic in `parameter`, after namespace and remapping. Raises SerError."""
    try:
        return node.resolve_topic_name(name)
    except (NameValidationException, ValueError) as error:
        raise SerError(_sentence(parameter, name, TOPIC.words, _reason(error), TOPIC.example)) from None


def _topic_fault(name: str) -> str:
    if not name.isprintable():
        return 'it has characters that cannot be printed'
    if name.startswith('~') and not name.startswith('~/'):
        return 'a / must follow the ~'
    try:
        validate_topic_name(name)
        # Substitutions, such as {node}, are checked only here.
        validate_full_topic_name(expand_topic_name(name, 'node', '/'))
    except (NameValidationException, ValueError) as error:
        return _reason(error)
    return ''


def _frame_fault(name: str) -> str:
    if name.startswith('/'):
        return 'tf2 refuses a leading /'
    return '' if name.isprintable() else 'it has characters that cannot be printed'


def _voice_fault(name: str) -> str:
    if not name:
        return ''
    if not _VOICE_ID.fullmatch(name):
        return 'it is a part of topic names: letters, digits and _, and no digit first'
    return _topic_fault(f'/humans/voices/{name}/is_speaking')


def _reason(error: Exception) -> str:
    # rclpy: "Invalid topic name: REASON:" and a picture below; rcl, of substitutions: "... is invalid: REASON, at ...".
    head = str(error).splitlines()[0]
    reason = head.partition(': ')[2] if isinstance(error, NameValidationException) else head.rpartition('invalid: ')[2]
    return _PLACE_IN_ROS.sub('', reason.rstrip(':'))


def _sentence(parameter: str, name: str, words: str, fault: str, example: str) -> str:
    shown = name if len(name) <= _SHOWN else f'{name[:_SHOWN]}...'
    return f'the parameter {parameter} is {shown!r}, but must be {words} ({fault}); give one such as {example}'


TOPIC = NameRule('a ROS topic name', 'audio or /robot/audio', _topic_fault)
TOPIC_OR_NONE = NameRule(
    'a ROS topic name, or empty', 'sound_direction or /robot/doa', lambda name: _topic_fault(name) if name else ''
)
FRAME = NameRule('a tf frame, or empty', 'microphone', _frame_fault)
VOICE_ID = NameRule('the id of a voice, or empty', 'anonymous_speaker', _voice_fault)
