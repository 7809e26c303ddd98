# SPDX-License-Identifier: Apache-2.0
"""What `evaluate` does once its command line is read and its packages are there."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from ser_ros.cli.repeatable import folder_name
from ser_ros.recognition.classifier import Classifier
from ser_ros.training.data.corpus import Corpus, read_corpus
from ser_ros.training.data.recordings import load_recordings
from ser_ros.training.evaluation.ensemble import Ensemble
from ser_ros.training.evaluation.evaluate import evaluate
from ser_ros.training.evaluation.label_map import match_labels, read_entries
from ser_ros.training.evaluation.measures import HEARINGS
from ser_ros.training.provenance.leakage import choose_clips
from ser_ros.training.reporting.evaluation_report import (
    EvaluationReport,
    Result,
    evaluation_report,
    evaluation_table,
    write_evaluation,
)
from ser_ros.training.reporting.scores_markdown import condition_lines


def run(options: argparse.Namespace, folders: Sequence[Path], command: str) -> int:
    """Measure the models in `folders`, each or all as one; print the figures. `command` is what reports show."""
    entries = read_entries(options.map)
    corpus = read_corpus(options.data, tuple(options.labels), for_training=False)
    groups = [folders] if options.ensemble else [[folder] for folder in folders]
    results = [_measure(group, corpus, entries, options) for group in groups]
    report = evaluation_report(results, corpus.name, command)
    _print(report)
    if options.out:
        write_evaluation(report, options.out)
        print(f'in {options.out}')
    return 0


def _measure(folders: Sequence[Path], corpus: Corpus, entries: dict[str, str], options: argparse.Namespace) -> Result:
    clips, notes = choose_clips(folders, corpus, all_clips=options.all_clips)
    members = [Classifier.load(folder, options.device, options.backend) for folder in folders]
    model = Ensemble(members) if options.ensemble else members[0]
    label_map = match_labels(corpus.labels, model.labels, entries)
    label_notes = label_map.sentences(clips)
    chosen = {clip.name for clip in label_map.kept(clips)}
    # The whole corpus, for that is what the cache of decoded clips holds after a training.
    recordings = [recording for recording in load_recordings(corpus.clips) if recording.clip.name in chosen]
    return Result(
        model=' + '.join(map(folder_name, folders)),
        evaluation=evaluate(model, recordings, label_map=label_map, conditions=options.conditions).evaluation,
        notes=(*notes, *label_notes),
    )


def _print(report: EvaluationReport) -> None:
    for result in report.results:
        print(f'{result.model} on {report.corpus}')
        for note in result.notes:
            print(f'  {note}')
        for hearing, heading in HEARINGS.items():
            print(f'\n{heading}\n{getattr(result.evaluation, hearing).report}')
    print('\n'.join(evaluation_table(report)))
    for result in report.results:
        if conditions := condition_lines(result.evaluation):
            print('\n'.join(['', result.model, *conditions]))
