# SPDX-License-Identifier: Apache-2.0
"""Measures whether the arousal of the answers rises with the intensity of the speech.

    python tools/measuring/measure_arousal.py BAVED [MODEL]

BAVED is the folder of github.com/40uf411/Basic-Arabic-Vocal-Emotions-Dataset: single words at three levels, 0 (tired,
down), 1 (ordinary) and 2 (strong emotion, pleasant or not), in files named
speaker-sex-age-word-level-record.wav. Each clip is answered whole, as one
utterance: once by itself, and once in a random order of the speaker's clips (seed 0) by a model that gets used to this
speaker. The loudness of the clips is there for comparison. Printed is Spearman's rank correlation with the level: over
all clips, and as the mean over the speakers who recorded all three levels, each with the 95 % interval of 2000
bootstrap samples of speakers (seed 0). Needs the built workspace, `. ./env.bash`.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from tqdm import tqdm

from ser_ros.affect import valence_arousal
from ser_ros.audio.file import read_recording
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.errors import SerError
from ser_ros.recognition.adapting_classifier import AdaptingClassifier
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.estimate import Estimate
from ser_ros.recognition.models import find_model
from ser_ros.speech.level import levels as levels_of

NAME = re.compile(r'(?P<speaker>\d+)-[mf]-\d+-\d-(?P<level>[012])-\d+\.wav')
LEVELS = (0, 1, 2)
SAMPLES = 2000
"""Of the bootstrap."""
SEED = 0


@dataclass(frozen=True)
class Clip:
    """One word: whose, and its level of intensity."""

    path: Path
    speaker: str
    level: int


@ends_in_a_sentence
def main() -> int:
    """Print the rank correlations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('baved', type=Path, metavar='BAVED')
    parser.add_argument('model', nargs='?', default='', metavar='MODEL', help='default: the embedded one')
    options = parser.parse_args()
    clips = find_clips(options.baved)
    classifier = Classifier.load(find_model(options.model), 'cpu')
    orders = np.random.default_rng(SEED)
    speakers = sorted({clip.speaker for clip in clips}, key=int)
    levels, alone, adapted, loudness = [], [], [], []
    for speaker in tqdm(speakers, unit='speaker'):
        own = [clip for clip in clips if clip.speaker == speaker]
        orders.shuffle(own)
        levels.append(np.array([clip.level for clip in own]))
        alone.append(arousals(classifier, own, adapts=False))
        adapted.append(arousals(classifier, own, adapts=True))
        loudness.append(np.array([loudest(read_recording(clip.path)) for clip in own]))
    print(f'{classifier.name}, {classifier.backend}: {len(clips)} clips of {len(speakers)} speakers')
    for words, values in (
        ('arousal, each clip by itself', alone),
        ('arousal, used to the speaker', adapted),
        ('loudness of the clip in dBFS', loudness),
    ):
        means = [np.concatenate(values)[np.concatenate(levels) == level].mean() for level in LEVELS]
        print(f'{words}: mean at the levels 0, 1, 2: ' + ', '.join(f'{mean:+.2f}' for mean in means))
        for statistic in (over_all_clips, within_speakers):
            low, high = interval(statistic, values, levels)
            print(f'  {statistic.__name__}: {statistic(values, levels):.3f} ({low:.3f} to {high:.3f})')
    complete = sum(set(own) == set(LEVELS) for own in levels)
    print(f'speakers with all three levels: {complete}')
    return 0


def find_clips(folder: Path) -> list[Clip]:
    """Return all clips in the order of their names. Raises SerError if there is none."""
    named = [(path, NAME.fullmatch(path.name)) for path in sorted(folder.rglob('*.wav'))]
    clips = [Clip(path, match['speaker'], int(match['level'])) for path, match in named if match]
    if not clips:
        raise SerError(
            f'{folder} has no files such as 0/0-m-21-0-1-105.wav; give the folder of the Basic Arabic Vocal Emotions '
            'Dataset'
        )
    return clips


def arousals(classifier: Classifier, clips: Sequence[Clip], *, adapts: bool) -> np.ndarray:
    """Return the arousal of each clip, float64, shape (len(clips),)."""
    recogniser = AdaptingClassifier(classifier)
    values = []
    for clip in clips:
        samples = read_recording(clip.path)
        estimate: Estimate = recogniser.classify(samples)
        if adapts:
            recogniser.hear(estimate)
        values.append(valence_arousal(estimate.labels, estimate.probabilities)[1])
    return np.array(values)


def loudest(samples: np.ndarray) -> float:
    """Return the level in dBFS of the loudest tenth of the clip's chunks, which pauses do not change."""
    return float(np.percentile(levels_of(samples), 90))


def over_all_clips(values: Sequence[np.ndarray], levels: Sequence[np.ndarray]) -> float:
    """Return the rank correlation of arousal and level over the clips of all speakers together."""
    return float(spearmanr(np.concatenate(values), np.concatenate(levels)).statistic)


def within_speakers(values: Sequence[np.ndarray], levels: Sequence[np.ndarray]) -> float:
    """Return the mean over the speakers with all three levels of the rank correlation of their own clips."""
    complete = [(mine, own) for mine, own in zip(values, levels, strict=True) if set(own) == set(LEVELS)]
    return float(np.mean([spearmanr(mine, own).statistic for mine, own in complete]))


def interval(statistic, values: Sequence[np.ndarray], levels: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the 95 % interval of `statistic` over bootstrap samples of speakers."""
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(SAMPLES):
        drawn = rng.integers(len(values), size=len(values))
        found.append(statistic([values[at] for at in drawn], [levels[at] for at in drawn]))
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


if __name__ == '__main__':
    sys.exit(main())
