# SPDX-License-Identifier: Apache-2.0
"""Trained models on a corpus: each by itself or all as one, on clips that they have not heard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_ros.recognition.adaptation import AdaptationConfig
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.models import folder_name
from ser_ros.training.data.corpus import Corpus
from ser_ros.training.data.recordings import load_recordings
from ser_ros.training.evaluation.ensemble import Ensemble
from ser_ros.training.evaluation.evaluate import evaluate
from ser_ros.training.evaluation.label_map import match_labels
from ser_ros.training.evaluation.met import met_clips
from ser_ros.training.evaluation.scores import Evaluation
from ser_ros.training.provenance.leakage import choose_clips
from ser_ros.training.provenance.origins import learned_labels


@dataclass(frozen=True)
class Result:
    """One model, or several that answer as one.

    Attributes:
        model: Its name.
        notes: What a reader of the figures must know: which clips, which labels.
        evaluation: The figures.
    """

    model: str
    notes: tuple[str, ...]
    evaluation: Evaluation


@dataclass(frozen=True)
class EvaluationConfig:
    """What each model is measured on, and how.

    Attributes:
        corpus: The test clips are among its clips.
        entries: Label of the corpus -> label of the model, if they differ.
        all_clips: Whether to use clips that the model has heard as well.
        conditions: Whether to measure in noise, in a room, over a telephone and softer as well.
        chosen_labels: Which of a model's labels an answer can be; see choose_labels.
        adaptation: How the model gets used to the utterances of a stream.
        device: As of `Classifier.load`.
        backend: As of `Classifier.load`.
    """

    corpus: Corpus
    entries: dict[str, str]
    all_clips: bool = False
    conditions: bool = False
    chosen_labels: str = ''
    adaptation: AdaptationConfig = field(default_factory=AdaptationConfig)
    device: str = 'auto'
    backend: str = 'torch'


def evaluate_each(folders: Sequence[Path], config: EvaluationConfig) -> list[Result]:
    """Return the result of each model folder. Raises SerError."""
    return [_evaluate(_load(folder, config), [folder], config) for folder in folders]


def evaluate_ensemble(folders: Sequence[Path], config: EvaluationConfig) -> Result:
    """Return the result of all model folders as an ensemble. Raises SerError."""
    return _evaluate(Ensemble([_load(folder, config) for folder in folders]), folders, config)


def _load(folder: Path, config: EvaluationConfig) -> Classifier:
    return Classifier.load(folder, config.device, config.backend, chosen_labels=config.chosen_labels)


def _unlearned(folders: Sequence[Path], labels: Sequence[str]) -> dict[str, str]:
    """Return entries of a label map that leave out the labels of which one of the models has learned nothing."""
    learned = [labels_of_model for folder in folders if (labels_of_model := learned_labels(folder)) is not None]
    return {label: '' for label in labels if any(label not in labels_of_model for labels_of_model in learned)}


def _evaluate(model: Classifier | Ensemble, folders: Sequence[Path], config: EvaluationConfig) -> Result:
    corpus = config.corpus
    clips, notes = choose_clips(folders, corpus, all_clips=config.all_clips)
    label_map = match_labels(corpus.labels, model.labels, _unlearned(folders, corpus.labels) | config.entries)
    more_notes = label_map.sentences(clips)
    tested = label_map.kept(clips)
    left_out = {clip.name for clip in corpus.clips} - {clip.name for clip in clips}
    # What a model that adapts has heard of the people who speak in the test: clips of theirs that trained it.
    met = met_clips(tested, [clip for clip in corpus.clips if clip.name in left_out]) if model.prior else []
    # The whole corpus, because that is what the cache of decoded clips holds after a training.
    recordings = {recording.clip.name: recording for recording in load_recordings(corpus.clips)}
    known_labels = label_map.known_labels(corpus.known_labels)
    measured = evaluate(
        model,
        [recordings[clip.name] for clip in tested],
        label_map=label_map,
        known_labels=known_labels,
        conditions=config.conditions,
        met=[recordings[clip.name] for clip in met],
        adaptation=config.adaptation,
    )
    if config.chosen_labels:
        more_notes.append(f'it answers with one of {", ".join(model.labels)}')
    share = config.adaptation.ordinary_share
    if measured.evaluation.streams:
        more_notes.append(f'adapting, it expects {share:g} of the utterances to be ordinary speech')
    outlier = measured.spoken.utterance.outlier
    if outlier.any():
        more_notes.append(
            f'{outlier.sum()} of the {len(outlier)} utterances are no speech to the model, and a node would answer '
            'unknown; here all labels are equally probable, so the first counts as its answer'
        )
    if len(known_labels) > 1:
        more_notes.append('the answer for a clip is restricted to the labels of its corpus')
    return Result(
        model=' + '.join(map(folder_name, folders)),
        evaluation=measured.evaluation,
        notes=(*notes, *more_notes),
    )
