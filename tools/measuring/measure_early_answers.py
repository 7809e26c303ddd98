# SPDX-License-Identifier: Apache-2.0
"""Measures what it costs to classify an utterance as heard up to the pause instead of at its end.

    python tools/measuring/measure_early_answers.py RAVDESS [MODEL]

Each clip of RAVDESS has a second of soft noise before and after it. Needs the built workspace, `. ./env.bash`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.file import read_recording
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.models import find_model
from ser_ros.speech.framing import Framer
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.segmenter import SpeechState, Utterance
from ser_ros.training.data.corpus import read_corpus

SILENCE = 1.0
NOISE = 1e-4
"""Standard deviation of white noise: -80 dBFS."""


@ends_in_a_sentence
def main() -> int:
    """Print how often the early answers agree with those at the end, and the accuracy of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ravdess', type=Path, metavar='RAVDESS')
    parser.add_argument('model', nargs='?', default='', metavar='MODEL', help='default: the embedded one')
    options = parser.parse_args()
    classifier = Classifier.load(find_model(options.model), 'cpu')
    pauses, same_samples, same_labels, early_right, right, count = 0, 0, 0, 0, 0, 0
    differences = []
    for clip in tqdm(read_corpus(options.ravdess, for_training=False).clips, unit='clip'):
        pairs, found = pairs_in(read_recording(clip.path))
        pauses += found
        for early, final in pairs:
            first, last = classifier.classify(early.samples), classifier.classify(final.samples)
            count += 1
            same_samples += np.array_equal(early.samples, final.samples)
            same_labels += first.label == last.label
            early_right += first.label == clip.emotion
            right += last.label == clip.emotion
            differences.append(float(np.abs(first.probabilities - last.probabilities).max()))
    print(f'{classifier.name}, {classifier.backend}: {count} utterances, {pauses / count:.2f} pauses in each')
    print(f'the same samples {same_samples / count:.1%}, the same label {same_labels / count:.2%}')
    print(f'right {early_right / count:.2%} early, {right / count:.2%} at the end')
    median, high = np.percentile(differences, (50, 95))
    print(f'largest difference of a probability: median {median:.3f}, 95 % {high:.3f}')
    return 0


def pairs_in(samples: np.ndarray) -> tuple[list[tuple[Utterance, Utterance]], int]:
    """Return (as heard at its last pause, as heard at its end) of each utterance, and how often a voice paused."""
    generator = np.random.default_rng(0)
    silence = generator.normal(scale=NOISE, size=(2, round(SILENCE * SAMPLE_RATE))).astype(np.float32)
    hearing = Hearing()
    segmenter = hearing.segmenter
    pairs, pauses, early, before = [], 0, None, segmenter.state
    for chunk in Framer().push(AudioBlock(np.concatenate([silence[0], samples, silence[1]]), 0.0, 0.0)):
        found = hearing.hear(chunk)
        if segmenter.state is SpeechState.STOPPING and before is not SpeechState.STOPPING:
            early = segmenter.paused()
            pauses += 1
        pairs += [(early, utterance) for utterance in found]
        before = segmenter.state
    return pairs, pauses


if __name__ == '__main__':
    sys.exit(main())
