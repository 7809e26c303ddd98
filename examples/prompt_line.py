# SPDX-License-Identifier: Apache-2.0
"""Prints the mood in the speaker's voice as one line for the prompt of a language model; no service is called.

prompt_line() is the function to take over: keep the last message of `mood`, and call it whenever you write a prompt.
"""

import argparse
import sys

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from rclpy.utilities import remove_ros_args
from rclpy.wait_for_message import wait_for_message

from ser_msgs.msg import Emotion, Mood

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""As `mood` is published: the last message comes at once, also to those who ask later."""


def prompt_line(mood: Mood, now: Time) -> str:
    """Return one line on how the person sounds; it claims no more than the message does."""
    if mood.utterances == 0:
        return 'Nobody has spoken lately.'
    who = f'The person with the voice {mood.voice}' if mood.voice else 'The person'
    heard = '1 utterance' if mood.utterances == 1 else f'{mood.utterances} utterances'
    if mood.mood == Emotion.UNKNOWN:
        return f'{who} has spoken ({heard}), but how they sound is not clear.'
    seconds = max(0, (now - Time.from_msg(mood.since, now.clock_type)).nanoseconds // 1_000_000_000)
    return (
        f'{who} has sounded {mood.mood} for {seconds} s (confidence {mood.confidence:.1f}, {heard}); '
        'this is how they sound, not how they feel.'
    )


def main() -> int:
    """Print the line; return 1, with a sentence on stderr and nothing on stdout, if no node tells a mood."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--wait', type=float, default=5.0, metavar='SECONDS', help='for the node to be found [5]')
    options = parser.parse_args(remove_ros_args()[1:])
    rclpy.init()
    try:
        node = rclpy.create_node('prompt_line')
        found, mood = wait_for_message(Mood, node, 'mood', qos_profile=LATCHED, time_to_wait=options.wait)
        if found:
            print(prompt_line(mood, node.get_clock().now()))
            return 0
        topic = node.resolve_topic_name('mood')
        print(f'prompt_line: nothing came on {topic} in {options.wait:g} s; is the node ser active?', file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 130
    finally:
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
