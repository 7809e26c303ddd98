# SPDX-License-Identifier: Apache-2.0
"""Which of a model's labels an answer can be: a robot that knows what it can use is right more often."""

from collections.abc import Sequence

from ser_ros.errors import SettingError, did_you_mean

_FEWEST = 2


def choose_labels(text: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Return those of `labels` that `text` names, in their order; all if it is empty.

    Args:
        text: Names, separated by commas.
        labels: Of the model.

    Raises:
        SettingError: One of the names is no label, or fewer than two are named.
    """
    wanted = [name for part in text.split(',') if (name := part.strip())]
    if not wanted:
        return tuple(labels)
    unknown = next((name for name in wanted if name not in labels), None)
    if unknown is not None:
        raise SettingError(
            'emotion.labels',
            lambda name: (
                f"{name} has '{unknown}', which the model does not know; give some of {', '.join(labels)}"
                f'{did_you_mean(unknown, labels)}'
            ),
        )
    chosen = tuple(label for label in labels if label in wanted)
    if len(chosen) < _FEWEST:
        raise SettingError(
            'emotion.labels',
            lambda name: f"{name} leaves '{chosen[0]}' as the only answer; name at least {_FEWEST} of the labels",
        )
    return chosen
