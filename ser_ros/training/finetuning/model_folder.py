# SPDX-License-Identifier: Apache-2.0
"""Measures a trained model, and fills its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from tqdm.auto import tqdm
from transformers import PreTrainedModel

from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.recognition.adaptation_prior import write_prior
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.outliers import write_detector
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.recordings import Recording
from ser_ros.training.data.splits import Split
from ser_ros.training.data.table import write_table
from ser_ros.training.evaluation.calibration import fit_temperature, store_temperature
from ser_ros.training.evaluation.evaluate import evaluate
from ser_ros.training.evaluation.held_out_speech import HeldOutSpeech, answer_held_out_speech
from ser_ros.training.evaluation.met import met_clips
from ser_ros.training.evaluation.scores import Evaluation
from ser_ros.training.finetuning.experiment import Experiment
from ser_ros.training.finetuning.finetune import Finetuned
from ser_ros.training.finetuning.folds import at_temperature, keep_answers
from ser_ros.training.finetuning.heard_states import HeardStates, OfFrozenEncoder, OfTrainedNetwork
from ser_ros.training.finetuning.shared_inputs import SharedInputs
from ser_ros.training.learning.fit_detector import fit_detector
from ser_ros.training.learning.fit_prior import fit_prior
from ser_ros.training.learning.network import save_model
from ser_ros.training.learning.recipe import plain_values
from ser_ros.training.provenance.environment import environment
from ser_ros.training.provenance.origins import pretraining_of, trained_on, trainings_of
from ser_ros.training.reporting.run_folder import write_run_folder
from ser_ros.training.reporting.run_report import RunReport
from ser_ros.training.reporting.supplement import Supplement

_VALIDATION_CLIPS = 'the validation clips'
_ALL_FOLDS = "all folds' test clips"


def make_folder(experiment: Experiment, split: Split, inputs: SharedInputs, trained: Finetuned, model: Path) -> None:
    """Write everything that belongs in the new model folder `model`."""
    save_model(trained.model, inputs.design.feature_extractor, model, stored_weights=experiment.recipe.stored_weights)
    states = _states(experiment, inputs, model)
    _store_prior(experiment, trained.model, model, states, inputs.recordings_of(split.train))
    _store_detector(model, states, inputs, inputs.recordings_of(split.train))
    selection = 'test' if experiment.selects_on_test else 'validation' if split.validation else 'last'
    report = _report(experiment, split, inputs, trained, model, selection)
    tables = {'manifest': experiment.corpus.clips, 'train': split.train, 'test': split.test}
    if not experiment.selects_on_test:
        tables['validation'] = split.validation
    for name, clips in tables.items():
        if clips:
            write_table(model / f'{name}.csv', clips)
    tell(model, report, experiment.supplement)


def tell(model: Path, report: RunReport, supplement: Supplement) -> None:
    """Write the reports of the model into the folder `model`.

    A model without test clips of its own takes the temperature of the supplement's folds.
    """
    scores = supplement.scores
    if scores and scores.temperature is not None and report.selection == 'last':
        report = at_temperature(report, model, scores.temperature, _ALL_FOLDS)
        store_temperature(model, report.temperature)
    write_run_folder(model, report, supplement)


def _report(
    experiment: Experiment, split: Split, inputs: SharedInputs, trained: Finetuned, model: Path, selection: str
) -> RunReport:
    recipe = experiment.recipe
    # First, because the figures are those of the calibrated model.
    answerable = _answerable(experiment, split)
    temperature = (
        _calibrate(model, inputs.recordings_of(split.validation), answerable) if selection == 'validation' else 1.0
    )
    return RunReport(
        recipe=experiment.recipe_name,
        corpus=experiment.corpus.name,
        protocol=split.protocol,
        fold=split.fold,
        folds=split.folds,
        selection=selection,
        train_clips=len(split.train),
        validation_clips=0 if experiment.selects_on_test else len(split.validation),
        test_clips=len(split.test),
        trained_on=trained_on(split.train, experiment.corpus),
        validation_speakers=() if experiment.selects_on_test else _speakers(split.validation),
        test_corpora=tuple(dict.fromkeys(clip.corpus for clip in split.test)),
        test_speakers=_speakers(split.test),
        labels=tuple(experiment.corpus.labels),
        initial_weights=inputs.design.initial_weights,
        pretraining=pretraining_of(recipe.network.checkpoint),
        trained_before=trainings_of(recipe.network.checkpoint),
        **experiment.teaching.names(),
        evaluation=_evaluate(experiment, split, inputs, model, answerable, keeps_answers=selection == 'last'),
        remarks=(*experiment.corpus.remarks, *_left_out(split)),
        held_out_speech=_hear_held_out_speech(inputs, model, temperature),
        validation_accuracy=trained.validation_accuracy,
        chosen_step=trained.chosen_step,
        steps=trained.steps,
        steps_per_second=round(trained.steps / trained.seconds, 3) if trained.seconds else None,
        training_minutes=round(trained.seconds / 60, 2),
        peak_gpu_memory_gib=trained.peak_gpu_memory_gib,
        processes=PartialState().num_processes,
        parameters=trained.model.num_parameters(),
        model_megabytes=round(sum(path.stat().st_size for path in model.glob('*.safetensors')) / 1e6, 1),
        temperature=temperature,
        calibrated_on=_VALIDATION_CLIPS if selection == 'validation' else '',
        seed=recipe.seed,
        settings=plain_values(recipe),
        command=experiment.command,
        **environment(),
        training_log=tuple(trained.log),
    )


def _answerable(experiment: Experiment, split: Split) -> dict[str, tuple[str, ...]]:
    """Return the labels that can be right for the clips of each corpus, by its name: its own that also trained."""
    trained = {clip.emotion for clip in split.train}
    return {
        name: tuple(label for label in labels if label in trained)
        for name, labels in experiment.corpus.known_labels.items()
    }


def _left_out(split: Split) -> list[str]:
    if not split.left_out:
        return []
    emotions = ', '.join(sorted({clip.emotion for clip in split.left_out}))
    return [
        f'{len(split.left_out)} clips of {split.left_out[0].corpus} do not test: no clip that trains is of {emotions}'
    ]


def _states(experiment: Experiment, inputs: SharedInputs, model: Path) -> HeardStates:
    recipe = experiment.recipe
    if recipe.frozen_encoder.layers:
        return OfFrozenEncoder(inputs.frozen_states, recipe.augmentation.variants)
    return OfTrainedNetwork(Classifier.load(model), recipe.augmentation, recipe.seed)


def _store_prior(
    experiment: Experiment, network: PreTrainedModel, model: Path, states: HeardStates, train: Sequence[Recording]
) -> None:
    """Write what adaptation starts from, if the head is one layer and the clips are of two voices or more."""
    if not isinstance(network.classifier, torch.nn.Linear):
        return
    heard = states.enough(train)
    clips = [recording.clip for recording in heard]
    prior = fit_prior(
        np.stack([states.as_heard(one) for one in tqdm(heard, desc='learning how voices differ', unit='clip')]),
        np.array([experiment.corpus.labels.index(clip.emotion) for clip in clips]),
        [clip.voice for clip in clips],
        [len(one.utterance) / SAMPLE_RATE for one in heard],
        tuple(experiment.corpus.labels),
        network.classifier.weight.detach().float().cpu().numpy(),
    )
    if prior is not None:
        write_prior(model, prior)


def _store_detector(model: Path, states: HeardStates, inputs: SharedInputs, train: Sequence[Recording]) -> None:
    """Write what tells sounds that are no speech, if there are some to learn it from."""

    def both_ways(recordings: Sequence[Recording]) -> np.ndarray:
        bar = tqdm(recordings, desc='learning what is no speech', unit='sound')
        return np.stack([state for one in bar for state in (states.as_heard(one), states.varied(one))])

    if inputs.outliers:
        speech = both_ways([*states.enough(train), *inputs.other.ordinary, *inputs.inliers])
        write_detector(model, fit_detector(speech, both_ways(inputs.outliers)))


def _calibrate(model: Path, recordings: Sequence[Recording], answerable: Mapping[str, Sequence[str]]) -> float:
    answers = evaluate(model, recordings, known_labels=answerable).utterance_answers
    temperature = fit_temperature(answers.log_probabilities, answers.truth)
    store_temperature(model, temperature)
    return temperature


def _evaluate(
    experiment: Experiment,
    split: Split,
    inputs: SharedInputs,
    model: Path,
    answerable: Mapping[str, Sequence[str]],
    *,
    keeps_answers: bool,
) -> Evaluation | None:
    if not split.test:
        return None
    measured = evaluate(
        model,
        inputs.recordings_of(split.test),
        known_labels=answerable,
        conditions=experiment.conditions,
        met=inputs.recordings_of(met_clips(split.test, split.train)),
    )
    if keeps_answers:
        keep_answers(measured, model)
    return measured.evaluation


def _hear_held_out_speech(inputs: SharedInputs, model: Path, temperature: float) -> tuple[HeldOutSpeech, ...]:
    """Return how the model answers it, and keep the answers in its folder: the temperature may change later."""
    if not inputs.held_out_speech:
        return ()
    answers = answer_held_out_speech(model, inputs.held_out_speech)
    answers.save(model)
    return answers.at_temperature(temperature)


def _speakers(clips: Sequence[Clip]) -> tuple[int | str, ...]:
    named = {clip.speaker for clip in clips if clip.speaker is not None}
    return tuple(sorted(named, key=lambda speaker: (isinstance(speaker, str), speaker)))
