# SPDX-License-Identifier: Apache-2.0
"""Lets the node listen for a day, as fast as it goes, or for an hour in real time, and counts what it answers.

Clips of RAVDESS, in an order and at distances drawn from seed 0, in white noise of -75 to -60 dBFS whose level changes
now and then. A real `ser_node` with the embedded default model hears them from a file, or with `--realtime` through a
PulseAudio null sink and its microphone; this process listens to what it publishes and watches its memory, threads and
descriptors. Needs the built workspace: `. ./env.bash`, then `python tools/measuring/soak.py RAVDESS` (2.8 GB of sound
in the working folder) or `python tools/measuring/soak.py RAVDESS --hours 1 --realtime`. Exits with 1 if a check fails.

Memory is that of the node without the pages of files, which leave it when other programs need room. It is judged by
its slope over the last half of the way, in kB an utterance: a straight line that is flat beside the size of the process
fills a robot within months. A day of this sound holds about 10 500 utterances, so a month of it holds 315 000, and
0.2 kB for each of them are 63 MB a month, which a robot that is restarted now and then can spare. What it holds early
and late is the median around 20 % and around 99 % of the way, because torch gives some MB back and takes them again
with nearly every utterance.
"""

import argparse
import bisect
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from ser_ros.audio.block import BLOCK_DURATION, SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.cli.signals import exit_code, interruptible
from ser_ros.node.messages import seconds
from ser_ros.testing.domain import take_own_domain
from ser_ros.testing.node_process import NodeProcess
from ser_ros.testing.observer import Observer, ros_context
from ser_ros.testing.process_cost import anonymous_megabytes, descriptors, memory_megabytes, threads
from ser_ros.testing.virtual_microphone import virtual_microphone
from ser_ros.training.data.corpus import read_corpus

SEED = 0
LEVELS = (-75, -70, -65, -60)
PAUSES = (1.0, 8.0)
UTTERANCES_A_MONTH = 315_000
"""30 days of this sound: someone speaks every eight seconds, day and night."""
SLOPE_BOUND = 0.2
"""kB an utterance, of 1000 bytes; times UTTERANCES_A_MONTH that is 63 MB a month."""
RANGE_BOUND = {'onnx': 2.0, 'torch': 5.0}
"""MB by which the memory may differ between 20 % and 99 % of the way, by what runs the model. With ONNX Runtime it
rises by 1.2 MB once, after 270 utterances or after 4100, to the same level; a leak shows in the slope."""
AROUND = 0.02
"""Share of all samples over which those two medians are taken."""
FEWEST_UTTERANCES = 2000
"""In the last half of the way; with fewer, one block of 0.4 MB that the allocator fetches looks like the bound."""

SAMPLE_PERIOD = 5.0
LAST_WORDS = 5.0


