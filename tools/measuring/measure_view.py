# SPDX-License-Identifier: Apache-2.0
"""Measures what somebody who looks at a node costs that node, and how large the extra [view] is.

Two nodes with the embedded default model: one hears noise from a file and shows what idling costs, the other hears the
package's own recording over a topic and shows how long an answer takes after the decision of its end. In turns nobody
looks and the view's own link does, with its curves, in a process of its own; only the ratios count on a machine that
does other things too.
Needs the built workspace: `. ./env.bash`, then `python tools/measuring/measure_view.py`.
"""

import argparse
import contextlib
import importlib.metadata
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rclpy
import soundfile
from packaging.requirements import Requirement
from rclpy.signals import SignalHandlerOptions

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.benchmarking.latency import delays_of
from ser_ros.benchmarking.live import Speaker
from ser_ros.benchmarking.nodes import emotion_topic, logging_node, wait_until_listening
from ser_ros.benchmarking.schedule import background_noise, expect, lay_out
from ser_ros.benchmarking.speech import read_speech, utterances_of
from ser_ros.extras import EXTRAS
from ser_ros.testing.domain import take_own_domain
from ser_ros.testing.process_cost import cpu_seconds
from ser_ros.view.followed import Followed
from ser_ros.view.link import Link

IDLE, TALKER = 'idle', 'answering'
"""The nodes."""
SETTLING = 8.0
"""Seconds for the start and the discovery of whoever looks, and for their end."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=4, help='how often each is measured (default: 4)')
    parser.add_argument('--idle', type=float, default=30.0, help='seconds of idling in each (default: 30)')
    parser.add_argument('--look', action='store_true', help='look at both nodes until SIGTERM; for this tool itself')
    options = parser.parse_args()
    if options.look:
        look()
        return
    print(f'what the extra [view] adds to the run time: {extra_megabytes("view"):.0f} MB', flush=True)
    take_own_domain()
    rclpy.init()
    packets = lay_out(utterances_of(read_speech(None)))
    schedule = expect(packets)
    idle: dict[bool, list[float]] = {False: [], True: []}
    played: list[bool] = []
    sent = []
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        noise = Path(folder) / 'noise.wav'
        seconds = 2 * options.rounds * (options.idle + packets.size / SAMPLE_RATE + 30.0) + 300.0
        soundfile.write(noise, background_noise(seconds).ravel(), SAMPLE_RATE)
        quiet = stack.enter_context(logging_node(IDLE, {'audio.source': 'file', 'audio.file': str(noise)}))
        talker = stack.enter_context(logging_node(TALKER, {'audio.source': 'topic'}))
        for node in (quiet, talker):
            wait_until_listening(node)
        speaker = stack.enter_context(Speaker())
        speaker.connect('audio', [emotion_topic(TALKER)])
        for number in range(2 * options.rounds):
            looks = number % 2 == 1
            viewer = stack.enter_context(looking()) if looks else None
            time.sleep(SETTLING)
            began, before = time.monotonic(), cpu_seconds(quiet.pid)
            time.sleep(options.idle)
            idle[looks].append(100 * (cpu_seconds(quiet.pid) - before) / (time.monotonic() - began))
            sent.append(speaker.play('audio', packets))
            played.append(looks)
            came = speaker.take(emotion_topic(TALKER), len(sent) * len(schedule.utterances))
            print(f'{"looked at" if looks else "alone    "}: idle {idle[looks][-1]:.2f} % of a core', flush=True)
            if viewer is not None:
                end(viewer)
    finals = [(when, message.utterance) for when, message in came if message.is_final]
    show('idle share of a core, %', idle)
    delays = {
        looks: [
            decision
            for when, number in finals
            if (number - 1) // schedule.numbers < len(played) and played[(number - 1) // schedule.numbers] is looks
            for _, decision in delays_of([(when, number)], schedule, sent)
        ]
        for looks in (False, True)
    }
    show('end decision to message, ms', delays)
    rclpy.try_shutdown()


def look() -> None:
    """Look at both nodes, until SIGTERM."""
    asked_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: asked_to_end.set())
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    links = [Link(Followed.named(name)) for name in (IDLE, TALKER)]
    for link in links:
        link.watch('tool')
    asked_to_end.wait()
    for link in links:
        print(f'  readings shown of {link.followed.name}: {len(link.snapshot().readings)}', flush=True)
        link.close()
    rclpy.try_shutdown()


@contextlib.contextmanager
def looking() -> Iterator[subprocess.Popen]:
    """Look at both nodes from another process."""
    process = subprocess.Popen([sys.executable, __file__, '--look'])
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """End a process, if it has not ended."""
    process.terminate()
    process.wait()


def show(what: str, values: dict[bool, list[float]]) -> None:
    """Print the medians without and with somebody who looks, and their ratio."""
    alone, looked_at = np.median(values[False]), np.median(values[True])
    counts = f'{len(values[False])} and {len(values[True])}'
    print(f'{what}: alone {alone:.2f}, looked at {looked_at:.2f}, ratio {looked_at / alone:.3f} (medians of {counts})')


def extra_megabytes(extra: str) -> float:
    """Return the 10^6 bytes of the packages that `extra` brings to a machine with the run time alone."""
    return size_of(closure(list(EXTRAS[extra])) - closure(['ser_ros'])) / 1e6


def closure(wanted: list[str]) -> set[str]:
    """Return the names of the installed packages that `wanted` need, with themselves."""
    found: set[tuple[str, str]] = set()
    todo = [Requirement(text) for text in wanted]
    while todo:
        requirement = todo.pop()
        for extra in ('', *requirement.extras):
            if (requirement.name.lower(), extra) in found:
                continue
            found.add((requirement.name.lower(), extra))
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                needs = map(Requirement, importlib.metadata.distribution(requirement.name).requires or ())
                todo += [need for need in needs if need.marker is None or need.marker.evaluate({'extra': extra})]
    return {name for name, _ in found}


def size_of(names: set[str]) -> int:
    """Return the bytes of the files of installed packages."""
    sizes = 0
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            places = [file.locate() for file in importlib.metadata.distribution(name).files or ()]
            sizes += sum(Path(place).stat().st_size for place in places if Path(place).is_file())
    return sizes


if __name__ == '__main__':
    main()
