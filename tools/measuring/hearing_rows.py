# SPDX-License-Identifier: Apache-2.0
"""What `measure_hearing.py` measures: the sound of each row, from RAVDESS and a seed.

The clips of a row are those of RAVDESS shuffled with `numpy.random.default_rng(0)`, one after the other with 1.5 s
between them. Nothing in the package was set on them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from heard_sound import (
    clap,
    diffuse_response,
    hiss,
    in_room,
    knock,
    louder,
    simulated_response,
    slam,
    whispered,
    with_event,
)
from made_noise import RATE, doors, pink

from ser_ros.training.evaluation.conditions import CONDITIONS

PAUSE = 1.5
"""Seconds."""

SOME, FEW = 240, 96
"""Clips in a row where not all 1440 are."""

_RESPONSES = 12
"""Places in a simulated room."""


@dataclass(frozen=True)
class Span:
    """A clip in a row's sound, in seconds, and the emotion that it was spoken with.

    It is not `counted` where it is there only for what it does to the next one.
    """

    start: float
    end: float
    emotion: str
    counted: bool = True


@dataclass(frozen=True)
class Spoken:
    """A clip of RAVDESS: float32, shape (n,), 16 kHz, who spoke it, and how strongly ('01' or '02')."""

    samples: np.ndarray
    emotion: str
    speaker: str
    intensity: str


Sound = tuple[np.ndarray, list[Span]]
Row = Callable[[list[Spoken]], Sound]


def stream(parts: Iterable[tuple[np.ndarray, str, bool]], pause: float = PAUSE) -> Sound:
    """Return (samples, emotion, counted) one after the other in digital silence, and where each is."""
    silence = np.zeros(round(pause * RATE), dtype=np.float32)
    sound, spans, at = [silence], [], len(silence)
    for samples, emotion, counted in parts:
        spans.append(Span(at / RATE, (at + len(samples)) / RATE, emotion, counted))
        sound += [samples, silence]
        at += len(samples) + len(silence)
    return np.concatenate(sound), spans


def rows() -> dict[str, Row]:
    """Return the rows by their names, in the order of the table."""
    found: dict[str, Row] = {
        'as recorded, digital silence between': lambda clips: _plain(clips),
        'as recorded': lambda clips: _changed(clips[:SOME], lambda clip, rng: clip, floor=-75.0),
    }
    for softer in (10, 20, 30, 40):
        floor = min(-75.0, -55.0 - softer)  # a microphone of less gain has softer noise too
        found[f'{softer} dB softer'] = lambda clips, softer=softer, floor=floor: _changed(
            clips[:SOME], lambda clip, rng: louder(clip, -softer), floor=floor
        )
    for seconds, ratio, level in ((0.8, 0.0, 0.0), (0.8, -5.0, -10.0), (1.2, -8.0, -10.0)):
        name = f'diffuse room, {seconds} s, direct {ratio:+.0f} dB over reverberant, {level:+.0f} dB'
        found[name] = lambda clips, room=(seconds, ratio), level=level: _changed(
            clips[:SOME], lambda clip, rng: louder(in_room(clip, diffuse_response(*room, rng)), level), floor=-65.0
        )
    for seconds in (0.3, 0.6, 1.0, 1.5):
        for distance in (0.5, 1.0, 2.0, 4.0):
            found[f'simulated room, {seconds} s, from {distance} m'] = lambda clips, room=(seconds, distance): (
                _simulated(clips[:FEW], *room)
            )
    for ratio in (20, 15, 10, 5, 0):
        found[f'pink noise, {ratio} dB'] = lambda clips, ratio=ratio: _in_pink(clips[:SOME], ratio)
    for peak in (1.0, 0.3):
        found[f'a knock of {peak} in the middle'] = lambda clips, peak=peak: _changed(
            clips[:FEW], lambda clip, rng: with_event(clip, knock(peak))
        )
    found |= {
        'a clap in the middle': lambda clips: _changed(clips[:FEW], lambda clip, rng: with_event(clip, clap(1.0, rng))),
        'a door in the middle': lambda clips: _changed(
            clips[:FEW], lambda clip, rng: with_event(clip, slam(1.0, doors, rng))
        ),
        'a soft voice after a shout': _after_a_shout,
        'two voices in turn, 0.7 s between': _in_turn,
        'telephone': lambda clips: _changed(
            clips[:SOME], lambda clip, rng: CONDITIONS['telephone'](clip, slice(None), rng).astype(np.float32)
        ),
        'whispered': lambda clips: _changed(clips[:SOME], lambda clip, rng: whispered(clip, rng), floor=-75.0),
    }
    return found


def _plain(clips: list[Spoken]) -> Sound:
    return stream((clip.samples, clip.emotion, True) for clip in clips)


def _changed(
    clips: list[Spoken], change: Callable[[np.ndarray, np.random.Generator], np.ndarray], floor: float | None = None
) -> Sound:
    """Return each clip as `change` makes it, in white noise of `floor` dBFS."""
    rng = np.random.default_rng(1)
    sound, spans = stream((change(clip.samples, rng), clip.emotion, True) for clip in clips)
    return (sound if floor is None else hiss(sound, floor, rng)), spans


def _simulated(clips: list[Spoken], seconds: float, distance: float) -> Sound:
    rng = np.random.default_rng(2)
    responses = [simulated_response(seconds, distance, rng) for _ in range(_RESPONSES)]
    heard = (in_room(clip.samples, responses[index % _RESPONSES]) for index, clip in enumerate(clips))
    sound, spans = stream((samples, clip.emotion, True) for samples, clip in zip(heard, clips, strict=True))
    return hiss(sound, -65.0, rng), spans


def _in_pink(clips: list[Spoken], ratio: float) -> Sound:
    """Return clips of one loudness in steady noise that is `ratio` dB softer than they are."""
    level = -30.0
    even = [louder(clip.samples, level - 10 * np.log10(np.mean(np.square(clip.samples)))) for clip in clips]
    sound, spans = stream(
        (np.clip(samples, -1, 1), clip.emotion, True) for samples, clip in zip(even, clips, strict=True)
    )
    noise = pink(np.random.default_rng(3), len(sound) / RATE)[: len(sound)]
    return (sound + noise * 10 ** ((level - ratio) / 20)).astype(np.float32), spans


def _after_a_shout(clips: list[Spoken]) -> Sound:
    shouts = [clip for clip in clips if clip.intensity == '02' and clip.emotion in ('angry', 'fearful')]
    soft = [clip for clip in clips if clip.emotion in ('calm', 'sad', 'neutral') and clip.intensity == '01']
    parts = []
    for shout, voice in list(zip(shouts, soft, strict=False))[:FEW]:
        parts += [(shout.samples, shout.emotion, False), (louder(voice.samples, -10), voice.emotion, True)]
    sound, spans = stream(parts)
    return hiss(sound, -75.0, np.random.default_rng(4)), spans


def _in_turn(clips: list[Spoken]) -> Sound:
    first, second = ([clip for clip in clips if int(clip.speaker) % 2 == parity][: SOME // 2] for parity in (0, 1))
    order = [clip for pair in zip(first, second, strict=True) for clip in pair]
    sound, spans = stream(((clip.samples, clip.emotion, True) for clip in order), pause=0.7)
    return hiss(sound, -75.0, np.random.default_rng(5)), spans
