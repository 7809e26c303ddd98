# SPDX-License-Identifier: Apache-2.0
"""What the recipes of fine-tuning and pretraining have in common.

Each field says in its type which values it may have; a group whose values must also fit to each other says in
`contradictions` what does not. The reader of recipes (recipe_values) refuses both.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from ser_ros.training.learning.ranges import (
    BatchSize,
    Few,
    Layers,
    LearningRate,
    PositiveCount,
    Range,
    Share,
    ShareBelowOne,
    Weight,
)

Decibels = Annotated[tuple[float, float], Range(-60, 100)]
Margin = Annotated[tuple[float, float], Range(-30, 30)]
"""Seconds."""
StoredWeights = Literal['float32', 'float16', 'float8']
"""float8: the matrices below the last layer as E4M3 (Micikevicius et al. 2022, FP8 Formats for Deep Learning), a
quarter of the size; all else as float16."""


@dataclass(frozen=True)
class Network:
    """An audio-classification network of transformers: a pretrained encoder, or random initial weights."""

    checkpoint: str = ''
    """Name on the Hugging Face Hub, or a local folder; empty for random initial weights of `model_type`."""
    model_type: str = ''
    """As in a Hugging Face config.json, such as 'wav2vec2-bert'; a checkpoint brings its own."""
    config: dict[str, Any] = field(default_factory=dict)
    """Differences from the configuration of the checkpoint, or from the model type's defaults."""
    window: Annotated[float, Range(0, 30)] = 0.0
    """Seconds that a Whisper encoder sees, at most 30; 0 for the checkpoint's own. Whisper pads to its window, so a
    short one saves time in the same proportion."""
    freeze_feature_encoder: bool = False
    """Keep the convolutions over samples or mel frames as they were pretrained."""
    frozen_layers: Few = 0
    """Keep this many transformer layers, counted from the input, and everything before them as pretrained."""


@dataclass(frozen=True)
class FrozenEncoder:
    """Training of the last layer alone, in one go, on the states of a frozen encoder."""

    layers: Layers = field(default_factory=list)
    """Hidden states whose mean is classified, 0 for the input of the first layer; empty to train the network by
    steps."""
    penalty: Weight = 0.03
    """Of the squared weights of the last layer."""
    whitening: Share = 0.0
    """Power of the variance of each direction, without label and voice, that the penalty evens out: 0 to weigh each
    element of the states by its own variance, 1 to make the most of small differences."""
    ordinary_share: ShareBelowOne = 0.03
    """Of all that the layer is fitted to, what ordinary speech counts for, if other_speech.ordinary is above 0."""


@dataclass(frozen=True)
class FeatureExtraction:
    """A feature extractor of transformers, for a network without a checkpoint."""

    type: str = ''
    """Class name, such as 'SeamlessM4TFeatureExtractor'; a checkpoint brings its own."""
    config: dict[str, Any] = field(default_factory=dict)
    """Its arguments that differ from the defaults."""


@dataclass(frozen=True)
class Augmentation:
    """How training clips are varied."""

    variants: Few = 0
    """Variants of each clip, made once and used in turn, which saves time; 0 for a new one in every epoch. Masks are
    always new."""
    margin_before: Margin = (0.3, 0.3)
    """Seconds kept before the speech, drawn between these; negative clips its start."""
    margin_after: Margin = (0.0, 0.0)
    """Seconds kept after the speech, drawn between these."""
    whole_clip_probability: Share = 0.0
    """How often a clip is not cut at all. From a half on, validation clips are not cut either."""
    speed: Annotated[tuple[float, float], Range(0.25, 4)] = (1.0, 1.0)
    """Tempo and pitch together, drawn between these factors: other voices (Ko et al. 2015, Audio Augmentation)."""
    pitch_probability: Share = 0.0
    """How often only the pitch is shifted."""
    pitch: Annotated[tuple[float, float], Range(-24, 24)] = (-2.0, 2.0)
    """Semitones, drawn between these and rounded."""
    surroundings_probability: Share = 1.0
    """How often a room, noise and a band are drawn at all."""
    reverberation_probability: Share = 0.0
    """How often the sound is put into a room."""
    reverberation_time: Annotated[tuple[float, float], Range(0.01, 10)] = (0.1, 0.6)
    """Seconds in which the room's sound falls by 60 dB, drawn between these."""
    direct_to_reverberant: Decibels = (6.0, 6.0)
    """dB that the direct sound is above the room's, drawn between these: 6 for someone a step or two away."""
    noise_probability: Share = 0.0
    """How often noise of a random colour is added."""
    noise_snr: Decibels = (5.0, 40.0)
    """Signal-to-noise ratio in dB, drawn between these."""
    noise_unevenness: Annotated[float, Range(0, 40)] = 0.0
    """dB, standard deviation: how far the noise's octaves deviate from its colour; 0 for a smooth slope."""
    band_probability: Share = 0.0
    """How often the sound comes through a band-limited microphone, or a line that samples it."""
    band_low: Annotated[tuple[float, float], Range(1, 8000)] = (50.0, 400.0)
    """Hz of the band's lower edge, drawn between these; a telephone's is 300."""
    band_high: Annotated[tuple[float, float], Range(500, 8000)] = (3000.0, 7500.0)
    """Hz of the band's upper edge, drawn between these; a telephone's is 3400."""
    gain: Annotated[tuple[float, float], Range(-60, 60)] = (0.0, 0.0)
    """dB, drawn between these."""
    masks: Annotated[int, Range(0, 100)] = 0
    """SpecAugment (Park et al. 2019): number of time masks and as many frequency masks on mel features. Encoders of
    samples mask internally: network.config.apply_spec_augment and mask_time_prob."""
    time_mask: Share = 0.15
    """Longest time mask as a share of the features."""
    frequency_mask: Share = 0.15
    """Widest frequency mask as a share of the mel bands."""

    def contradictions(self) -> Iterator[str]:
        """Yield what does not fit together."""
        if self.band_probability and self.band_low[1] >= self.band_high[0]:
            yield (
                f'band_low goes up to {self.band_low[1]:g} Hz and band_high begins at {self.band_high[0]:g} Hz, which '
                'leaves no band; let band_low end below'
            )


