# SPDX-License-Identifier: Apache-2.0
"""Makes demo/recording.flac and demo/recording.json: synthetic voices with pauses and a little noise.

    .venv/bin/python tools/workspace/make_demo_recording.py

Needs espeak-ng (`sudo apt install espeak-ng`). The same input gives the same recording.
"""

import argparse
import io
import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

DEMO = Path(__file__).resolve().parents[2] / 'demo'
RATE = 16_000
PAUSES = (1.2, 1.0, 1.5, 1.1, 1.3, 1.0, 1.2)
NOISE_RMS = 0.0015
SILENCE = 0.003


@dataclass(frozen=True)
class Line:
    """One utterance: the text and espeak-ng's voice, pitch (0..99), speed (words a minute), amplitude (0..200)."""

    text: str
    voice: str
    pitch: int
    speed: int
    amplitude: int


LINES = (
    Line('The train leaves at a quarter past nine.', 'en-us', 45, 165, 90),
    Line('Stop that right now, I told you to leave it alone!', 'en-us+m3', 75, 215, 190),
    Line('I really miss my old friend.', 'en-us+f2', 25, 110, 60),
    Line('We have won, we have really won the game!', 'en-us+f3', 90, 205, 150),
    Line('Did you hear that noise? Somebody is outside.', 'en-us+f4', 80, 190, 80),
    Line('Good evening, please take a seat and rest a little.', 'en-us+m1', 30, 130, 80),
)


def main() -> None:
    """Speak the lines, put pauses and noise around them, write sound and truth."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    if shutil.which('espeak-ng') is None:
        raise SystemExit('espeak-ng is not installed; install it with: sudo apt install espeak-ng')
    noise = np.random.default_rng(20261122)
    pieces, truth = [_pause(PAUSES[0])], []
    position = PAUSES[0]
    for line, pause in zip(LINES, PAUSES[1:], strict=True):
        speech = _speak(line)
        truth.append({'start': round(position, 3), 'duration': round(len(speech) / RATE, 3), **asdict(line)})
        pieces += [speech, _pause(pause)]
        position += len(speech) / RATE + pause
    sound = np.concatenate(pieces)
    sound += _pink_noise(noise, len(sound)) * NOISE_RMS
    DEMO.mkdir(exist_ok=True)
    soundfile.write(DEMO / 'recording.flac', sound, RATE, subtype='PCM_16')
    description = {
        'made_by': 'tools/workspace/make_demo_recording.py with espeak-ng; synthetic voices, pink noise',
        'utterances': truth,
    }
    (DEMO / 'recording.json').write_text(json.dumps(description, indent=1) + '\n')
    print(f'{len(LINES)} utterances, {len(sound) / RATE:.1f} s')


def _speak(line: Line) -> np.ndarray:
    options = ['-v', line.voice, '-p', line.pitch, '-s', line.speed, '-a', line.amplitude, '--stdout', line.text]
    wav = subprocess.run(['espeak-ng', *map(str, options)], check=True, capture_output=True).stdout
    sound, rate = soundfile.read(io.BytesIO(wav), dtype='float32')
    sound = soxr.resample(sound, rate, RATE)
    loud = np.flatnonzero(np.abs(sound) > SILENCE)
    return sound[loud[0] : loud[-1] + 1]


def _pause(duration: float) -> np.ndarray:
    return np.zeros(round(duration * RATE), dtype=np.float32)


def _pink_noise(generator: np.random.Generator, count: int) -> np.ndarray:
    spectrum = np.fft.rfft(generator.standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, count)
    return (noise / noise.std()).astype(np.float32)


if __name__ == '__main__':
    main()
