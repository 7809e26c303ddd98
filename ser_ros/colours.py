# SPDX-License-Identifier: Apache-2.0
"""Colours that the colour-blind tell apart; a word stands beside each wherever one is used."""

from collections.abc import Sequence

from ser_ros.emotions import LABELS, UNKNOWN

BLACK, ORANGE, SKY_BLUE, GREEN = '#000000', '#E69F00', '#56B4E9', '#009E73'
YELLOW, BLUE, VERMILLION, PURPLE = '#F0E442', '#0072B2', '#D55E00', '#CC79A7'
GREY = '#999999'
"""Okabe and Ito (2008), Color Universal Design, and the grey that is often added to it."""

OF_LABELS = dict(zip(LABELS, (BLACK, SKY_BLUE, YELLOW, BLUE, VERMILLION, PURPLE, GREEN, ORANGE), strict=True))
"""Emotion -> its colour, as hexadecimal digits of red, green and blue."""
_OTHERS = (BLUE, ORANGE, GREEN, PURPLE, SKY_BLUE, VERMILLION, YELLOW, BLACK)


def colours(labels: Sequence[str]) -> list[str]:
    """Return a colour for each of a model's `labels`; the emotions of this project always have the same."""
    if all(label in OF_LABELS for label in labels):
        return [OF_LABELS[label] for label in labels]
    return [_OTHERS[at % len(_OTHERS)] if label != UNKNOWN else GREY for at, label in enumerate(labels)]
