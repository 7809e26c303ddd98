# SPDX-License-Identifier: Apache-2.0
"""Measures where the utterances in the RAVDESS speech clips begin, and whether a shifted clip gives the same result.

    python tools/measuring/measure_segmentation.py RAVDESS

Each clip stands between 1.5 s of silence and is heard twice, the second time shifted by 1 to 511 samples (seed 0),
because a microphone's blocks can begin anywhere. Needs the built workspace, `. ./env.bash`.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.cli.sentences import ends_in_a_sentence
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.models import find_model
from ser_ros.speech.recording import segment_recording
from ser_ros.training.data.corpus import read_corpus

SILENCE = 1.5
LOUD = 10 ** (-30 / 20)
RUN = 0.05
NEAR = 0.15


@ends_in_a_sentence
def main() -> int:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ravdess', type=Path, metavar='RAVDESS')
    options = parser.parse_args()
    shifts = np.random.default_rng(0)
    classifier = Classifier.load(find_model())
    found, errors, same_label, same_samples, pairs = Counter(), [], 0, 0, 0
    for clip in tqdm(read_corpus(options.ravdess, for_training=False).clips, unit='clip'):
        silence = np.zeros(int(SILENCE * SAMPLE_RATE), dtype=np.float32)
        sound = np.concatenate([silence, read_recording(clip.path), silence])
        shift = int(shifts.integers(1, 512))
        first = segment_recording(sound)
        second = segment_recording(np.concatenate([np.zeros(shift, dtype=np.float32), sound]))
        found[len(first)] += 1
        if len(first) == 1:
            errors.append(first[0].start_time - loud_from(sound))
        if len(first) == len(second) == 1:
            heard, again = first[0].samples, second[0].samples
            pairs += 1
            same_samples += np.array_equal(heard, again)
            same_label += classifier.classify(heard).label == classifier.classify(again).label
    near = np.mean(np.abs(errors) < NEAR)
    print('clips by the number of utterances found in them:', dict(sorted(found.items())))
    print(f'start within {NEAR} s of the first loud {RUN} s: {near:.1%}; median error {np.median(errors):.3f} s')
    print(f'heard at two places: {same_label} of {pairs} with the same label, {same_samples} with the same samples')
    return 0


def loud_from(sound: np.ndarray) -> float:
    """Return the second at which `sound` (float32, shape (n,)) first stays above 30 dB below its loudest for 50 ms."""
    frame = SAMPLE_RATE // 100
    power = np.square(sound[: len(sound) // frame * frame]).reshape(-1, frame).mean(axis=1)
    power = np.convolve(power, np.ones(3) / 3, 'same')
    loud = power > np.percentile(power[power > 0], 98) * LOUD**2
    run = round(RUN * 100)
    stays = np.convolve(loud, np.ones(run), 'valid') >= run
    return float(np.argmax(stays)) / 100


if __name__ == '__main__':
    sys.exit(main())
