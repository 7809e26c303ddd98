# SPDX-License-Identifier: Apache-2.0
"""The torch data sets: training clips, varied afresh in every epoch, and validation clips as the robot hears them."""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.recognition.frontend import Frontend
from ser_ros.recognition.windows import windows
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.learning.augment import Variation, draw_variation, vary_sound, vary_voice
from ser_ros.training.learning.masks import Masks
from ser_ros.training.learning.order import in_batches_of_like_duration
from ser_ros.training.learning.recipe import Augmentation
from ser_ros.training.learning.targets import OtherRecordings, Targets

LABELS = 'labels'
"""In a batch: what the model should answer."""

KNOWN = 'known'
"""In a batch: which labels a clip tells of; bool, shape (batch, labels)."""

VOICE = 'voice'
"""In a batch: the index of who speaks, int64; -1 if it is not known."""

MOST_SPEAKERS = 24
"""A corpus counts by its speakers, but for no more than these, or one with many would leave little of the others."""

_WHOLE_FROM = 0.5
"""Share of uncut training clips at and above which validation clips are not cut either."""


class VariantFeatures:
    """Turns varied clips into a model's input; keeps what is used again, in this fold or the next."""

    def __init__(self, frontend: Frontend, augmentation: Augmentation, *, seed: int):
        """Start without any features."""
        self._frontend = frontend
        self._augmentation = augmentation
        self._seed = seed
        self._kept: dict[tuple[str, int], dict[str, torch.Tensor]] = {}

    def duration(self, recording: Recording, epoch: int) -> float:
        """Return the seconds of the variant that is due in `epoch`, without making it."""
        return self._draw(recording, epoch)[0].duration

    def __call__(self, recording: Recording, epoch: int) -> dict[str, torch.Tensor]:
        """Return the model's arguments for the variant that is due in `epoch`, without a batch dimension."""
        key = (recording.clip.name, self.variant(epoch))
        if key in self._kept:
            return self._kept[key]
        variation, rng = self._draw(recording, epoch)
        samples = vary_sound(recording.samples, variation, rng, self._frontend.longest)
        inputs = _one(self._frontend, samples)
        if self._augmentation.variants:
            self._kept[key] = inputs
        return inputs

    def as_heard(self, recording: Recording) -> list[dict[str, torch.Tensor]]:
        """Return the model's arguments for each window of the utterance that a robot would hear."""
        return [_one(self._frontend, part) for part in windows(recording.utterance, self._frontend.longest)]

    def voice(self, recording: Recording, epoch: int) -> np.ndarray:
        """Return what a teacher hears of that variant: float32, shape (n,), without room, noise and microphone."""
        variation, rng = self._draw(recording, epoch)
        return vary_voice(recording.samples, variation, rng, self._frontend.longest)

    def variant(self, epoch: int) -> int:
        """Return which variant is due in `epoch`."""
        return epoch % self._augmentation.variants if self._augmentation.variants else epoch

    def _draw(self, recording: Recording, epoch: int) -> tuple[Variation, np.random.Generator]:
        name = recording.clip.name
        rng = np.random.default_rng((self._seed, self.variant(epoch), zlib.crc32(name.encode())))
        duration = len(recording.samples) / SAMPLE_RATE
        return draw_variation(duration, recording.speech, self._augmentation, rng), rng


