# SPDX-License-Identifier: Apache-2.0
"""What a config.json says about a classifier's answer: its labels, its temperature, and that it names one emotion."""

from collections.abc import Mapping, Sequence
from typing import Any

from ser_ros.emotions import name_problem, names_problem
from ser_ros.errors import SerError

TEMPERATURE_KEY = 'calibration_temperature'
"""Key of a config.json: what logits are divided by before the softmax. transformers takes a plain `temperature` for a
setting of text generation."""

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.001, 1000
"""Beyond them every answer is certain, or every label equally probable."""

_ONE_OF_MANY = 'single_label_classification'
"""The `problem_type` whose logits are for a softmax; the others are numbers of their own."""

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
        if problem := name_problem(name):
            raise SerError(
                f'{where} calls its label {index} {_quote(name)}, which {problem}; '
                'write the names into id2label and label2id of its config.json'
            )
    if problem := names_problem(names):
        raise SerError(f'{where} has the labels {_quote(list(names))}, but {problem}; correct its config.json')
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


def _quote(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _QUOTED else f'{text[:_QUOTED]}...'
