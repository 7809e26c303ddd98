# SPDX-License-Identifier: Apache-2.0
"""Makes models/vad/verifier.npz: the networks that reject what the detectors mistake for speech.

    python tools/measuring/make_verifier.py SOUNDS

SOUNDS/speech and SOUNDS/noise hold a folder for each collection of recordings that the networks learn from,
SOUNDS/other-speech and SOUNDS/other-noise others, on which the penalty is chosen and the table is measured. At most 6 s
of each recording are heard, as they are and in two random scenes: softer, faster or slower, coloured, in a room, in
noise, with a bang in the middle; every second recording of speech also as a shriek. Every utterance that the node would
cut out of it, and not reject as too quiet or too steady, is an example. Needs the built workspace, `. ./env.bash`, and
pyworld.
"""

import argparse
import zlib
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from heard_sound import diffuse_response, hiss, in_room, louder, shrieked, slam, with_event
from made_noise import brown, doors, drone, fan, gusts, hum, knocks, make, pink, rain, vacuum, white
from scipy.signal import butter, lfilter, resample_poly, sosfilt
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.file import read_recording
from ser_ros.errors import SerError
from ser_ros.speech.framing import Framer
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.level import levels
from ser_ros.speech.rejection import Judge
from ser_ros.speech.segmenter import Utterance
from ser_ros.speech.verifier import features, logits, verifier_file

LONGEST = 6.0
"""Seconds of a recording that are heard."""

NETWORKS, WIDTH, PENALTY, PASSES = 5, 32, 3.0, 40
"""How many networks, the width of their hidden layer, the penalty of their weights (L2), and passes over the data.

Widths of 16 to 64 do alike. Of penalties of 1, 3 and 10, 3 rejects the least of the other speech where as much of the
other noise passes. A logistic regression, on one or on all of FireRedVAD's blocks, lets up to a third more pass."""

EXAMPLES = 6000
"""Of speech, and of noise: drawn with repetition, a collection as often as the root of how many it has.

As many of both, so that a logit of 0 is where either is as probable. On streams of the other noise, fewer of each kind
are then answered than when the detector's probability and the pitch decided, but of dogs, 4 for 3, and car horns, 1 for
0."""

_STEADY = (white, pink, brown, gusts, hum, fan, vacuum, drone, rain)
_AS_IT_IS, _SCENES, _SHRIEKED = 'as it is', ('in a scene', 'in another'), 'as a shriek'
_HEARD = (_AS_IT_IS, *_SCENES, _SHRIEKED)


@dataclass(frozen=True)
class Example:
    """An utterance as the verifier sees it: float32, shape (258,), and what it was cut out of."""

    collection: str
    recording: str
    heard: str
    features: np.ndarray


def main() -> None:
    """Write the weights and print how much of the other sounds they reject."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sounds', type=Path, metavar='SOUNDS')
    sounds = parser.parse_args().sounds
    with ProcessPoolExecutor() as pool:
        speech, noise, other_speech, other_noise = (
            examples(sounds / name, pool) for name in ('speech', 'noise', 'other-speech', 'other-noise')
        )
    weights = fit(speech, noise)
    np.savez(verifier_file(), **weights)
    print(f'| rejected of other sound | {" | ".join(_HEARD)} |')
    print(f'|---|{"---:|" * len(_HEARD)}')
    for found in (other_speech, other_noise):
        print_rows(found, logits(weights, np.stack([example.features for example in found])) < 0.0)


def examples(folder: Path, pool: ProcessPoolExecutor) -> list[Example]:
    """Return the utterances in the recordings of each collection in `folder`."""
    paths = sorted(path for path in folder.rglob('*') if path.is_file())
    found = pool.map(_utterances, paths, [folder] * len(paths), chunksize=8)
    return list(chain.from_iterable(tqdm(found, total=len(paths), unit='recording', desc=folder.name, mininterval=10)))


def scene(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return `sound` (float32, shape (n,), 16 kHz) as it may be heard somewhere, 1 s after the beginning."""
    if rng.random() < 0.5:
        sound = resample_poly(sound, 100, round(100 * np.exp(rng.uniform(np.log(0.85), np.log(1.5)))))
    if rng.random() < 0.5:
        sound = lfilter([1.0, rng.uniform(-0.7, 0.7)], [1.0], sound)
    if rng.random() < 0.5:
        sound = in_room(sound, diffuse_response(rng.uniform(0.2, 1.4), rng.uniform(-10.0, 8.0), rng))
    if rng.random() < 0.1:
        sound = sosfilt(butter(4, [300, 3400], 'bandpass', fs=SAMPLE_RATE, output='sos'), sound)
    level = rng.uniform(-50.0, -12.0)
    sound = between_silence(louder(sound, level - np.percentile(levels(sound), 75)))
    if rng.random() < 0.15:
        sound = with_event(sound, slam(rng.uniform(0.1, 1.0), (doors, knocks)[rng.integers(2)], rng))
    if rng.random() < 0.5:
        return hiss(sound, rng.uniform(-90.0, -60.0), rng)
    maker, seed = _STEADY[rng.integers(len(_STEADY))], int(rng.integers(2**31))
    noise = make(maker, len(sound) / SAMPLE_RATE, level=level - rng.uniform(0.0, 30.0), seed=seed)
    return (sound + noise[: len(sound)]).astype(np.float32)


