# SPDX-License-Identifier: Apache-2.0
"""The order in which a training hears its utterances: random, with those of similar duration in one batch."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from torch.utils.data import Sampler

from ser_ros.training.learning.recipe import Optimisation


class OrderedDataset(Protocol):
    """A data set that determines its own order."""

    def order(self, batch_size: int, *, sorted_together: int) -> list[int]:
        """Return this epoch's indices."""

    def __len__(self) -> int: ...


class EpochOrder(Sampler):
    """Asks the data set for its order at the start of every epoch."""

    def __init__(self, dataset: OrderedDataset, batch_size: int, optimisation: Optimisation):
        """Group utterances by their length as `optimisation` says."""
        self._dataset = dataset
        self._batch_size = batch_size
        self._sorted_together = optimisation.batches_sorted_together if optimisation.group_by_length else 0

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[int]:
        return iter(self._dataset.order(self._batch_size, sorted_together=self._sorted_together))


def in_batches_of_like_duration(
    durations: Callable[[], Sequence[float]],
    count: int,
    batch_size: int,
    *,
    sorted_together: int,
    rng: np.random.Generator,
) -> list[int]:
    """Return the indices 0 to `count` - 1 in random order.

    With `sorted_together` batches each `batch_size` in a row are of similar duration, and a smaller rest comes last;
    with 0 they are not, and `durations` is not called. Only the utterances of this many successive batches in random
    order are sorted, and the batches are shuffled: how long someone speaks depends on the emotion, so batches in order
    of duration would be unbalanced.
    """
    shuffled = rng.permutation(count).tolist()
    if not sorted_together:
        return shuffled
    lasting = durations()
    pool = batch_size * sorted_together
    pools = [sorted(shuffled[at : at + pool], key=lasting.__getitem__) for at in range(0, count, pool)]
    batches = [part[at : at + batch_size] for part in pools for at in range(0, len(part), batch_size)]
    rest = batches.pop() if len(batches[-1]) < batch_size else []
    return [index for turn in rng.permutation(len(batches)) for index in batches[turn]] + rest
