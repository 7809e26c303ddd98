# SPDX-License-Identifier: Apache-2.0
"""Faults of a real microphone: it goes, comes back in another form, gives nothing, or gives bad sound."""

import time

import numpy as np
import soundfile

from ser_ros.node.messages import seconds

LISTENING = {'audio__source': 'microphone'}


def say(microphone, observer, sentence) -> None:
    """Say a sentence and wait for its answer, which must carry the right stamp."""
    answered = len(observer.finals)
    since = time.time()
    microphone.play(sentence)
    message = observer.wait_for_answer(answered + 1)
    # The player needs up to a second to begin; before the speech come 0.5 s of the room.
    assert since + 0.2 < seconds(message.header.stamp) < since + 2.5


def interrupt(observer, player, fault) -> float:
    """Let `fault` strike in the middle of an utterance, wait until it was answered; return seconds until ERROR."""
    answered = len(observer.finals)
    observer.wait_until(lambda: observer.speaking[-1], 'somebody speaks')
    begun = time.monotonic()
    observer.wait_until(lambda: time.monotonic() > begun + 0.5, 'half a second more was said')
    fault()
    struck = time.monotonic()
    observer.wait_for_level('microphone', 'ERROR')
    told = time.monotonic() - struck
    observer.wait_for_answer(answered + 1, duration=1.0)
    player.kill()
    player.wait()
    return told


def test_a_sound_server_that_dies_and_a_microphone_that_is_pulled_come_back(
    microphone, start_node, observe, sentence, recording, capsys
):
    """Twice in the middle of an utterance; it comes back in another form each time."""
    virtual = microphone()
    node = start_node(**LISTENING)
    observer = observe()
    observer.wait_until_listening()
    say(virtual, observer, sentence)

    told = interrupt(observer, virtual.start_playing(recording), virtual.kill)
    assert told < 2.0
    observer.wait_for_level('microphone', 'ERROR', 'connect one')
    virtual.switch_on()
    virtual.plug_in(rate=48000, channels=2)
    observer.wait_until(lambda: observer.status('microphone')[0] != 'ERROR', 'the microphone is back', 20.0)
    assert observer.count('reopened') >= 1
    say(virtual, observer, sentence)

    told_again = interrupt(observer, virtual.start_playing(recording), virtual.unplug)
    assert told_again < 2.0
    virtual.plug_in(rate=44100)
    observer.wait_until(lambda: observer.status('microphone')[0] != 'ERROR', 'the microphone is back', 20.0)
    say(virtual, observer, sentence)

    assert [message.utterance for message in observer.finals] == [1, 2, 3, 4, 5]
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output
    with capsys.disabled():
        print(f'\nmicrophone gone: told {told:.2f} s after the server died, {told_again:.2f} s after it was pulled')


def test_sound_that_is_silent_clipped_or_off_centre_is_told_with_its_cure(
    microphone, start_node, observe, sentence, tmp_path
):
    sound, rate = soundfile.read(sentence, dtype='float32')
    clipped, off_centre = tmp_path / 'clipped.wav', tmp_path / 'off centre.wav'
    soundfile.write(clipped, np.clip(30 * sound, -1.0, 1.0), rate)
    soundfile.write(off_centre, 0.5 * sound + 0.3, rate)
    virtual = microphone()
    node = start_node(**LISTENING)
    observer = observe()
    observer.wait_until_listening()
    observer.wait_for_level('microphone', 'WARN', 'only zeros')
    for path, level, cure in [
        (sentence, 'OK', 'listening'),
        (clipped, 'WARN', 'turn down the gain'),
        (off_centre, 'WARN', 'check the sound card'),
        (sentence, 'OK', 'listening'),
    ]:
        answered = len(observer.finals)
        player = virtual.start_playing(path)
        observer.wait_for_level('microphone', level, cure)
        observer.wait_for_answer(answered + 1)
        assert player.wait(30) == 0
    assert node.end() == 0, node.output


def test_a_machine_that_stands_still_for_seconds_hears_what_was_said_meanwhile(
    microphone, start_node, observe, sentence
):
    """PulseAudio keeps it: the whole sentence is answered late, with the stamp of when it was said."""
    virtual = microphone()
    node = start_node(**LISTENING)
    observer = observe()
    observer.wait_until_listening()
    with node.stopped():
        since = time.time()
        virtual.play(sentence)
        observer.wait_until(lambda: time.time() > since + 5.0, 'five seconds have passed')
    message = observer.wait_for_answer(1)
    assert since + 0.2 < seconds(message.header.stamp) < since + 1.5
    assert seconds(message.latency) > 2.0
    assert observer.count('reopened') == 0
    say(virtual, observer, sentence)
    assert node.end() == 0, node.output
