# SPDX-License-Identifier: Apache-2.0
"""Lets the node listen for a day, as fast as it goes, or for an hour in real time, and counts what it answers.

Clips of RAVDESS, in an order and at distances drawn from seed 0, in white noise of -75 to -60 dBFS whose level changes
now and then. A real `ser_node` with the embedded default model hears them from a file, or with `--realtime` through a
PulseAudio null sink and its microphone; this process listens to what it publishes and watches its memory, threads and
descriptors. Needs the built workspace: `. ./env.bash`, then `python tools/measuring/soak.py RAVDESS` (2.8 GB of sound
in the working folder) or `python tools/measuring/soak.py RAVDESS --hours 1 --realtime`. Exits with 1 if a check fails.
"""

import argparse
import bisect
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import rclpy
import soundfile
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

from ser_msgs.msg import Emotion
from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.node.messages import seconds
from ser_ros.training.data.ravdess import find_clips

SEED = 0
LEVELS = (-75, -70, -65, -60)
PAUSES = (1.0, 8.0)
GROWTH = 16.0
"""MB by which the resident memory may differ between 10 % and 99 % of the way."""

SAMPLE_PERIOD = 5.0
LAST_WORDS = 5.0


def main() -> int:
    """Make the sound, let the node hear it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('ravdess', type=Path)
    parser.add_argument('--hours', type=float, default=24.0)
    parser.add_argument('--realtime', action='store_true')
    options = parser.parse_args()
    sound = Path(f'soak-{options.hours:g}h.wav').resolve()
    truth = make_sound(options.ravdess, options.hours, sound)
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with microphone() if options.realtime else contextlib.nullcontext({}) as variables:
        witness = listen(sound, os.environ | variables, realtime=options.realtime)
    return report(witness, truth, options.hours)


def make_sound(ravdess: Path, hours: float, path: Path) -> list[tuple[float, float]]:
    """Write the sound; return (start, duration) in seconds of every clip in it."""
    generator = np.random.default_rng(SEED)
    clips = find_clips(ravdess)
    order = generator.permutation(len(clips))
    level, at, truth = LEVELS[0], 0, []
    with soundfile.SoundFile(path, 'w', SAMPLE_RATE, 1, 'PCM_16') as file:

        def write(samples: np.ndarray) -> None:
            noise = generator.standard_normal(len(samples)) * 10 ** (level / 20)
            file.write((samples + noise).clip(-1.0, 1.0))

        while at < hours * 3600 * SAMPLE_RATE:
            if generator.random() < 0.1:
                level = generator.choice(LEVELS)
            pause = int(generator.uniform(*PAUSES) * SAMPLE_RATE)
            clip = read_recording(clips[order[len(truth) % len(order)]].path)
            write(np.zeros(pause))
            write(clip)
            truth.append(((at + pause) / SAMPLE_RATE, len(clip) / SAMPLE_RATE))
            at += pause + len(clip)
            print(f'\rmaking the sound: {at / SAMPLE_RATE / 3600:.1f} h', end='', file=sys.stderr)
    return truth


class Witness:
    """What the node said and how it was."""

    def __init__(self):
        """Begin to listen."""
        rclpy.init(signal_handler_options=rclpy.SignalHandlerOptions.NO)
        self.node = rclpy.create_node('soak')
        self.finals: list[tuple[int, float, float]] = []
        self.values: dict[str, str] = {}
        self.samples: list[dict[str, float]] = []
        self.exit_code = 0
        self.elapsed = 0.0
        self.node.create_subscription(Emotion, 'emotion', self._on_emotion, 1000)
        self.node.create_subscription(DiagnosticArray, 'diagnostics', self._on_diagnostics, 100)

    def spin(self, *, until, timeout: float = float('inf')) -> None:
        """Listen until something is true or the time is over."""
        deadline = time.monotonic() + timeout
        while not until() and time.monotonic() < deadline:
            rclpy.spin_once(self.node, timeout_sec=0.05)

    def change_state(self, transition: int) -> None:
        """Bring the node up by a step."""
        client = self.node.create_client(ChangeState, 'ser/change_state')
        client.wait_for_service()
        answer = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
        self.spin(until=answer.done)
        assert answer.result().success

    def look_at(self, process: psutil.Process) -> None:
        """Note how much the node holds, and how far it is."""
        with contextlib.suppress(psutil.Error):
            memory = process.memory_info().rss / 1e6
            found = {'MB': memory, 'threads': process.num_threads(), 'descriptors': process.num_fds()}
            heard = int(self.values.get('blocks', 0)) * 0.032
            self.samples.append({'heard': heard, **found})
            print(
                f'\r{heard / 3600:.2f} h heard, {len(self.finals)} messages, {memory:.0f} MB   ',
                end='',
                file=sys.stderr,
            )

    def _on_emotion(self, message: Emotion) -> None:
        if message.is_final:
            self.finals.append((message.utterance, seconds(message.header.stamp), seconds(message.latency)))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        self.values |= {pair.key: pair.value for status in message.status for pair in status.values}


def listen(sound: Path, environment: dict[str, str], *, realtime: bool) -> Witness:
    """Run the node on `sound` and return what was seen of it."""
    witness = Witness()
    source = {'audio.source': 'microphone'} if realtime else {'audio.file': str(sound), 'audio.source': 'file'}
    command = [sys.executable, '-m', 'ser_ros.cli.ser_node', '--ros-args', '--log-level', 'ser:=warn']
    for name, value in (source | {'audio.realtime': 'false', 'autostart': 'false'}).items():
        command += ['-p', f'{name}:={value}']
    node = subprocess.Popen(command, env=environment)
    process = psutil.Process(node.pid)
    witness.change_state(Transition.TRANSITION_CONFIGURE)
    witness.spin(until=lambda: witness.node.count_publishers('emotion') and witness.values)
    witness.change_state(Transition.TRANSITION_ACTIVATE)
    began = time.monotonic()
    played = subprocess.Popen(['paplay', '-d', 'mic', sound], env=environment) if realtime else node
    while played.poll() is None:
        witness.look_at(process)
        witness.spin(until=lambda: played.poll() is not None, timeout=SAMPLE_PERIOD)
    witness.elapsed = time.monotonic() - began
    witness.spin(until=lambda: False, timeout=LAST_WORDS)
    node.terminate()
    witness.exit_code = node.wait()
    return witness


@contextlib.contextmanager
def microphone() -> Iterator[dict[str, str]]:
    """Run a PulseAudio daemon with one null sink as the microphone; give the variables by which it is found."""
    with tempfile.TemporaryDirectory(prefix='ser') as folder:
        home = Path(folder)
        (home / 'run').mkdir(mode=0o700)
        (home / '.asoundrc').write_text('pcm.!default { type pulse }\nctl.!default { type pulse }\n')
        variables = {'HOME': folder, 'XDG_RUNTIME_DIR': str(home / 'run')}
        sink = f'module-null-sink sink_name=mic rate={SAMPLE_RATE} channels=1 format=s16le channel_map=mono norewinds=1'
        modules = [f'--load={sink}', '--load=module-native-protocol-unix']
        daemon = subprocess.Popen(
            ['pulseaudio', '-n', '--daemonize=no', '--exit-idle-time=-1', '--log-level=error', *modules],
            env=os.environ | variables,
        )
        try:
            ask = ['pactl', 'set-default-source', 'mic.monitor']
            while subprocess.run(ask, env=os.environ | variables, capture_output=True).returncode:
                time.sleep(0.1)
            yield variables
        finally:
            daemon.kill()
            daemon.wait()


def report(witness: Witness, truth: list[tuple[float, float]], hours: float) -> int:
    """Print the table and what was broken; return the exit code."""
    numbers = [number for number, _, _ in witness.finals]
    values = witness.values
    rejected = {key: int(value) for key, value in values.items() if key.startswith('rejected')}
    missing = (
        int(values['utterances']) - int(values['answered']) - sum(rejected.values()) + rejected['rejected: too short']
    )
    early, late = (sample_at(witness.samples, share) for share in (0.1, 0.99))
    per_clip, outside = answers_per_clip(witness.finals, truth)
    latencies = [latency for _, _, latency in witness.finals]
    rows = {
        'hours of sound, clips': f'{hours:g}, {len(truth)}',
        'times as fast as real time': f'{hours * 3600 / witness.elapsed:.1f}',
        'final messages': len(numbers),
        'clips by the number of their messages': dict(sorted(per_clip.items())),
        'messages that belong to no clip': outside,
        'begun, neither answered nor rejected': missing,
        **rejected,
        'MB at 10 % and at 99 %': f'{early["MB"]:.0f}, {late["MB"]:.0f}',
        'threads': f'{early["threads"]:.0f}, {late["threads"]:.0f}',
        'descriptors': f'{early["descriptors"]:.0f}, {late["descriptors"]:.0f}',
        'latency, median, 95 %, longest': ', '.join(f'{v:.3f} s' for v in np.percentile(latencies, (50, 95, 100))),
        'lost': {key: values[key] for key in ('overflows', 'reopened', 'dropped final', 'failed') if key in values},
    }
    print('\r| | |\n|---|---|')
    for name, value in rows.items():
        print(f'| {name} | {value} |')
    Path(f'soak-{hours:g}h.json').write_text(json.dumps({'rows': rows, 'samples': witness.samples}, default=str))
    promises = {
        'the node ended well': witness.exit_code == 0,
        'no utterance was answered twice, and all in order': numbers == sorted(set(numbers)),
        'every utterance was answered or rejected': missing == 0 and len(numbers) == int(values['answered']),
        'memory is flat': abs(late['MB'] - early['MB']) <= GROWTH,
        'no thread and no descriptor more': all(late[key] <= early[key] for key in ('threads', 'descriptors')),
    }
    for promise, is_kept in promises.items():
        print(f'{"kept" if is_kept else "BROKEN"}: {promise}')
    return 0 if all(promises.values()) else 1


def sample_at(samples: list[dict[str, float]], share: float) -> dict[str, float]:
    """Return the sample nearest to `share` of the way."""
    end = samples[-1]['heard']
    return min(samples, key=lambda sample: abs(sample['heard'] - share * end))


def answers_per_clip(finals: list[tuple[int, float, float]], truth: list[tuple[float, float]]) -> tuple[Counter, int]:
    """Return how many clips got no message, one, two, ..., and how many messages belong to no clip."""
    starts = [start for start, _ in truth]
    stamps = [stamp for _, stamp, _ in finals]
    # The node's clock and the sound's differ by an unknown constant: the one by which most of the first messages fit.
    offset = max(
        (stamp - start for stamp in stamps[:3] for start in starts[:6]),
        key=lambda offset: len(answered(stamps[:200], truth, starts, offset) - {None}),
    )
    found = Counter(clip_of(stamp - offset, truth, starts) for stamp in stamps)
    outside = found.pop(None, 0)
    counts = Counter(found.values())
    counts[0] = len(truth) - len(found)
    return counts, outside


def answered(stamps: list[float], truth, starts: list[float], offset: float) -> set[int | None]:
    """Return the clips that the messages belong to."""
    return {clip_of(stamp - offset, truth, starts) for stamp in stamps}


def clip_of(time_: float, truth, starts: list[float]) -> int | None:
    """Return the number of the clip that is heard at the second `time_`, None where there is none."""
    index = bisect.bisect_right(starts, time_ + 0.3) - 1
    return index if index >= 0 and time_ <= sum(truth[index]) else None


if __name__ == '__main__':
    sys.exit(main())
