# SPDX-License-Identifier: Apache-2.0
"""What is told of the node, subject by subject, for made snapshots."""

from dataclasses import replace

import pytest

from ser_ros.audio.monitor import SignalStatistics
from ser_ros.node.subjects import Level, NodeStatus, Recent, subjects
from ser_ros.pipeline.gate import Closure
from ser_ros.pipeline.status import PipelineStatus
from ser_ros.speech.rejection import Rejection

SIGNAL = SignalStatistics(level=-42.0, zeros=0.0, clipped=0.0, offset=0.001)
PIPELINE = PipelineStatus(
    blocks=100,
    seconds_since_block=0.03,
    is_silent=False,
    losses={'overflows': 0, 'reopened': 0},
    signal=SIGNAL,
    noise_floor=-55.0,
    voice_level=-31.0,
    is_speaking=False,
    utterances=4,
    answered=3,
    rejected={Rejection.NOISE: 1, Rejection.TOO_SHORT: 5},
    dropped_interim=0,
    dropped_final=0,
    failed=0,
    waiting=0,
    lag=0.04,
    working_for=0.0,
    last_failure='',
)
HEALTHY = NodeStatus(
    lifecycle_state='active',
    error='',
    source="microphone 'USB Audio', 16000 Hz",
    problem='',
    live=True,
    model='default',
    device='cpu',
    backend='torch',
    adaptation='3 utterance(s) heard, 0 voice(s) known by name',
    degraded='',
    pipeline=PIPELINE,
    gate=None,
    robot_publishers=1,
    last_emotion='happy',
    latencies=(0.6, 0.61, 0.62),
    inference_times=(0.02, 0.02, 0.02),
    recording='',
    recording_problem='',
)
QUIET_MINUTE = Recent(blocks=31.25, utterances=4.0)


def test_a_remark_on_where_sound_comes_from_is_told_with_it():
    assert told(replace(HEALTHY, remark='/a and /b publish; end one'))['microphone'].message.startswith('/a and /b')
    assert told(replace(HEALTHY, remark='/a and /b publish; end one'))['microphone'].level is Level.WARN
    assert told(replace(HEALTHY, remark='x; y', problem='no sound; z'))['microphone'].level is Level.ERROR


def test_a_clock_that_does_not_run_is_told_beside_a_recording():
    node = told(replace(HEALTHY, time_problem='no time comes; start it', recording='recording into /x'))['node']
    assert node.level is Level.WARN and node.message == 'recording into /x; no time comes; start it'
    assert (
        told(replace(HEALTHY, time_problem='no time; x', error='broken; mend it'))['node'].message == 'broken; mend it'
    )


def told(status: NodeStatus, recent: Recent = QUIET_MINUTE) -> dict:
    return {subject.name: subject for subject in subjects(status, recent)}


def hearing(**changes) -> NodeStatus:
    return replace(HEALTHY, pipeline=replace(PIPELINE, **changes))


def sounding(**changes) -> NodeStatus:
    return hearing(signal=replace(SIGNAL, **changes))


def test_a_healthy_node_is_ok_in_every_subject():
    assert {name: subject.level for name, subject in told(HEALTHY).items()} == dict.fromkeys(
        ('node', 'microphone', 'speech', 'recognition', 'gate'), Level.OK
    )


def test_all_figures_are_told():
    values = {key: str(value) for subject in told(HEALTHY).values() for key, value in subject.values.items()}
    assert values == {
        'lifecycle state': 'active',
        'recording': 'no',
        'source': "microphone 'USB Audio', 16000 Hz",
        'blocks': '100',
        'blocks per second': '31.2',
        'last block': '0.03 s ago',
        'level': '-42.0 dBFS',
        'all zeros for': '0.0 s',
        'clipped': '0.00%',
        'offset': '+0.001',
        'overflows': '0',
        'reopened': '0',
        'somebody speaks': 'no',
        'utterances': '4',
        'utterances per minute': '4.0',
        'room': '-55.0 dBFS',
        'last voice': '-31.0 dBFS',
        'gain of the detectors': '20 dB',
        'rejected: too short': '5',
        'rejected: too quiet': '0',
        'rejected: noise': '1',
        'rejected: robot speech': '0',
        'rejected: muted by hand': '0',
        'model': 'default',
        'device': 'cpu',
        'backend': 'torch',
        'adaptation': '3 utterance(s) heard, 0 voice(s) known by name',
        'answered': '3',
        'failed': '0',
        'dropped interim': '0',
        'dropped final': '0',
        'waiting': '0',
        'lag': '0.04 s',
        'last emotion': 'happy',
        'last latency': '0.620 s',
        'latency, median, 95 %, longest': '0.610 s, 0.619 s, 0.620 s',
        'inference, median, 95 %, longest': '0.020 s, 0.020 s, 0.020 s',
        'deaf while the robot speaks': 'no',
        'muted by hand': 'no',
        'publishers of robot_speaking': '1',
    }