def main() -> int:
    """Make the sound, let the node hear it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('ravdess', type=Path)
    parser.add_argument('--hours', type=float, default=24.0)
    parser.add_argument('--realtime', action='store_true')
    parser.add_argument('--backend', choices=sorted(RANGE_BOUND), default='onnx', help='what runs the model')
    options = parser.parse_args()
    sound = Path(f'soak-{options.hours:g}h.wav').resolve()
    truth = make_sound(options.ravdess, options.hours, sound)
    take_own_domain()
    witness = listen(sound, options.hours, realtime=options.realtime, backend=options.backend)
    return report(witness, truth, options.hours, options.backend)


def make_sound(ravdess: Path, hours: float, path: Path) -> list[tuple[float, float]]:
    """Write the sound; return (start, duration) in seconds of every clip in it."""
    generator = np.random.default_rng(SEED)
    clips = read_corpus(ravdess, for_training=False).clips
    order = generator.permutation(len(clips))
    level, at, truth = LEVELS[0], 0, []
    bar = tqdm(total=round(hours * 3600), unit='s', desc='making the sound')
    with bar, soundfile.SoundFile(path, 'w', SAMPLE_RATE, 1, 'PCM_16') as file:

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
            bar.update(at // SAMPLE_RATE - bar.n)
    return truth


@dataclass
class Witness:
    """What the node said and how it was.

    finals: (utterance, stamp, latency), seconds. values: of the diagnostics, the last of each key.
    samples: of what it held, on the way. elapsed: seconds that it took.
    """

    finals: list[tuple[int, float, float]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    samples: list[dict[str, float]] = field(default_factory=list)
    exit_code: int = 0
    elapsed: float = 0.0


def listen(sound: Path, hours: float, *, realtime: bool, backend: str) -> Witness:
    """Run the node on `sound` and return what was seen of it."""
    witness = Witness()
    with contextlib.ExitStack() as stack:
        source: dict[str, object] = {'audio.file': str(sound), 'audio.source': 'file', 'audio.realtime': False}
        variables: dict[str, str] = {}
        if realtime:
            source = {'audio.source': 'microphone'}
            microphone = stack.enter_context(virtual_microphone())
            microphone.switch_on()
            microphone.plug_in()
            variables = microphone.environment
        node = stack.enter_context(
            NodeProcess(
                source | {'autostart': False, 'model.backend': backend},
                arguments=['--log-level', 'ser:=warn'],
                environment=variables,
            )
        )
        observer = stack.enter_context(Observer(stack.enter_context(ros_context())))
        assert observer.configure() and observer.activate()
        began = time.monotonic()
        player = microphone.start_playing(sound) if realtime else None
        bar = stack.enter_context(tqdm(total=hours, unit='h', bar_format='{l_bar}{bar}| {n:.2f} h heard{postfix}'))
        while not has_ended(player or node):
            look_at(node, observer, witness, bar)
            observer.spin(SAMPLE_PERIOD, until=lambda: has_ended(player or node))
        witness.elapsed = time.monotonic() - began
        observer.spin(LAST_WORDS)
        if node.exit_code is None:
            node.send(signal.SIGTERM)
        witness.exit_code = node.wait()
        statuses = (status for diagnostics in observer.diagnostics for status in diagnostics.status)
        witness.values = {pair.key: pair.value for status in statuses for pair in status.values}
        witness.finals = [
            (message.utterance, seconds(message.header.stamp), seconds(message.latency)) for message in observer.finals
        ]
    return witness


def has_ended(process: NodeProcess | subprocess.Popen) -> bool:
    """Tell whether what gives the sound has come to its end: the node that reads a file, or the player."""
    return (process.exit_code if isinstance(process, NodeProcess) else process.poll()) is not None


def look_at(node: NodeProcess, observer: Observer, witness: Witness, bar: tqdm) -> None:
    """Note how much the node holds, and how far it is."""
    heard = observer.count('blocks') * BLOCK_DURATION
    with contextlib.suppress(OSError):  # it has ended just now
        held = {'resident': memory_megabytes(node.pid)[0], 'MB': anonymous_megabytes(node.pid)}
        held |= {'threads': threads(node.pid), 'descriptors': descriptors(node.pid)}
        witness.samples.append({'heard': heard, 'utterances': observer.count('utterances'), **held})
    bar.set_postfix_str(f'{len(observer.finals)} messages, {witness.samples[-1]["MB"]:.0f} MB', refresh=False)
    bar.update(heard / 3600 - bar.n)


def report(witness: Witness, truth: list[tuple[float, float]], hours: float, backend: str) -> int:
    """Print the table and what was broken; return the exit code."""
    numbers = [number for number, _, _ in witness.finals]
    values = witness.values
    rejected = {key: int(value) for key, value in values.items() if key.startswith('rejected')}
    missing = (
        int(values['utterances']) - int(values['answered']) - sum(rejected.values()) + rejected['rejected: too short']
    )
    early, late = (held_around(witness.samples, share) for share in (0.2, 0.99))
    slope, counted = memory_slope(witness.samples)
    per_clip, outside = answers_per_clip(witness.finals, truth)
    latencies = [latency for _, _, latency in witness.finals]
    rows = {
        'hours of sound, clips': f'{hours:g}, {len(truth)}',
        'times as fast as real time': f'{hours * 3600 / witness.elapsed:.1f}',
        'final messages received, answered': f'{len(numbers)}, {values["answered"]}',
        'clips by the number of their messages': dict(sorted(per_clip.items())),
        'messages that belong to no clip': outside,
        'begun, neither answered nor rejected': missing,
        **rejected,
        'model run by': backend,
        'resident MB at 20 % and at 99 %': f'{early["resident"]:.2f}, {late["resident"]:.2f}',
        'of these without pages of files': f'{early["MB"]:.2f}, {late["MB"]:.2f}',
        'growth over the last half': (
            f'{slope:+.3f} kB an utterance, x {UTTERANCES_A_MONTH} utterances a month = '
            f'{slope * UTTERANCES_A_MONTH / 1000:+.1f} MB a month (may be {SLOPE_BOUND:g} kB, '
            f'{SLOPE_BOUND * UTTERANCES_A_MONTH / 1000:.0f} MB), over {counted} utterances'
        ),
        'threads': f'{early["threads"]:.0f}, {late["threads"]:.0f}',
        'descriptors': f'{early["descriptors"]:.0f}, {late["descriptors"]:.0f}',
        'latency, median, 95 %, longest': ', '.join(f'{v:.3f} s' for v in np.percentile(latencies, (50, 95, 100))),
        'lost': {key: values[key] for key in ('overflows', 'reopened', 'dropped final', 'failed') if key in values},
    }
    print('| | |\n|---|---|')
    for name, value in rows.items():
        print(f'| {name} | {value} |')
    Path(f'soak-{hours:g}h.json').write_text(json.dumps({'rows': rows, 'samples': witness.samples}, default=str))
    promises = {
        'the node ended well': witness.exit_code == 0,
        'no utterance was answered twice, and all in order': numbers == sorted(set(numbers)),
        'every utterance was answered or rejected': missing == 0 and len(numbers) == int(values['answered']),
        'no thread and no descriptor more': all(late[key] <= early[key] for key in ('threads', 'descriptors')),
    }
    if counted >= FEWEST_UTTERANCES:
        promises |= {
            f'memory grows by no more than {SLOPE_BOUND:g} kB an utterance': slope <= SLOPE_BOUND,
            f'memory at 20 % and at 99 % is within {RANGE_BOUND[backend]:g} MB': (
                abs(late['MB'] - early['MB']) <= RANGE_BOUND[backend]
            ),
        }
    else:
        print(f'not judged: memory, for {counted} utterances in the last half tell too little; let it hear more hours')
    for promise, is_kept in promises.items():
        print(f'{"kept" if is_kept else "BROKEN"}: {promise}')
    return 0 if all(promises.values()) else 1


def memory_slope(samples: list[dict[str, float]]) -> tuple[float, int]:
    """Return the growth over the last half of the way, kB an utterance, and how many utterances that half holds.

    It is that of the straight line with the least squares, so that one sample more or less does not decide.
    """
    half = [sample for sample in samples if sample['heard'] >= samples[-1]['heard'] / 2]
    utterances = np.array([sample['utterances'] for sample in half], dtype=np.float64)
    counted = int(utterances[-1] - utterances[0])
    if counted == 0:
        return 0.0, 0
    megabytes = np.array([sample['MB'] for sample in half])
    return float(np.polyfit(utterances, megabytes, 1)[0]) * 1000, counted


def held_around(samples: list[dict[str, float]], share: float) -> dict[str, float]:
    """Return the median of each value over the samples around `share` of the way."""
    end = samples[-1]['heard']
    near = sorted(samples, key=lambda sample: abs(sample['heard'] - share * end))
    around = near[: max(1, round(AROUND * len(samples)))]
    return {key: float(np.median([sample[key] for sample in around])) for key in near[0]}


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
    try:
        with interruptible():
            sys.exit(main())
    except KeyboardInterrupt as interruption:  # the node has been ended by its context
        sys.exit(exit_code(interruption))
