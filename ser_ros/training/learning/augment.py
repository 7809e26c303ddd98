# SPDX-License-Identifier: Apache-2.0
"""Varies the sound of training clips: where they are cut, the voice, the room, the noise, the level."""

from dataclasses import dataclass, replace

import numpy as np
import soxr
import torch
import torchaudio.functional as F
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import fftconvolve

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.training.learning.recipe import Augmentation

_SHORTEST = 0.3
"""Seconds; the least that any draw of margins leaves."""

_NOISE_COLOURS = (0.0, 2.0)
"""Exponents of 1/f^a: white to brown; fans, motors and traffic are in between."""

_OCTAVES = 62.5 * 2.0 ** np.arange(8)
"""Hz, up to 8 kHz; the uneven spectrum of a noise is interpolated between them."""

_BAND_ORDERS = (2, 11)
"""From a cheap microphone to a telephone's filter, the last one excluded."""

_HISS = (25.0, 80.0)
"""dB."""

_CODED_PROBABILITY = 0.5
"""How often a band is that of a digital line, which has nothing at all above it: normalised features would show what
leaks from the voice there."""

_BITS = (6.0, 12.0)
"""Of a digital line's companded samples; a telephone's have 8 (ITU-T G.711)."""

_RATE = 2.35
"""Sampling rate of a line as a multiple of its band's upper edge, as 8000 Hz for 3400 Hz."""

_MU = 255.0
"""Of the companding (ITU-T G.711)."""

_PITCH_RESOLUTION = 1000
"""torchaudio's pitch_shift uses its sampling rate only for the fraction that it resamples by: thousandths are within 2
cents, while those of 16 kHz need a filter of a gigabyte and seconds for each clip."""


@dataclass(frozen=True)
class Band:
    """A microphone, or a line, that transmits only a band.

    Attributes:
        low: Lower edge in Hz.
        high: Upper edge in Hz.
        order: Steepness of the edges, as the order of a Butterworth filter.
        hiss: dB by which the transmitted sound is above the microphone's own white noise.
        bits: Of each companded sample of a digital line; None if nothing is sampled. Fractions are intermediate steps.
    """

    low: float
    high: float
    order: int
    hiss: float
    bits: float | None = None


@dataclass(frozen=True)
class Variation:
    """How one variant of a clip is made.

    Attributes:
        start: Where the cut begins, in seconds of the clip.
        end: Where it ends, in seconds of the clip.
        speed: Factor of tempo and pitch.
        snr: Of the added noise in dB; None for no noise.
        noise_colour: Exponent a of the noise's power density 1/f^a.
        noise_octaves: dB by which this density is raised at each of _OCTAVES; empty for none.
        semitones: Shift of only the pitch.
        reverberation: Seconds in which the room's sound falls by 60 dB; 0 for none.
        direct_to_reverberant: dB that the direct sound is above the room's.
        band: What the microphone transmits; None for everything.
        gain: dB.
    """

    start: float
    end: float
    speed: float
    snr: float | None = None
    noise_colour: float = 0.0
    noise_octaves: tuple[float, ...] = ()
    semitones: int = 0
    reverberation: float = 0.0
    direct_to_reverberant: float = 6.0
    band: Band | None = None
    gain: float = 0.0

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
        start = min(speech[0] - rng.uniform(*augmentation.margin_before), duration - _SHORTEST)
        start = max(start, 0.0)
        end = min(max(speech[1] + rng.uniform(*augmentation.margin_after), start + _SHORTEST), duration)
    speed = rng.uniform(*augmentation.speed)
    noisy = rng.random() < augmentation.noise_probability
    snr = rng.uniform(*augmentation.noise_snr) if noisy else None
    colour = rng.uniform(*_NOISE_COLOURS)
    shifted = rng.random() < augmentation.pitch_probability
    semitones = round(rng.uniform(*augmentation.pitch)) if shifted else 0
    in_a_room = rng.random() < augmentation.reverberation_probability
    reverberation = rng.uniform(*augmentation.reverberation_time) if in_a_room else 0.0
    gain = rng.uniform(*augmentation.gain)
    direct = rng.uniform(*augmentation.direct_to_reverberant)
    in_a_band = rng.random() < augmentation.band_probability
    edges = rng.uniform(*augmentation.band_low), rng.uniform(*augmentation.band_high)
    band = Band(*edges, order=int(rng.integers(*_BAND_ORDERS)), hiss=rng.uniform(*_HISS)) if in_a_band else None
    if band and rng.random() < _CODED_PROBABILITY:
        band = replace(band, bits=rng.uniform(*_BITS))
    if rng.random() >= augmentation.surroundings_probability:
        return Variation(start, end, speed, semitones=semitones, gain=gain)
    octaves = ()
    if noisy and augmentation.noise_unevenness:
        octaves = tuple(rng.normal(0.0, augmentation.noise_unevenness, len(_OCTAVES)).tolist())
    return Variation(start, end, speed, snr, colour, octaves, semitones, reverberation, direct, band, gain)