@pytest.mark.parametrize(
    ('status', 'recent', 'subject', 'level', 'words'),
    [
        (replace(HEALTHY, error='no model; train one'), QUIET_MINUTE, 'node', Level.ERROR, 'train one'),
        (replace(HEALTHY, recording='recording into /r'), QUIET_MINUTE, 'node', Level.WARN, 'recording into /r'),
        (replace(HEALTHY, recording_problem='disk full; free'), QUIET_MINUTE, 'node', Level.ERROR, 'disk full'),
        (replace(HEALTHY, problem='unplugged; plug it in'), QUIET_MINUTE, 'microphone', Level.ERROR, 'plug it in'),
        (
            hearing(seconds_since_block=1.5, is_silent=True),
            QUIET_MINUTE,
            'microphone',
            Level.ERROR,
            'no sound for 1.5 s',
        ),
        (sounding(zeros=0.8), QUIET_MINUTE, 'microphone', Level.WARN, 'only zeros'),
        (sounding(zeros=11.0), QUIET_MINUTE, 'microphone', Level.ERROR, 'only zeros for 11.0 s'),
        (sounding(clipped=0.02), QUIET_MINUTE, 'microphone', Level.WARN, 'turn down the gain'),
        (sounding(offset=-0.2), QUIET_MINUTE, 'microphone', Level.WARN, '-0.20 of full scale'),
        (HEALTHY, Recent(losses=2), 'microphone', Level.WARN, 'lost 2 time(s)'),
        (hearing(is_speaking=True), QUIET_MINUTE, 'speech', Level.OK, 'someone is speaking'),
        (HEALTHY, Recent(too_quiet=2), 'speech', Level.OK, '2 utterance(s) in the last minute were no louder'),
        (HEALTHY, Recent(noise=3), 'speech', Level.OK, 'lower vad.min_voice if someone spoke'),
        (hearing(last_failure='NaN; train it'), QUIET_MINUTE, 'recognition', Level.ERROR, 'NaN; train it'),
        (hearing(working_for=12.0), QUIET_MINUTE, 'recognition', Level.ERROR, '12 s'),
        (
            hearing(lag=3.2),
            Recent(dropped=1),
            'recognition',
            Level.WARN,
            '1 utterance(s) lost in the last minute, 3.2 s',
        ),
        (hearing(lag=3.2), QUIET_MINUTE, 'recognition', Level.WARN, '3.2 s behind'),
        (
            replace(HEALTHY, degraded='on the CPU; free the GPU'),
            QUIET_MINUTE,
            'recognition',
            Level.WARN,
            'free the GPU',
        ),
        (replace(HEALTHY, gate=Closure.MUTED), QUIET_MINUTE, 'gate', Level.OK, 'closed: muted by hand'),
        (replace(HEALTHY, gate=Closure.ROBOT_SPEECH), QUIET_MINUTE, 'gate', Level.OK, 'closed: robot speech'),
    ],
)
def test_what_is_wrong_sets_the_level_and_the_words(status, recent, subject, level, words):
    found = told(status, recent)
    assert found[subject].level is level
    assert words in found[subject].message
    others = [other.level for name, other in found.items() if name != subject]
    assert others == [Level.OK] * 4


def test_a_source_that_cannot_be_heard_is_told_before_anybody_listens():
    status = replace(HEALTHY, lifecycle_state='inactive', pipeline=None, problem='not there; plug it in')
    assert told(status, Recent())['microphone'].level is Level.ERROR


def test_a_file_is_not_judged_as_a_microphone():
    status = replace(sounding(zeros=20.0), live=False)
    assert told(status)['microphone'].level is Level.OK


def test_a_node_that_does_not_listen_has_nothing_to_tell_but_its_state():
    found = told(replace(HEALTHY, lifecycle_state='inactive', pipeline=None), Recent())
    assert found['node'].message == 'inactive'
    assert {subject.level for subject in found.values()} == {Level.OK}
    assert 'blocks' not in found['microphone'].values


@pytest.mark.parametrize('status', [HEALTHY, replace(HEALTHY, pipeline=None), replace(HEALTHY, live=False)])
def test_what_a_file_lacks_is_a_warning_from_its_opening_on(status):
    remark = 'talk.flac breaks off at 3.2 s of the 10.0 s that it announces; what is there is read'
    subject = told(replace(status, remark=remark))['microphone']
    assert (subject.level, subject.message) == (Level.WARN, remark)
    assert told(status)['microphone'].level is Level.OK
    broken = replace(status, remark=remark, problem='the sound is gone; plug it in')
    assert told(broken)['microphone'].level is Level.ERROR