@dataclass(frozen=True)
class Optimisation:
    """AdamW with a linear warm-up and a decay to zero."""

    batch_size: BatchSize
    """Of each process."""
    learning_rate: Annotated[float, Range(0, 1, above=True)]
    """Of the highest layer of the encoder."""
    epochs: Annotated[int, Range(0, 10_000)] = 0
    """How often each clip is heard; at least once, except by a frozen encoder, which has no use for them."""
    head_learning_rate: LearningRate = 0.0
    """Of new layers; 0 for the same as `learning_rate`."""
    layer_decay: Annotated[float, Range(0, 1, above=True)] = 1.0
    """Factor of the learning rate from each layer to the next lower one (Howard and Ruder 2018, ULMFiT, section
    3.2)."""
    gradient_accumulation: BatchSize = 1
    """Batches for one step."""
    evaluation_batch_size: BatchSize = 16
    weight_decay: Share = 0.0
    adam_beta2: ShareBelowOne = 0.98
    """0.98 as for training transformers on speech (Gulati et al. 2020, Conformer, section 3.2); torch's is 0.999."""
    schedule: Literal['linear', 'cosine'] = 'cosine'
    """How the learning rate falls to zero."""
    warmup_share: ShareBelowOne = 0.1
    """Share of all steps in which the learning rate rises."""
    label_smoothing: ShareBelowOne = 0.0
    mixup: Weight = 0.0
    """Both parameters of the Beta distribution by which the utterances of a batch are mixed in pairs, such as 0.2 for
    little; 0 to mix none."""
    voice_normalised: Share = 0.0
    """Share of the utterances whose pooled state is taken without the offset of its voice, as an adapted model takes
    it; 0 to train on the states as they are."""
    weight_average: ShareBelowOne = 0.0
    """How much of the running mean of the weights stays in each step, such as 0.99 for about a hundred steps; the mean
    is what is measured, chosen and saved. 0 for the weights of the last step."""
    class_weights: bool = False
    """Weight each emotion by its inverse frequency."""
    gradient_clip: Annotated[float, Range(0, 1000)] = 1.0
    """Largest norm of the gradient; 0 for no limit."""
    bfloat16: bool = False
    """Mixed precision, also on a CPU; full precision if the hardware does not support it."""
    gradient_checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, about a third more time."""
    group_by_length: bool = True
    """Put utterances of similar duration into a batch, so that little is padding."""
    batches_sorted_together: PositiveCount = 8
    """Number of batches in random order from which `group_by_length` makes its batches: more leave less padding."""


def plain_values(recipe: Any) -> dict[str, Any]:
    """Return `recipe`, of any training, as it comes back from JSON; of a checkpoint in a folder only the name."""
    values = json.loads(json.dumps(asdict(recipe)))
    checkpoint = recipe.network.checkpoint
    if checkpoint and Path(checkpoint).is_dir():
        values['network']['checkpoint'] = Path(checkpoint).resolve().name
    return values