def between_silence(sound: np.ndarray) -> np.ndarray:
    """Return `sound` with silence around it, long enough that whatever is said in it ends."""
    return np.pad(sound, (SAMPLE_RATE, 5 * SAMPLE_RATE // 4)).astype(np.float32)


def fit(speech: list[Example], noise: list[Example]) -> dict[str, np.ndarray]:
    """Return the weights of networks that tell both apart, by their names in the file."""
    rng = np.random.default_rng(0)
    drawn = np.concatenate([_draw(speech, rng), _draw(noise, rng)])
    is_speech = np.repeat([1, 0], EXAMPLES)
    scaler = StandardScaler().fit(drawn)
    networks = [
        MLPClassifier((WIDTH,), alpha=PENALTY, max_iter=PASSES, random_state=seed).fit(
            scaler.transform(drawn), is_speech
        )
        for seed in range(NETWORKS)
    ]
    weights = {
        'mean': scaler.mean_,
        'deviation': scaler.scale_,
        'hidden': np.stack([network.coefs_[0] for network in networks]),
        'hidden_bias': np.stack([network.intercepts_[0] for network in networks]),
        'output': np.stack([network.coefs_[1][:, 0] for network in networks]),
        'output_bias': np.concatenate([network.intercepts_[1] for network in networks]),
    }
    return {name: array.astype(np.float32) for name, array in weights.items()}


def print_rows(found: list[Example], rejected: np.ndarray) -> None:
    """Print a row for each collection: a recording is rejected where all that was cut out of it is."""
    cut_out, answered = set(), set()
    for example, is_rejected in zip(found, rejected, strict=True):
        recording = (example.collection, example.heard, example.recording)
        cut_out.add(recording)
        if not is_rejected:
            answered.add(recording)
    both = [Counter(recording[:2] for recording in some) for some in (cut_out, cut_out - answered)]
    for name in sorted({example.collection for example in found}):
        cells = [f'{both[1][name, heard]} of {both[0][name, heard]}' for heard in _HEARD]
        print(f'| {name} | {" | ".join(cells)} |')


def _utterances(path: Path, folder: Path) -> list[Example]:
    collection = path.relative_to(folder).parts[0]
    try:
        sound = read_recording(path)
    except SerError:
        return []
    if not np.any(sound):
        return []
    name = zlib.crc32(path.relative_to(folder).as_posix().encode())
    rng = np.random.default_rng(name)
    longest = round(LONGEST * SAMPLE_RATE)
    if len(sound) > longest:
        first = int(rng.integers(len(sound) - longest))
        sound = sound[first : first + longest]
    heard = {_AS_IT_IS: between_silence(sound)} | {how: np.clip(scene(sound, rng), -1.0, 1.0) for how in _SCENES}
    if folder.name.endswith('speech') and name % 2 and (shriek := shrieked(sound, rng)) is not None:
        heard[_SHRIEKED] = between_silence(shriek)
    return [
        Example(collection, path.name, how, features(utterance))
        for how, stream in heard.items()
        for utterance in _cut(stream)
    ]


def _cut(stream: np.ndarray) -> list[Utterance]:
    framer, hearing = Framer(), _hearing()
    chunks = framer.push(AudioBlock(stream, 0.0, 0.0)) + framer.flush()
    found = [utterance for chunk in chunks for utterance in hearing.hear(chunk) if hearing.rejection(utterance) is None]
    found += [utterance for utterance in hearing.end() if hearing.rejection(utterance) is None]
    hearing.noise_floor.reset()
    return found


@cache
def _hearing() -> Hearing:
    """Return ears that answer all that the verifier would be asked about."""
    hearing = Hearing()
    hearing.judge = Judge(verifier=lambda utterance: 1.0)
    return hearing


def _draw(found: list[Example], rng: np.random.Generator) -> np.ndarray:
    sizes = Counter(example.collection for example in found)
    weights = np.array([sizes[example.collection] ** -0.5 for example in found])
    chosen = rng.choice(len(found), EXAMPLES, p=weights / weights.sum())
    return np.stack([found[index].features for index in chosen])


if __name__ == '__main__':
    main()
