# SPDX-License-Identifier: Apache-2.0
"""How far a recall may be trusted: confidence intervals over speakers."""

from collections.abc import Mapping

import numpy as np

from ser_ros.training.evaluation.scores import Group, RecallInterval

RESAMPLES = 2000

_CONFIDENCE = 0.95
_SEED = 0


def recall_interval(speakers: Mapping[str, Group], clips: int) -> RecallInterval | None:
    """Return the interval of the unweighted recall by a bootstrap over speakers (percentiles, seeded).

    Clips of one speaker are alike, so clips are not drawn one by one. With few speakers the interval is too narrow.

    Args:
        speakers: Name -> the speaker's clips.
        clips: How many there are in all.

    Returns:
        None if there are fewer than two speakers, some clips are of nobody, or their labels were not kept.
    """
    groups = tuple(speakers.values())
    if len(groups) < 2 or sum(group.clips for group in groups) != clips or not all(group.by_label for group in groups):
        return None
    labels = sorted({label for group in groups for label in group.by_label})
    counts = np.array([[group.by_label.get(label, (0, 0)) for label in labels] for group in groups])
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=RESAMPLES)
    all_clips, right = (drawn @ counts[:, :, kind] for kind in (0, 1))
    # A label that none of the drawn speakers has counts in no mean.
    recalls = np.nanmean(np.where(all_clips > 0, right / np.maximum(all_clips, 1), np.nan), axis=1)
    low, high = np.quantile(recalls, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return RecallInterval(low=float(low), high=float(high), speakers=len(groups))
