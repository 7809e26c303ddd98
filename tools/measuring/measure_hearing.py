# SPDX-License-Identifier: Apache-2.0
"""Measures how many clips are heard, by room and noise, and how many false alarms an hour there are.

    python tools/measuring/measure_hearing.py RAVDESS [NOISE_FOLDER] [--children FOLDER] [--detector NAME ...]

A clip is lost if no answered utterance overlaps it, with 0.3 s of tolerance, and split if more than one does. "Answered
right" means that the embedded default gives the clip's first utterance the emotion it was spoken with. The rows are
those of hearing_rows.py, the noise is that of measure_false_alarms.py; children are the WAV files of a folder. OUT gets
one Markdown table for each detector and one figure. Simulated rooms and the detectors webrtcvad and ten_vad need more
packages (`pip install pyroomacoustics webrtcvad-wheels ten-vad`). Needs the built workspace, `. ./env.bash`.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hearing_detectors import DETECTORS, Ear
from hearing_rows import Sound, Span, Spoken, rows, stream
from made_noise import MAKERS, make
from matplotlib.figure import Figure
from tqdm import tqdm

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.file import read_recording
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.errors import SerError
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.models import find_model
from ser_ros.speech.framing import Framer
from ser_ros.speech.rejection import Rejection
from ser_ros.speech.segmenter import Utterance
from ser_ros.training.data.corpus import read_corpus

GRACE = 0.3
"""Seconds."""

NOISE_MINUTES = 3.0
"""Of each kind of made noise, at -35 dBFS."""


@dataclass
class Heard:
    """What became of a row."""

    clips: int
    lost: int
    split: int
    rejected: Counter
    right: int

    @property
    def share(self) -> float:
        """Return the share of clips that got an answer."""
        return 1 - self.lost / self.clips


@ends_in_a_sentence
def main() -> int:
    """Print and write one table for each detector, and the figure of all."""
    options = _parser().parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    clips = _read_ravdess(options.ravdess)
    chosen = {name: row for name, row in rows().items() if any(part in name for part in options.rows)}
    summary = {}
    for detector in options.detector:
        ear = DETECTORS[detector]()
        lines = [
            '| what is heard | clips | lost | split | rejected | heard | answered right |',
            '|---|---:|---:|---:|---|---:|---:|',
        ]
        shares = []
        sounds = list(chosen.items())
        if options.children:
            sounds.append(('children', lambda _: _children(options.children)))
        for name, row in tqdm(sounds, unit='row', desc=detector):
            heard = listen(ear, *row(clips))
            shares.append(heard.share)
            lines.append(_line(name, heard))
            tqdm.write(lines[-1])
        alarms, hours = count_alarms(ear, options.noise)
        lines.append(f'\nFalse alarms an hour: {alarms / hours:.1f} ({alarms} in {hours:.2f} h)')
        (options.out / f'{detector}.md').write_text('\n'.join(lines) + '\n')
        summary[detector] = (alarms / hours, shares)
        print('\n'.join(lines), flush=True)
    draw(summary, options.out / 'hearing.png')
    return 0


def listen(ear: Ear, sound: np.ndarray, spans: list[Span]) -> Heard:
    """Return what `ear` makes of `sound` (float32, shape (n,), 16 kHz), in which people speak at `spans`."""
    answered, rejected = hear(ear, sound)
    lost = split = right = 0
    spans = [span for span in spans if span.counted]
    for span in spans:
        found = [utterance for utterance in answered if _overlaps(utterance, span)]
        lost += not found
        split += len(found) > 1
        right += bool(found) and bool(span.emotion) and _classifier().classify(found[0].samples).label == span.emotion
    return Heard(len(spans), lost, split, rejected, right)


def hear(ear: Ear, sound: np.ndarray) -> tuple[list[Utterance], Counter]:
    """Return the utterances of a stream that are answered, and how many are not, by reason."""
    hearing, framer = ear.hearing(), Framer()
    answered, rejected = [], Counter()
    chunks = framer.push(AudioBlock(sound, 0.0, 0.0)) + framer.flush()
    for utterance in [utterance for chunk in chunks for utterance in hearing.hear(chunk)] + hearing.end():
        reason = hearing.rejection(utterance)
        if reason is None:
            answered.append(utterance)
        else:
            rejected[reason] += 1
    rejected[Rejection.TOO_SHORT] = hearing.segmenter.too_short
    return answered, rejected


def count_alarms(ear: Ear, folder: Path | None) -> tuple[int, float]:
    """Return how many utterances are answered in noise, and in how many hours of it."""
    streams = [make(maker, NOISE_MINUTES * 60, level=-35.0, seed=seed) for seed, maker in enumerate(MAKERS)]
    alarms, samples = 0, 0
    for sound in tqdm(streams, unit='stream', desc='noise'):
        alarms += len(hear(ear, sound)[0])
        samples += len(sound)
    for path in tqdm(sorted(folder.rglob('*')) if folder else [], unit='file', desc='noise'):
        try:
            sound = read_recording(path)
        except (SerError, OSError):
            continue
        alarms += len(hear(ear, sound)[0])
        samples += len(sound)
    return alarms, samples / SAMPLE_RATE / 3600


def draw(summary: dict[str, tuple[float, list[float]]], path: Path) -> None:
    """Draw share heard (the mean of all rows, and the worst) against false alarms an hour."""
    figure = Figure(figsize=(7, 5), layout='constrained')
    axes = figure.subplots()
    for name, (alarms, shares) in summary.items():
        mean = 100 * float(np.mean(shares))
        axes.errorbar([alarms], [mean], yerr=[[mean - 100 * min(shares)], [0]], fmt='o', capsize=4, label=name)
    axes.set_xscale('symlog')  # from none to hundreds
    axes.set_xlabel('false alarms an hour of dense noise')
    axes.set_ylabel('clips heard, mean of all rows (bar: down to the worst row), %')
    axes.grid(alpha=0.3)
    axes.legend(loc='center')
    figure.savefig(path, dpi=120)


def _line(name: str, heard: Heard) -> str:
    reasons = ', '.join(f'{count} {reason.value}' for reason, count in heard.rejected.items() if count)
    right = f'{heard.right / heard.clips:.1%}' if heard.right else ''
    cells = (name, heard.clips, heard.lost, heard.split, reasons, f'{heard.share:.1%}', right)
    return f'| {" | ".join(map(str, cells))} |'


def _overlaps(utterance: Utterance, span: Span) -> bool:
    end = utterance.start_time + utterance.duration
    return utterance.start_time < span.end + GRACE and end > span.start - GRACE


def _read_ravdess(folder: Path) -> list[Spoken]:
    clips = read_corpus(folder, for_training=False).clips
    order = np.random.default_rng(0).permutation(len(clips))
    shuffled = (clips[index] for index in order)
    return [
        Spoken(read_recording(clip.path), clip.emotion, clip.speaker, clip.path.stem.split('-')[3])
        for clip in tqdm(shuffled, total=len(clips), unit='clip', desc='reading')
    ]


def _children(folder: Path) -> Sound:
    return stream((read_recording(path), '', True) for path in sorted(folder.rglob('*.[wW][aA][vV]')))


_LOADED: list[Classifier] = []


def _classifier() -> Classifier:
    if not _LOADED:
        _LOADED.append(Classifier.load(find_model()))
    return _LOADED[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ravdess', type=Path, metavar='RAVDESS')
    parser.add_argument('noise', type=Path, nargs='?', metavar='NOISE_FOLDER')
    parser.add_argument('--children', type=Path, metavar='FOLDER', help='speech of children, for a row of its own')
    parser.add_argument('--detector', nargs='+', choices=list(DETECTORS), default=['fused'], metavar='NAME')
    parser.add_argument('--rows', nargs='+', default=[''], metavar='PART', help='only rows whose name has one of these')
    parser.add_argument('--out', type=Path, default=Path('hearing'), help='folder (default: hearing)')
    return parser


if __name__ == '__main__':
    sys.exit(main())
