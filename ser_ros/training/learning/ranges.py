# SPDX-License-Identifier: Apache-2.0
"""The values that a field of a recipe may have; a field declares them in its type."""

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Range:
    """Numbers from `lowest` to `highest`; of a pair or a list each.

    Attributes:
        lowest: The smallest number.
        highest: The largest one.
        above: Whether `lowest` itself is excluded.
        below: Whether `highest` itself is excluded.
    """

    lowest: float
    highest: float
    above: bool = False
    below: bool = False

    def __contains__(self, number: float) -> bool:
        """Return whether `number` is in the range; a NaN is in none."""
        low = self.lowest < number if self.above else self.lowest <= number
        high = number < self.highest if self.below else number <= self.highest
        return low and high

    def __str__(self) -> str:
        low = f'more than {self.lowest:.10g}' if self.above else f'{self.lowest:.10g}'
        high = f'less than {self.highest:.10g}' if self.below else f'{self.highest:.10g}'
        return f'{low} to {high}'


_MOST = 1_000_000
"""Of what is counted: beyond what any training here could finish or hold in memory."""

Share = Annotated[float, Range(0, 1)]
"""Also a probability."""

ShareBelowOne = Annotated[float, Range(0, 1, below=True)]
"""Of something of which a rest must be left."""

Count = Annotated[int, Range(0, _MOST)]
PositiveCount = Annotated[int, Range(1, _MOST)]

Few = Annotated[int, Range(0, 1000)]
"""Of what takes memory or disk for each."""

PositiveFew = Annotated[int, Range(1, 1000)]
BatchSize = Annotated[int, Range(1, 10_000)]

Layers = Annotated[list[int], Range(0, 1000)]
"""Of a transformer; the deepest have some hundred. How many there are is checked with the encoder."""

LearningRate = Annotated[float, Range(0, 1)]
Weight = Annotated[float, Range(0, 1000)]
"""Of a loss or a penalty."""

Seed = Annotated[int, Range(0, 2**32 - 1)]
"""As numpy's generators take it."""
