# SPDX-License-Identifier: Apache-2.0
"""What a training run is made of, read from a YAML file in `train/`; any value can be set from the command line."""

import dataclasses
import difflib
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ser_ros.errors import SerError
from ser_ros.resources import share_folder


@dataclass(frozen=True)
class Network:
    """An audio-classification network of transformers, with random initial weights."""

    model_type: str
    """As in a Hugging Face config.json, such as 'wav2vec2-bert'."""
    config: dict[str, Any] = field(default_factory=dict)
    """What differs from that configuration's defaults."""


@dataclass(frozen=True)
class FeatureExtraction:
    """A feature extractor of transformers."""

    type: str
    """Class name, such as 'SeamlessM4TFeatureExtractor'."""
    config: dict[str, Any] = field(default_factory=dict)
    """Its arguments, where they differ from the defaults."""


@dataclass(frozen=True)
class Augmentation:
    """How training clips are varied."""

    variants: int = 0
    """Variants of each clip, made once and taken in turn, which saves time; 0 for a new one in every epoch. Masks are
    always new."""
    margin_before: tuple[float, float] = (0.3, 0.3)
    """Seconds kept before the speech, drawn between these; negative clips its start."""
    margin_after: tuple[float, float] = (0.0, 0.0)
    """Seconds kept after the speech, drawn between these."""
    whole_clip_probability: float = 0.0
    """How often a clip is not cut at all."""
    speed: tuple[float, float] = (1.0, 1.0)
    """Tempo and pitch together, drawn between these factors: other voices (Ko et al. 2015, Audio Augmentation)."""
    noise_probability: float = 0.0
    """How often noise of a random colour is added."""
    noise_snr: tuple[float, float] = (5.0, 40.0)
    """Signal-to-noise ratio in dB, drawn between these."""
    masks: int = 0
    """SpecAugment (Park et al. 2019): number of time masks and as many frequency masks."""
    time_mask: float = 0.15
    """Longest time mask as a share of the utterance."""
    frequency_mask: float = 0.15
    """Widest frequency mask as a share of the mel bands."""


@dataclass(frozen=True)
class Optimisation:
    """AdamW with a linear warm-up and a cosine decay to zero."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0
    warmup_share: float = 0.1
    """Share of all steps in which the learning rate rises."""
    label_smoothing: float = 0.0
    gradient_clip: float = 1.0
    """Largest norm of the gradient."""
    bfloat16: bool = False
    """Mixed precision, on a CPU too; on a GPU that lacks it full precision."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a model comes out, except the data."""

    description: str
    network: Network
    feature_extraction: FeatureExtraction
    optimisation: Optimisation
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    selection: str = ''
    """How the values were chosen, for the model card."""
    half_precision_weights: bool = False
    """Save the weights as float16, at half the size; the figures are measured with them."""


def recipes_folder() -> Path:
    """Return the folder of the recipes that come with the package."""
    return share_folder() / 'train'


def load_recipe(name: str, settings: typing.Sequence[str] = ()) -> Recipe:
    """Return the recipe `train/NAME.yaml`, changed by `settings` such as 'optimisation.epochs=3'.

    Raises SerError for an unknown recipe or key (and names the nearest one) and for a value of another type.
    """
    known = sorted(path.stem for path in recipes_folder().glob('*.yaml'))
    if name not in known:
        raise SerError(
            f"there is no recipe '{name}'{_nearest(name, known)}; the recipes are {', '.join(known) or 'gone'}"
        )
    return parse_recipe(
        (recipes_folder() / f'{name}.yaml').read_text(encoding='utf-8'), settings, source=f'{name}.yaml'
    )


def parse_recipe(text: str, settings: typing.Sequence[str] = (), *, source: str = 'the recipe') -> Recipe:
    """Return the recipe in the YAML `text`; see load_recipe."""
    try:
        values = yaml.safe_load(text)
        for setting in settings:
            _apply(values, setting)
    except yaml.YAMLError as error:
        raise SerError(f'{source} is not valid YAML ({" ".join(str(error).split())}); correct it') from None
    return _build(Recipe, values, prefix='', source=source)


def _apply(values: dict, setting: str) -> None:
    key, equals, value = setting.partition('=')
    if not equals:
        raise SerError(f"--set {setting} has no value; write it as key=value, such as 'optimisation.epochs=3'")
    *parents, last = key.strip().split('.')
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise SerError(f"--set {setting}: '{parent}' is a value, not a group; leave out what follows it")
    values[last] = yaml.safe_load(value)


def _build(kind: type, values: Any, *, prefix: str, source: str) -> Any:
    """Make the dataclass `kind` from nested dictionaries, and refuse whatever does not fit it."""
    if not isinstance(values, dict):
        raise SerError(f"{source}: '{prefix.rstrip('.') or 'the recipe'}' must be a group of key: value lines")
    fields = {item.name: item for item in dataclasses.fields(kind)}
    types = typing.get_type_hints(kind)
    for key in values:
        if key not in fields:
            raise SerError(
                f"{source}: the key '{prefix}{key}' is not known{_nearest(str(key), fields)}; "
                f'known there: {", ".join(fields)}'
            )
    for name, item in fields.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise SerError(f"{source}: the key '{prefix}{name}' is missing; add it")
    return kind(
        **{
            key: _build(types[key], value, prefix=f'{prefix}{key}.', source=source)
            if dataclasses.is_dataclass(types[key])
            else _convert(types[key], value, f'{source}: {prefix}{key}')
            for key, value in values.items()
        }
    )


def _convert(kind: Any, value: Any, what: str) -> Any:
    if typing.get_origin(kind) is tuple:
        ends = typing.get_args(kind)
        if isinstance(value, list) and len(value) == len(ends) and _is_number(value[0]) and _is_number(value[1]):
            if value[0] <= value[1]:
                return tuple(float(item) for item in value)
        raise SerError(f'{what} is {value!r}; write two numbers in rising order, such as [0.9, 1.1]')
    if kind is float and _is_number(value):
        return float(value)
    kind = typing.get_origin(kind) or kind
    if type(value) is kind:
        return value
    if kind is float:  # YAML 1.1 reads 1e-3, without a point, as text
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    names = {int: 'a whole number', float: 'a number', bool: 'true or false', str: 'text', dict: 'a group'}
    raise SerError(f'{what} is {value!r}; give {names[kind]}')


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _nearest(word: str, known: typing.Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean '{near[0]}'?)" if near else ''
