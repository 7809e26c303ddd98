# SPDX-License-Identifier: Apache-2.0
"""RAVDESS speech clips in a folder: found by their names, parsed and checked.

Livingstone and Russo 2018, PLoS ONE 13(5) e0196391. A name is seven two-digit fields:
modality-channel-emotion-intensity-statement-repetition-actor.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ser_ros.emotions import RAVDESS_CODES
from ser_ros.errors import SerError

SPEAKERS = tuple(range(1, 25))
"""Actor numbers; odd ones are male, even ones female."""

SUFFIXES = ('.wav', '.flac')

_NAME = re.compile(r'(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)')
_AUDIO_ONLY_SPEECH = ('03', '01')
_INTENSITIES = {'01': 'normal', '02': 'strong'}
_STATEMENTS = {'01': 'Kids are talking by the door', '02': 'Dogs are sitting by the door'}
_REPETITIONS = {'01': 1, '02': 2}


@dataclass(frozen=True)
class Clip:
    """One recording and what its name says of it."""

    path: Path
    emotion: str
    speaker: int
    intensity: str
    statement: str
    repetition: int


def parse_clip(path: Path) -> Clip | None:
    """Return the clip at `path`, or None where the name is not one of a RAVDESS audio-only speech clip.

    Raises SerError where it has the form of one but holds a code that RAVDESS does not have.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None or match.groups()[:2] != _AUDIO_ONLY_SPEECH:
        return None
    emotion, intensity, statement, repetition, actor = match.groups()[2:]
    try:
        if int(actor) not in SPEAKERS:
            raise KeyError(actor)
        return Clip(
            path=path,
            emotion=RAVDESS_CODES[emotion],
            speaker=int(actor),
            intensity=_INTENSITIES[intensity],
            statement=_STATEMENTS[statement],
            repetition=_REPETITIONS[repetition],
        )
    except KeyError as error:
        raise SerError(
            f"{path} has the code '{error.args[0]}', which RAVDESS does not have at that place "
            '(modality-channel-emotion-intensity-statement-repetition-actor); rename or remove it'
        ) from None


def find_clips(folder: Path) -> tuple[Clip, ...]:
    """Return every audio-only speech clip below `folder`, at any depth, ordered by name.

    Songs, videos and files with other names are left aside. Raises SerError where there is no such clip, or where
    two have the same name (the copies that some downloads hold would stand in training and test at once).
    """
    if not folder.is_dir():
        raise SerError(f'the data folder {folder} does not exist; give the folder of the RAVDESS speech clips')
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES and path.is_file())
    clips = [clip for clip in map(parse_clip, paths) if clip is not None]
    if not clips:
        raise SerError(
            f'{folder} holds no RAVDESS speech clip (such as 03-01-05-01-02-01-16.wav); '
            'give the folder of Audio_Speech_Actors_01-24.zip, unpacked'
        )
    by_name: dict[str, Clip] = {}
    for clip in clips:
        twin = by_name.setdefault(clip.path.stem, clip)
        if twin is not clip:
            raise SerError(f'{twin.path} and {clip.path} are the same clip; remove one of the copies')
    return tuple(by_name[name] for name in sorted(by_name))
