# SPDX-License-Identifier: Apache-2.0
"""Measures false alarms per hour of noise, and the speech that is lost to the checks against them.

    python tools/measuring/measure_false_alarms.py RAVDESS [NOISE_FOLDER]

Noise: every kind of made_noise.py, from seed 0, as one stream for each of the levels -50, -35 and -20 dBFS. Each sound
file in NOISE_FOLDER, which must not contain speech, is a stream of its own and counts for the folder that it lies in.
Every utterance that the detector and the segmenter find at the default parameters is an alarm before the checks.

Speech: each clip of RAVDESS between 1.5 s of silence, as it is and 20 dB softer, and in pink noise at a signal-to-noise
ratio of 10 and 5 dB that begins 3 s earlier (relative to the power of the clip's chunks within 25 dB of its loudest
one). A clip is lost if utterances are found in it and none is answered. Needs the built workspace, `. ./env.bash`.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from made_noise import MAKERS, make, pink
from tqdm import tqdm

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.file import read_recording
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.errors import SerError
from ser_ros.speech.framing import Framer
from ser_ros.speech.fused import FusedVad
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.rejection import Rejection
from ser_ros.speech.vad import CHUNK_SAMPLES
from ser_ros.training.data.corpus import read_corpus

LEVELS = (-50.0, -35.0, -20.0)
"""dBFS."""

REASONS = (Rejection.TOO_QUIET, Rejection.NOISE)
SILENCE = np.zeros(round(1.5 * SAMPLE_RATE), dtype=np.float32)
ROOM_SECONDS = 3.0

DETECTOR = FusedVad()
"""Loaded once: each stream ends with a reset."""


@ends_in_a_sentence
def main() -> int:
    """Print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ravdess', type=Path, metavar='RAVDESS')
    parser.add_argument('noise', type=Path, nargs='?', metavar='NOISE_FOLDER')
    parser.add_argument('--minutes', type=float, default=10.0, help='of each kind at each level (default: 10)')
    options = parser.parse_args()
    print_alarms(options.minutes, options.noise)
    print_losses(options.ravdess)
    return 0


def print_alarms(minutes: float, folder: Path | None) -> None:
    """Print alarms per hour, before and after the checks, for each kind of noise."""
    print('| noise | streams | hours | alarms/h before | too quiet | noise | alarms/h after |')
    print('|---|---:|---:|---:|---:|---:|---:|')
    kinds: dict[str, list[tuple[float, Counter]]] = defaultdict(list)
    streams = [(maker, level) for maker in MAKERS for level in LEVELS]
    for seed, (maker, level) in enumerate(tqdm(streams, unit='stream')):
        sound = make(maker, minutes * 60, level=level, seed=seed)
        kinds[maker.__name__].append((minutes / 60, listen(sound)))
    for name, results in kinds.items():
        print_alarm_row(name, results)
    print_alarm_row('**made, all**', [result for results in kinds.values() for result in results])
    if folder:
        print_recorded(folder)


def print_recorded(folder: Path) -> None:
    """Print the rows of the sound files under `folder`."""
    kinds: dict[str, list[tuple[float, Counter]]] = defaultdict(list)
    refused = 0
    for path in tqdm([path for path in sorted(folder.rglob('*')) if path.is_file()], unit='file'):
        try:
            sound = read_recording(path)
        except SerError:
            refused += 1
            continue
        kinds[path.parent.name].append((len(sound) / SAMPLE_RATE / 3600, listen(sound)))
    if not kinds:
        raise SystemExit(
            f'{folder} holds no sound file; give a folder with WAV or FLAC files, not with links to folders'
        )
    for name, results in kinds.items():
        print_alarm_row(name, results)
    print_alarm_row('**recorded, all**', [result for results in kinds.values() for result in results])
    print(f'\nFiles that are no sound, or not finite: {refused}')


def print_alarm_row(name: str, results: list[tuple[float, Counter]]) -> None:
    """Print one row from (hours, outcomes) of each stream."""
    hours = sum(hours for hours, _ in results)
    outcomes = sum((outcomes for _, outcomes in results), Counter())
    rejected = [outcomes[reason] for reason in REASONS]
    rates = [f'{count / hours:.1f}' for count in (outcomes.total(), outcomes[None])]
    cells = (name, len(results), f'{hours:.2f}', rates[0], *rejected, rates[1])
    print(f'| {" | ".join(map(str, cells))} |', flush=True)


def print_losses(ravdess: Path) -> None:
    """Print how many clips each check loses, in each condition."""
    print('\n| RAVDESS | clips | heard | lost: too quiet | lost: noise | lost |')
    print('|---|---:|---:|---:|---:|---:|')
    clips = [read_recording(clip.path) for clip in tqdm(read_corpus(ravdess, for_training=False).clips, unit='clip')]
    noise = np.random.default_rng(0)
    print_loss_row('as it is', (np.concatenate([SILENCE, clip, SILENCE]) for clip in clips), len(clips))
    print_loss_row('20 dB softer', (np.concatenate([SILENCE, clip / 10, SILENCE]) for clip in clips), len(clips))
    for ratio in (10, 5):
        print_loss_row(f'in pink noise at {ratio} dB', (in_noise(clip, ratio, noise) for clip in clips), len(clips))


def print_loss_row(name: str, streams: Iterable[np.ndarray], count: int) -> None:
    """Print one row; a clip that is lost counts for the check that took its first utterance."""
    heard, lost = 0, Counter()
    for stream in tqdm(streams, total=count, unit='clip'):
        outcomes = listen(stream)
        heard += bool(outcomes)
        if outcomes and not outcomes[None]:
            lost[next(iter(outcomes))] += 1
    cells = (name, count, heard, *(lost[reason] for reason in REASONS), f'{lost.total() / count:.2%}')
    print(f'| {" | ".join(map(str, cells))} |', flush=True)


def in_noise(clip: np.ndarray, ratio: float, noise: np.random.Generator) -> np.ndarray:
    """Return `clip` (float32, shape (n,)) in pink noise at `ratio` dB that begins before it and ends after it."""
    powers = np.square(clip[: len(clip) // CHUNK_SAMPLES * CHUNK_SAMPLES]).reshape(-1, CHUNK_SAMPLES).mean(axis=1)
    power = powers[powers > powers.max() * 10**-2.5].mean()
    sound = np.concatenate([np.zeros(round(ROOM_SECONDS * SAMPLE_RATE)), clip, SILENCE])
    hiss = pink(noise, len(sound) / SAMPLE_RATE) * np.sqrt(power) * 10 ** (-ratio / 20)
    return (sound + hiss).astype(np.float32)


def listen(samples: np.ndarray) -> Counter[Rejection | None]:
    """Return how many final utterances of `samples` were rejected with which reason; None stands for answered."""
    hearing, framer = Hearing(detector=DETECTOR), Framer()
    outcomes = Counter()
    for chunk in framer.push(AudioBlock(samples, 0.0, 0.0)) + framer.flush():
        outcomes.update(hearing.rejection(utterance) for utterance in hearing.hear(chunk))
    outcomes.update(hearing.rejection(utterance) for utterance in hearing.end())
    return outcomes


if __name__ == '__main__':
    sys.exit(main())
