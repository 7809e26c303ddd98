# SPDX-License-Identifier: Apache-2.0
"""Decoded clips, and the torch data set that varies them and turns them into a model's input."""

import copy
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from tqdm.auto import tqdm

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.recognition.frontend import Frontend
from ser_ros.speech.recording import segment_recording
from ser_ros.speech.segmenter import SegmentationConfig
from ser_ros.speech.vad import SileroVad, VoiceActivityDetector
from ser_ros.training.augment import Variation, draw_variation, mask_features, vary_sound
from ser_ros.training.ravdess import Clip
from ser_ros.training.recipe import Augmentation

_BATCHES_SORTED_TOGETHER = 8


@dataclass(frozen=True)
class Recording:
    """A decoded clip: float32, shape (n,), 16 kHz, and where its speech starts and ends in seconds."""

    clip: Clip
    samples: np.ndarray
    speech: tuple[float, float]

    @property
    def utterance(self) -> np.ndarray:
        """What the robot would give its model: the pre-roll, the speech, and a little after it."""
        start = max(self.speech[0] - SegmentationConfig.pre_roll, 0.0)
        return self.samples[
            int(start * SAMPLE_RATE) : int((self.speech[1] + SegmentationConfig.post_roll) * SAMPLE_RATE)
        ]


def load_recordings(clips: tuple[Clip, ...]) -> list[Recording]:
    """Decode the clips and find their speech, with a progress bar. Raises SerError for one that cannot be read."""
    unused = SileroVad()
    return [
        _load(clip, copy.copy(unused))  # a stream of its own for each clip, one network for all: loading it takes long
        for clip in tqdm(clips, desc='reading clips', unit='clip')
    ]


def _load(clip: Clip, detector: VoiceActivityDetector) -> Recording:
    samples = read_recording(clip.path)
    utterances = segment_recording(samples, detector=detector)
    if utterances:
        speech = (utterances[0].start_time, utterances[-1].start_time + utterances[-1].duration)
    else:  # a voice so soft that the detector misses it
        speech = (0.0, len(samples) / SAMPLE_RATE)
    return Recording(clip, samples, speech)


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
        key = (recording.clip.path.stem, self._variant(epoch))
        if key in self._kept:
            return self._kept[key]
        samples = vary_sound(recording.samples, *self._draw(recording, epoch))
        inputs = {name: value[0] for name, value in self._frontend([samples]).items()}
        if self._augmentation.variants:
            self._kept[key] = inputs
        return inputs

    def _draw(self, recording: Recording, epoch: int) -> tuple[Variation, np.random.Generator]:
        name = recording.clip.path.stem
        rng = np.random.default_rng((self._seed, self._variant(epoch), zlib.crc32(name.encode())))
        duration = len(recording.samples) / SAMPLE_RATE
        return draw_variation(duration, recording.speech, self._augmentation, rng), rng

    def _variant(self, epoch: int) -> int:
        return epoch % self._augmentation.variants if self._augmentation.variants else epoch


class UtteranceDataset(torch.utils.data.Dataset):
    """Training utterances with labels.

    Each variant and its masks depend on the seed, the epoch and the clip alone, so that a resumed run sees what an
    uninterrupted one would have seen.
    """

    def __init__(
        self,
        recordings: list[Recording],
        labels: tuple[str, ...],
        features: VariantFeatures,
        augmentation: Augmentation,
        *,
        mel_bands: int,
        seed: int,
    ):
        """`labels` gives the model's label order; `mel_bands` the width of one frame in its features."""
        self._recordings = recordings
        self._label_ids = {label: index for index, label in enumerate(labels)}
        self._features = features
        self._augmentation = augmentation
        self._mel_bands = mel_bands
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Begin `epoch`; the Trainer's data loader calls this."""
        self._epoch = epoch

    @property
    def names(self) -> list[str]:
        """Names of the clips."""
        return [recording.clip.path.stem for recording in self._recordings]

    def order(self, batch_size: int) -> list[int]:
        """Return this epoch's indices; each `batch_size` in a row are of like duration, a smaller rest comes last.

        Only utterances that stand near each other in a random order are sorted, and the batches are shuffled: how
        long somebody speaks tells of the emotion, so batches in order of duration would be lopsided.
        """
        rng = np.random.default_rng((self._seed, self._epoch))
        durations = [self._features.duration(recording, self._epoch) for recording in self._recordings]
        shuffled = rng.permutation(len(self)).tolist()
        pool = batch_size * _BATCHES_SORTED_TOGETHER
        pools = [sorted(shuffled[at : at + pool], key=durations.__getitem__) for at in range(0, len(shuffled), pool)]
        batches = [part[at : at + batch_size] for part in pools for at in range(0, len(part), batch_size)]
        rest = batches.pop() if len(batches[-1]) < batch_size else []
        return [index for turn in rng.permutation(len(batches)) for index in batches[turn]] + rest

    def __len__(self) -> int:
        return len(self._recordings)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        recording = self._recordings[index]
        inputs = self._features(recording, self._epoch)
        rng = np.random.default_rng((self._seed, self._epoch, index))
        masked = mask_features(inputs['input_features'].numpy(), self._mel_bands, self._augmentation, rng)
        label = self._label_ids[recording.clip.emotion]
        return {**inputs, 'input_features': torch.from_numpy(masked), 'labels': torch.tensor(label)}


def collate(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stack items into a batch; features and masks are padded with zeros to the longest."""
    batch = {
        name: pad_sequence([item[name] for item in items], batch_first=True) for name in items[0] if name != 'labels'
    }
    return {**batch, 'labels': torch.stack([item['labels'] for item in items])}
