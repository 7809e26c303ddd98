# SPDX-License-Identifier: Apache-2.0
"""Varies training utterances: where they are cut, the voice, the noise, and SpecAugment's masks."""

from dataclasses import dataclass

import numpy as np
import soxr

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.training.recipe import Augmentation

_SHORTEST = 0.3
"""Seconds; no draw of margins leaves less."""

_NOISE_COLOURS = (0.0, 2.0)
"""Exponents of 1/f^a: white to brown; fans, motors and traffic lie between."""


@dataclass(frozen=True)
class Variation:
    """How one variant of a clip is made.

    start, end: where the clip is cut, in seconds.
    speed: factor of tempo and pitch.
    snr: of the added noise in dB; None for no noise.
    noise_colour: exponent a of its power density 1/f^a.
    """

    start: float
    end: float
    speed: float
    snr: float | None
    noise_colour: float

    @property
    def duration(self) -> float:
        """Seconds of the variant."""
        return (self.end - self.start) / self.speed


def draw_variation(
    duration: float, speech: tuple[float, float], augmentation: Augmentation, rng: np.random.Generator
) -> Variation:
    """Draw a variant of a clip of `duration` seconds whose `speech` starts and ends there, in seconds."""
    start, end = 0.0, duration
    if rng.random() >= augmentation.whole_clip_probability:
        start = max(speech[0] - rng.uniform(*augmentation.margin_before), 0.0)
        end = min(max(speech[1] + rng.uniform(*augmentation.margin_after), start + _SHORTEST), duration)
    speed = rng.uniform(*augmentation.speed)
    noisy = rng.random() < augmentation.noise_probability
    snr = rng.uniform(*augmentation.noise_snr) if noisy else None
    return Variation(start, end, speed, snr, rng.uniform(*_NOISE_COLOURS))


def vary_sound(samples: np.ndarray, variation: Variation, rng: np.random.Generator) -> np.ndarray:
    """Return the variant of a clip (both float32, shape (n,), 16 kHz); `rng` makes the noise."""
    samples = samples[int(variation.start * SAMPLE_RATE) : round(variation.end * SAMPLE_RATE)]
    if variation.speed != 1.0:
        samples = soxr.resample(samples, SAMPLE_RATE * variation.speed, SAMPLE_RATE, quality='LQ')
    if variation.snr is not None:
        samples = add_noise(samples, variation.snr, variation.noise_colour, rng)
    return samples


def add_noise(samples: np.ndarray, snr: float, colour: float, rng: np.random.Generator) -> np.ndarray:
    """Return `samples` with noise of power density 1/f^colour, `snr` dB below their own power."""
    spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (colour / 2)
    spectrum[0] = 0.0
    noise = np.fft.irfft(spectrum, len(samples))
    scale = np.sqrt(np.mean(samples**2) / (np.mean(noise**2) * 10 ** (snr / 10)))
    return (samples + scale * noise).astype(np.float32)


def mask_features(features: np.ndarray, bands: int, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return mel `features` with SpecAugment's masks, set to 0, their mean.

    features: shape (rows, n * bands): each row holds n successive frames of `bands` mel bands, normalised per band.
    """
    rows = len(features)
    frames = features.reshape(rows, -1, bands).copy()
    longest = augmentation.time_mask * rows
    widest = augmentation.frequency_mask * bands
    for _ in range(augmentation.masks):
        length = rng.integers(int(longest) + 1)
        start = rng.integers(rows - length + 1)
        frames[start : start + length] = 0.0
        width = rng.integers(int(widest) + 1)
        lowest = rng.integers(bands - width + 1)
        frames[:, :, lowest : lowest + width] = 0.0
    return frames.reshape(features.shape)
