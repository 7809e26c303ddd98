# SPDX-License-Identifier: Apache-2.0
"""Prints the mood in the speaker's voice as one line for the prompt of a language model; no service is called.

prompt_line() is the function to take over: keep the last message of `mood`, and call it whenever you write a prompt.
"""

import argparse
import sys
import time

import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions
from rclpy.time import Time
from rclpy.utilities import remove_ros_args

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


def last_mood(node: Node, wait: float) -> Mood | None:
    """Return the last message of `mood`, as soon as it is there; None if there is none within `wait` seconds."""
    moods: list[Mood] = []
    node.create_subscription(Mood, 'mood', moods.append, LATCHED)
    deadline = time.monotonic() + wait
    while not moods and time.monotonic() < deadline:
        rclpy.spin_once(node, timeout_sec=0.1)
    return moods[-1] if moods else None


def main() -> int:
    """Print the line; return 1, with a sentence on stderr and nothing on stdout, if no node tells a mood."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--wait', type=float, default=5.0, metavar='SECONDS', help='for the node to be found [5]')
    options = parser.parse_args(remove_ros_args()[1:])
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = rclpy.create_node('prompt_line')
        mood = last_mood(node, options.wait)
        if mood is not None:
            print(prompt_line(mood, node.get_clock().now()))
            return 0
        topic = node.resolve_topic_name('mood')
        print(f'prompt_line: nothing came on {topic} in {options.wait:g} s; is the node ser active?', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        rclpy.try_shutdown()


if __name__ == '__main__':
    sys.exit(main())