def vary_sound(
    samples: np.ndarray, variation: Variation, rng: np.random.Generator, longest: int | None = None
) -> np.ndarray:
    """Return the variant of a clip: another voice in other surroundings, float32, shape (n,), 16 kHz.

    Args:
        samples: The clip, float32, shape (n,), 16 kHz.
        variation: How the variant is made.
        rng: Makes the noise and the room, and chooses which part of a variant that is too long is kept.
        longest: Samples to which a longer variant is cut; None for no limit.
    """
    return vary_surroundings(vary_voice(samples, variation, rng, longest), variation, rng)


def vary_voice(
    samples: np.ndarray, variation: Variation, rng: np.random.Generator, longest: int | None = None
) -> np.ndarray:
    """Return the voice of a variant: the cut, tempo and pitch; see vary_sound."""
    samples = samples[int(variation.start * SAMPLE_RATE) : round(variation.end * SAMPLE_RATE)]
    if variation.speed != 1.0:
        # soxr: torchaudio's resampling is slow if the two rates have no large common divisor, as here.
        samples = soxr.resample(samples, SAMPLE_RATE * variation.speed, SAMPLE_RATE, quality='LQ')
    if longest is not None and len(samples) > longest:
        start = rng.integers(len(samples) - longest + 1)
        samples = samples[start : start + longest]
    sound = torch.from_numpy(np.array(samples, dtype=np.float32))
    if variation.semitones:
        sound = F.pitch_shift(sound, _PITCH_RESOLUTION, variation.semitones)
    return sound.numpy()


def vary_surroundings(samples: np.ndarray, variation: Variation, rng: np.random.Generator) -> np.ndarray:
    """Return `samples` in the surroundings of a variant: the room, the noise, the microphone and its gain."""
    sound = torch.from_numpy(samples)
    if variation.reverberation:
        # scipy: torchaudio's convolution takes ten times as long for lengths with large prime factors.
        sound = torch.from_numpy(fftconvolve(samples, _room(variation, rng))[: len(samples)])
    if variation.snr is not None:
        noise = coloured_noise(len(sound), variation.noise_colour, rng, variation.noise_octaves)
        sound = F.add_noise(sound[None], torch.from_numpy(noise)[None], torch.tensor([variation.snr]))[0]
    if variation.band is not None:
        sound = _through(variation.band, sound, rng)
    if variation.gain:
        sound = F.gain(sound, variation.gain)
    return sound.numpy()


def _through(band: Band, sound: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    size = next_fast_len(len(sound), real=True)
    frequencies = np.maximum(rfftfreq(size, 1 / SAMPLE_RATE), 1.0)
    power = 2 * band.order
    gains = ((1 + (band.low / frequencies) ** power) * (1 + (frequencies / band.high) ** power)) ** -0.5
    filtered = irfft(rfft(sound.numpy(), size) * gains, size)[: len(sound)]
    heard = torch.from_numpy(filtered.astype(np.float32))
    hiss = torch.from_numpy(coloured_noise(len(sound), 0.0, rng))
    hissing = F.add_noise(heard[None], hiss[None], torch.tensor([band.hiss]))[0]
    return hissing if band.bits is None else _coded(hissing, band.high, band.bits)


def _coded(sound: torch.Tensor, high: float, bits: float) -> torch.Tensor:
    rate = _RATE * high
    samples = soxr.resample(sound.numpy(), SAMPLE_RATE, rate)
    peak = np.abs(samples).max() or 1.0
    companded = np.sign(samples) * np.log1p(_MU * np.abs(samples) / peak) / np.log1p(_MU)
    steps = 2.0 ** (bits - 1)
    companded = np.round(companded * steps) / steps
    coded = np.sign(companded) * np.expm1(np.abs(companded) * np.log1p(_MU)) / _MU * peak
    heard = soxr.resample(coded.astype(np.float32), rate, SAMPLE_RATE)[: len(sound)]
    return torch.from_numpy(np.pad(heard, (0, len(sound) - len(heard))))


def coloured_noise(count: int, colour: float, rng: np.random.Generator, octaves: tuple[float, ...] = ()) -> np.ndarray:
    """Return noise of power density 1/f^colour, raised by `octaves`, and unit power: float32, shape (count,)."""
    size = next_fast_len(count, real=True)  # other sizes take up to ten times as long
    spectrum = rfft(rng.standard_normal(size))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (colour / 2)
    spectrum[0] = 0.0
    if octaves:
        frequencies = np.maximum(rfftfreq(size, 1 / SAMPLE_RATE), _OCTAVES[0])
        spectrum *= 10 ** (np.interp(np.log2(frequencies), np.log2(_OCTAVES), octaves) / 20)
    noise = irfft(spectrum, size)[:count]
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def _room(variation: Variation, rng: np.random.Generator) -> np.ndarray:
    """Return a synthetic impulse response: the direct sound, then white noise that falls by 60 dB in the given time."""
    seconds = np.arange(round(variation.reverberation * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / variation.reverberation)
    tail *= 10 ** (-variation.direct_to_reverberant / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail.astype(np.float32)
