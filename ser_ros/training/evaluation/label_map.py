# SPDX-License-Identifier: Apache-2.0
"""Maps the labels of a corpus that a model has not seen to the model's own labels."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from ser_ros.errors import SerError, did_you_mean, reason
from ser_ros.training.data.clip import Clip

_YAML = ('.yaml', '.yml')


@dataclass(frozen=True)
class LabelMap:
    """Which label of the model a corpus's label stands for; several of the corpus may stand for the same.

    Clips whose label has no counterpart are left out. Labels that no clip of the corpus has cannot be right, so the
    model's answer is restricted to the others: their probabilities are scaled to sum to 1.

    Attributes:
        model_labels: Everything the model can answer, in its own order.
        counterparts: Label of the corpus -> label of the model.
        unmapped: Labels of the corpus without counterpart.
    """

    model_labels: tuple[str, ...]
    counterparts: Mapping[str, str]
    unmapped: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that are compared: those of the model that the corpus has, in the model's order."""
        return tuple(label for label in self.model_labels if label in self.counterparts.values())

    def known_labels(self, labels: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
        """Return the labels of the model that each corpus has, by its name, from those that it calls its own."""
        return {
            name: tuple(self.counterparts[label] for label in theirs if label in self.counterparts)
            for name, theirs in labels.items()
        }

    def kept(self, clips: Iterable[Clip]) -> tuple[Clip, ...]:
        """Return the clips whose label has a counterpart."""
        return tuple(clip for clip in clips if clip.emotion in self.counterparts)

    def truth(self, clips: Iterable[Clip]) -> np.ndarray:
        """Return the index in `labels` of each clip's label, int64, shape (clips,). Raises SerError."""
        clips = tuple(clips)
        strange = [clip for clip in clips if clip.emotion not in self.counterparts]
        if strange:
            raise SerError(
                f"{strange[0].path} is a clip of '{strange[0].emotion}', which the model cannot say (it says "
                f'{", ".join(self.model_labels)}); map the label to one of these, or leave such clips out'
            )
        return np.array([self.labels.index(self.counterparts[clip.emotion]) for clip in clips], dtype=np.int64)

    def restrict(self, probabilities: np.ndarray) -> np.ndarray:
        """Return probabilities over `labels`, float32, shape (clips, labels), from those over `model_labels`."""
        chosen = probabilities[:, [self.model_labels.index(label) for label in self.labels]]
        chosen = np.maximum(chosen, np.finfo(np.float32).tiny)  # a certain model may give all of them zero
        return (chosen / chosen.sum(axis=-1, keepdims=True)).astype(np.float32)

    def sentences(self, clips: Iterable[Clip]) -> list[str]:
        """Return what a reader of the figures must know about the labels of `clips`; nothing if all are the model's."""
        counts = Counter(clip.emotion for clip in clips)
        renamed = [f'{theirs} as {ours}' for theirs, ours in self.counterparts.items() if theirs != ours]
        silent = [label for label in self.model_labels if label not in self.labels]
        sentences = []
        if renamed:
            sentences.append(f'labels of the corpus taken for those of the model: {", ".join(renamed)}')
        if self.unmapped:
            listed = ', '.join(f'{label} ({counts[label]})' for label in self.unmapped)
            number = sum(counts[label] for label in self.unmapped)
            sentences.append(f'left out, for the model does not answer with such a label: {number} clips of {listed}')
        if silent:
            sentences.append(
                f'the corpus has no {", ".join(silent)}: the answer is restricted to the other {len(self.labels)} '
                'labels, which is easier than what the robot does'
            )
        return sentences


def match_labels(
    corpus_labels: Sequence[str], model_labels: Sequence[str], entries: Mapping[str, str] | None = None
) -> LabelMap:
    """Return how the labels of a corpus map to those of a model.

    Labels that are equal need no entry. An entry with an empty value leaves out its label, even if the model has it.

    Raises:
        SerError: An entry names an unknown label, or fewer than two labels are left.
    """
    entries = entries or {}
    for theirs, ours in entries.items():
        _check_known(theirs, corpus_labels, 'the corpus')
        if ours:
            _check_known(ours, model_labels, 'the model')
    found = {label: entries.get(label, label if label in model_labels else '') for label in corpus_labels}
    counterparts = {theirs: ours for theirs, ours in found.items() if ours}
    matched = LabelMap(tuple(model_labels), counterparts, tuple(label for label in found if not found[label]))
    if len(matched.labels) < 2:
        raise SerError(
            f'the corpus has {", ".join(corpus_labels)} and the model says {", ".join(model_labels)}: fewer than two '
            'labels are the same; map others with --map CORPUS_LABEL=MODEL_LABEL'
        )
    return matched


def read_entries(words: Iterable[str]) -> dict[str, str]:
    """Return label of a corpus -> label of a model from words 'theirs=ours' and names of YAML files.

    'theirs=' leaves those clips out; in YAML the value is null. Later entries win. Raises SerError.
    """
    entries = {}
    for word in words:
        if word.lower().endswith(_YAML):
            entries.update(_read_yaml(Path(word)))
        else:
            theirs, equals, ours = word.partition('=')
            if not theirs or not equals:
                raise SerError(f"--map '{word}' is neither CORPUS_LABEL=MODEL_LABEL nor a .yaml file; write it so")
            entries[theirs.strip()] = ours.strip()
    return entries


def _read_yaml(path: Path) -> dict[str, str]:
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SerError(
            f'the label map {path} cannot be read ({reason(error)}); give lines such as happiness: happy'
        ) from None
    plain = isinstance(values, dict) and all(
        isinstance(theirs, str) and isinstance(ours, (str, type(None))) for theirs, ours in values.items()
    )
    if not plain:
        raise SerError(f'the label map {path} must hold lines such as happiness: happy, and quotes around numbers')
    return {theirs: ours or '' for theirs, ours in values.items()}


def _check_known(label: str, labels: Sequence[str], whose: str) -> None:
    if label not in labels:
        hint = did_you_mean(label, labels) or '; correct --map'
        raise SerError(f"{whose} has no label '{label}' (it has {', '.join(labels)}){hint}")
