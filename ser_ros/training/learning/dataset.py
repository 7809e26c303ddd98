# SPDX-License-Identifier: Apache-2.0
"""The torch data sets: training clips, varied anew in every epoch, and validation clips as the robot hears them."""

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.recognition.frontend import Frontend
from ser_ros.training.data.recordings import Recording
from ser_ros.training.learning.augment import Variation, draw_variation, vary_sound
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.recipe import Augmentation

_WHOLE_FROM = 0.5
"""Share of uncut training clips from which validation clips are not cut either."""


class VariantFeatures:
    """Turns varied clips into a model's input; keeps what comes again, in this fold or in the next."""

    def __init__(self, frontend: Frontend, augmentation: Augmentation, *, seed: int):
        """Nothing is computed yet."""
        self._frontend = frontend
        self._augmentation = augmentation
        self._seed = seed
        self._kept: dict[tuple[str, int], dict[str, torch.Tensor]] = {}

    def duration(self, recording: Recording, epoch: int) -> float:
        """Return the seconds of the variant that is due in `epoch`, without making it."""
        return self._draw(recording, epoch)[0].duration

    def __call__(self, recording: Recording, epoch: int) -> dict[str, torch.Tensor]:
        """Return the model's arguments for the variant that is due in `epoch`, without a batch dimension."""
        key = (recording.clip.name, self._variant(epoch))
        if key in self._kept:
            return self._kept[key]
        variation, rng = self._draw(recording, epoch)
        samples = vary_sound(recording.samples, variation, rng, self._frontend.longest)
        inputs = _one(self._frontend, samples)
        if self._augmentation.variants:
            self._kept[key] = inputs
        return inputs

    def _draw(self, recording: Recording, epoch: int) -> tuple[Variation, np.random.Generator]:
        name = recording.clip.name
        rng = np.random.default_rng((self._seed, self._variant(epoch), zlib.crc32(name.encode())))
        duration = len(recording.samples) / SAMPLE_RATE
        return draw_variation(duration, recording.speech, self._augmentation, rng), rng

    def _variant(self, epoch: int) -> int:
        return epoch % self._augmentation.variants if self._augmentation.variants else epoch


class TrainingSet(torch.utils.data.Dataset):
    """Training utterances with labels.

    Each variant and its masks depend on the seed, the epoch and the clip alone, so that a resumed run sees what an
    uninterrupted one would have seen.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        labels: tuple[str, ...],
        features: VariantFeatures,
        masks: Masks,
        *,
        seed: int,
    ):
        """`labels` gives the model's label order."""
        self._recordings = recordings
        self._label_ids = [labels.index(recording.clip.emotion) for recording in recordings]
        self._features = features
        self._masks = masks
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Begin `epoch`; the Trainer's data loader calls this."""
        self._epoch = epoch

    @property
    def names(self) -> list[str]:
        """Names of the clips."""
        return [recording.clip.name for recording in self._recordings]

    @property
    def label_ids(self) -> list[int]:
        """Index of each clip's label."""
        return self._label_ids

    def order(self, batch_size: int, *, sorted_together: int) -> list[int]:
        """Return this epoch's indices, in random order.

        With `sorted_together` batches each `batch_size` in a row are of like duration, a smaller rest comes last; with
        0 they are not. Only the utterances of so many batches that follow each other in a random order are sorted, and
        the batches are shuffled: how long somebody speaks tells of the emotion, so batches in order of duration would
        be lopsided.
        """
        rng = np.random.default_rng((self._seed, self._epoch))
        shuffled = rng.permutation(len(self)).tolist()
        if not sorted_together:
            return shuffled
        durations = [self._features.duration(recording, self._epoch) for recording in self._recordings]
        pool = batch_size * sorted_together
        pools = [sorted(shuffled[at : at + pool], key=durations.__getitem__) for at in range(0, len(shuffled), pool)]
        batches = [part[at : at + batch_size] for part in pools for at in range(0, len(part), batch_size)]
        rest = batches.pop() if len(batches[-1]) < batch_size else []
        return [index for turn in rng.permutation(len(batches)) for index in batches[turn]] + rest

    def __len__(self) -> int:
        return len(self._recordings)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        inputs = dict(self._features(self._recordings[index], self._epoch))
        main = next(iter(inputs))
        seed = zlib.crc32(np.array([self._seed, self._epoch, index]).tobytes())
        inputs[main] = self._masks(inputs[main], seed)
        return {**inputs, 'labels': torch.tensor(self._label_ids[index])}


class ValidationSet(torch.utils.data.Dataset):
    """Clips with labels, cut as the node cuts them, or whole where training clips are; features are kept."""

    def __init__(
        self, recordings: Sequence[Recording], labels: tuple[str, ...], frontend: Frontend, augmentation: Augmentation
    ):
        """`labels` gives the model's label order."""
        whole = augmentation.whole_clip_probability >= _WHOLE_FROM
        self._items = [
            {
                **_one(frontend, recording.samples if whole else recording.utterance),
                'labels': torch.tensor(labels.index(recording.clip.emotion)),
            }
            for recording in recordings
        ]

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self._items[index]


def collate(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stack items into a batch; features and masks are padded with zeros to the longest."""
    batch = {
        name: pad_sequence([item[name] for item in items], batch_first=True) for name in items[0] if name != 'labels'
    }
    return {**batch, 'labels': torch.stack([item['labels'] for item in items])}


def _one(frontend: Frontend, samples: np.ndarray) -> dict[str, torch.Tensor]:
    return {name: value[0] for name, value in frontend([samples]).items()}
