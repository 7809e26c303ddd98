# SPDX-License-Identifier: Apache-2.0
"""What a config.json says about a classifier's answer: its labels, its temperature, and that it names one emotion."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from ser_ros.errors import SerError

TEMPERATURE_KEY = 'calibration_temperature'
"""Key of a config.json: what logits are divided by before the softmax. transformers takes a plain `temperature` for a
setting of text generation."""

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.001, 1000
"""Beyond them every answer is certain, or every label equally probable."""

_ONE_OF_MANY = 'single_label_classification'
"""The `problem_type` whose logits are for a softmax; the others are numbers of their own."""

_PLACEHOLDER = re.compile(r'LABEL_\d+')

_DIMENSIONS = {'arousal', 'activation', 'dominance', 'valence', 'pleasure', 'control'}
"""Of emotion, measured rather than told apart (Russell and Mehrabian 1977); no label of a classifier."""

_QUOTED = 40
"""Characters of a wrong value."""


def check_task(where: str, values: Mapping[str, Any], network: str) -> None:
    """Make sure that the model chooses one label of several.

    Args:
        where: What sentences call the model.
        values: Of its config.json.
        network: The class of transformers that classifies with such a model.

    Raises:
        SerError: It is of another class, or made for numbers, or for several labels at once.
    """
    architectures = values.get('architectures')
    if architectures and (not isinstance(architectures, list) or network not in architectures):
        raise SerError(
            f'{where} was saved from {_quote(architectures)}, not from {network}, so that it may answer otherwise than '
            'it was trained to; give a model for audio classification, or fine-tune it (`ros2 run ser_ros train`)'
        )
    problem = values.get('problem_type')
    if problem not in (None, _ONE_OF_MANY):
        raise SerError(
            f'{where} has the problem_type {_quote(problem)}, whose outputs are no probabilities of labels; '
            f'give a model that chooses one label ({_ONE_OF_MANY})'
        )


def check_labels(where: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels in `values`, those of the config.json of `where`, in the order of the logits. Raises SerError.

    They are never renumbered: which output means what would be a guess.
    """
    names = values.get('id2label')
    if names is None:
        raise SerError(
            f'{where} does not name its labels (they are LABEL_0..); '
            'write the names into id2label and label2id of its config.json'
        )
    if not isinstance(names, dict):
        raise SerError(f'{where} has the id2label {_quote(names)}, which is no table of names; correct its config.json')
    if set(names) != {str(index) for index in range(len(names))}:
        raise SerError(
            f'{where} numbers its labels {_quote(sorted(names))} in id2label, where the outputs of the network are '
            f'numbered from 0 without gaps; correct its config.json'
        )
    labels = check_names(where, [names[str(index)] for index in range(len(names))])
    announced = values.get('num_labels')
    if announced is not None and announced != len(labels):
        raise SerError(
            f'{where} names {len(labels)} labels, but has the num_labels {_quote(announced)}; correct its config.json'
        )
    numbers = values.get('label2id')
    for index, label in enumerate(labels):
        number = numbers.get(label, index) if isinstance(numbers, dict) else index
        if number not in (index, str(index)):
            raise SerError(
                f"{where} calls its output {index} '{label}' in id2label, but gives {_quote(number)} to that label in "
                'label2id; correct its config.json'
            )
    return labels


def check_names(where: str, names: Sequence[Any]) -> tuple[str, ...]:
    """Return `names` if they can be a model's labels. Raises SerError."""
    for index, name in enumerate(names):
        if not isinstance(name, str) or not _is_visible(name):
            raise SerError(f'{where} calls its label {index} {_quote(name)}, which is no name; correct its config.json')
        if _PLACEHOLDER.fullmatch(name):
            raise SerError(
                f'{where} does not name its labels (number {index} is {name}); '
                'write the names into id2label and label2id of its config.json'
            )
    if len({name.strip() for name in names}) != len(names) or len(names) < 2:
        raise SerError(
            f'{where} must have two or more different labels, not {_quote(list(names))}; correct its config.json'
        )
    if {name.strip().lower() for name in names} <= _DIMENSIONS:
        raise SerError(
            f'{where} measures {", ".join(names)}, which are no emotions to choose from; '
            'give a model that chooses one label'
        )
    return tuple(names)


def check_temperature(where: str, values: Mapping[str, Any]) -> float:
    """Return the temperature in `values`, those of the config.json of `where`; 1 if it has none. Raises SerError."""
    temperature = values.get(TEMPERATURE_KEY, 1.0)
    if not is_temperature(temperature):
        raise SerError(
            f'{where} has the {TEMPERATURE_KEY} {_quote(temperature)}, which is no number from {LOWEST_TEMPERATURE} to '
            f'{HIGHEST_TEMPERATURE}; correct it in its config.json, or remove it'
        )
    return float(temperature)


def is_temperature(value: object) -> bool:
    """Return whether logits can be divided by `value`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return LOWEST_TEMPERATURE <= value <= HIGHEST_TEMPERATURE


def _is_visible(name: str) -> bool:
    """Return whether `name` shows something, in one line, and can be written in every encoding of Unicode."""
    kinds = [unicodedata.category(character) for character in name]
    return not {'Cc', 'Cs', 'Zl', 'Zp'} & set(kinds) and any(kind[0] not in 'ZC' for kind in kinds)


def _quote(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTED else f'{text[:_QUOTED]}...'
