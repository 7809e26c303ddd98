# SPDX-License-Identifier: Apache-2.0
"""`~/hearing` over real DDS: what somebody who looks sees while a person speaks, and while the robot does."""

from std_msgs.msg import Bool

from ser_msgs.msg import Hearing


def test_a_looker_sees_the_voice_come_and_go_and_the_gate_close(listen_to_topic, make_talker, speech):
    node, observer = listen_to_topic()
    talker = make_talker(observer)
    robot = observer.node.create_publisher(Bool, '/robot_speaking', 10)
    observer.wait_until_listening()
    seen = []
    observer.node.create_subscription(Hearing, '/ser/hearing', seen.append, 10)
    observer.wait_until(lambda: len(seen) > 40, 'a looker sees something')
    quiet = seen[-1]
    assert quiet.state == Hearing.QUIET
    assert -75.0 < quiet.level < -60.0 and abs(quiet.floor - quiet.level) < 6.0

    talker.say(speech)
    observer.wait_for_answer(1)
    observer.wait_until(lambda: seen[-1].state == Hearing.QUIET, 'it is quiet again')
    assert {Hearing.SPEAKING, Hearing.STOPPING} <= {message.state for message in seen}
    spoken = [message for message in seen if message.state == Hearing.SPEAKING]
    assert max(message.speech_probability for message in spoken) > 0.5
    assert max(message.level for message in spoken) > quiet.level + 20.0

    robot.publish(Bool(data=True))
    observer.wait_until(lambda: seen[-1].gate == 'robot speech', 'the gate is closed')
    count = len(seen)
    observer.wait_until(lambda: len(seen) > count + 10, 'it is told that it still is')
    assert {message.gate for message in seen[count:]} == {'robot speech'}
    assert node.end() == 0, node.output