class TrainingSet(torch.utils.data.Dataset):
    """Training utterances with what the model should answer: labelled clips and, by the recipe, other speech.

    Each variant and its masks depend only on the seed, the epoch and the clip, so that a resumed run sees what an
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
        targets: Targets | None = None,
        other: OtherRecordings | None = None,
        known_labels: Mapping[str, Sequence[str]] | None = None,
        balanced: bool = False,
    ):
        """Prepare the first epoch.

        Args:
            recordings: The labelled clips.
            labels: The model's, in its order.
            features: Turns clips into the model's input.
            masks: SpecAugment's.
            seed: Of everything that is drawn.
            targets: What the model should answer; None for the clips' labels.
            other: Speech without labels.
            known_labels: The labels of each corpus, by its name; its clips count neither for nor against the others.
                For a corpus that is not named, all.
            balanced: Whether to draw the clips of each epoch with the probabilities of `chances`.
        """
        self._recordings = list(recordings)
        self._label_ids = [labels.index(recording.clip.emotion) for recording in recordings]
        self._features = features
        self._masks = masks
        self._targets = targets or Targets(labels)
        self._other = other or OtherRecordings()
        self._seed = seed
        self._known = _Known(labels, known_labels or {})
        speakers = dict.fromkeys(recording.clip.speaker for recording in recordings)
        speakers.pop(None, None)
        self._voices = {speaker: index for index, speaker in enumerate(speakers)}
        self._chances = chances([recording.clip for recording in recordings]) if balanced else None
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Start `epoch`; the Trainer's data loader calls this."""
        self._epoch = epoch
        self._due = self._drawn() + self._other.due(self._features.variant(epoch), self._seed)

    @property
    def names(self) -> list[str]:
        """Names of the labelled clips."""
        return [recording.clip.name for recording in self._recordings]

    @property
    def teacher_name(self) -> str:
        """The teacher besides the labels; '' for none."""
        return self._targets.teacher_name

    @property
    def other_names(self) -> list[str]:
        """Names of the other speech."""
        return self._other.names

    @property
    def voice_count(self) -> int:
        """Number of known voices."""
        return len(self._voices)

    @property
    def label_ids(self) -> list[int]:
        """Index of each clip's label."""
        return self._label_ids

    def order(self, batch_size: int, *, sorted_together: int) -> list[int]:
        """Return this epoch's indices; see in_batches_of_like_duration."""
        return in_batches_of_like_duration(
            lambda: [self._features.duration(recording, self._epoch) for recording in self._due],
            len(self),
            batch_size,
            sorted_together=sorted_together,
            rng=np.random.default_rng((self._seed, self._epoch)),
        )

    def __len__(self) -> int:
        return len(self._due)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        recording = self._due[index]
        inputs = dict(self._features(recording, self._epoch))
        main = next(iter(inputs))
        seed = zlib.crc32(np.array([self._seed, self._epoch, index]).tobytes())
        inputs[main] = self._masks(inputs[main], seed)
        return {
            **inputs,
            LABELS: self._targets(recording, self._epoch),
            KNOWN: self._known.of(recording.clip),
            VOICE: torch.tensor(self._voices.get(recording.clip.speaker, -1)),
        }

    def _drawn(self) -> list[Recording]:
        if self._chances is None:
            return self._recordings
        rng = np.random.default_rng((self._seed, self._epoch, 1))
        return [
            self._recordings[index]
            for index in rng.choice(len(self._recordings), len(self._recordings), p=self._chances)
        ]


class ValidationSet(torch.utils.data.Dataset):
    """Clips with labels, cut as the node cuts them, or whole if training clips are; features are kept."""

    def __init__(
        self,
        recordings: Sequence[Recording],
        labels: tuple[str, ...],
        frontend: Frontend,
        augmentation: Augmentation,
        known_labels: Mapping[str, Sequence[str]] | None = None,
    ):
        """`labels` gives the model's label order; `known_labels` as in TrainingSet."""
        known = _Known(labels, known_labels or {})
        whole = augmentation.whole_clip_probability >= _WHOLE_FROM
        self._items = [
            {
                **_one(frontend, recording.samples if whole else recording.utterance),
                LABELS: torch.tensor(labels.index(recording.clip.emotion)),
                KNOWN: known.of(recording.clip),
            }
            for recording in recordings
        ]

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self._items[index]


class _Known:
    """Of which labels the clips of each corpus tell."""

    def __init__(self, labels: Sequence[str], known_labels: Mapping[str, Sequence[str]]):
        self._masks = {name: torch.tensor([label in known for label in labels]) for name, known in known_labels.items()}
        self._all = torch.ones(len(labels), dtype=torch.bool)

    def of(self, clip: Clip) -> torch.Tensor:
        """Return a mask over the labels: bool, shape (labels,)."""
        return self._masks.get(clip.corpus, self._all)


def chances(clips: Sequence[Clip]) -> np.ndarray:
    """Return the probability with which each clip is drawn: float64, shape (clips,), sums to 1.

    A corpus counts by its speakers, up to MOST_SPEAKERS, for those of a large one tell more of people; in each its
    labels are equal, of each label its speakers, and of each speaker the clips.
    """
    groups = [(clip.corpus, (clip.corpus, clip.emotion), (clip.corpus, clip.emotion, clip.speaker)) for clip in clips]
    people = Counter(corpus for corpus, _ in {(clip.corpus, clip.speaker) for clip in clips})
    counts = {corpus: min(number, MOST_SPEAKERS) for corpus, number in people.items()}
    labels = Counter(corpus for corpus, _ in {(corpus, label) for corpus, label, _ in groups})
    speakers = Counter(label for label, _ in {(label, speaker) for _, label, speaker in groups})
    of_speaker = Counter(speaker for *_, speaker in groups)
    return np.array(
        [
            counts[corpus] / sum(counts.values()) / (labels[corpus] * speakers[label] * of_speaker[speaker])
            for corpus, label, speaker in groups
        ]
    )


def collate_clips(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stack items into a batch; features and masks are padded with zeros to the longest."""
    return {name: _stack([item[name] for item in items], name) for name in items[0]}


def _stack(values: list[torch.Tensor], name: str) -> torch.Tensor:
    return torch.stack(values) if name in (LABELS, KNOWN, VOICE) else pad_sequence(values, batch_first=True)


def _one(frontend: Frontend, samples: np.ndarray) -> dict[str, torch.Tensor]:
    return {name: value[0] for name, value in frontend([samples]).items()}
