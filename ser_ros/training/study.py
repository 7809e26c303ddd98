# SPDX-License-Identifier: Apache-2.0
"""Runs the folds of a protocol: trains, measures, and puts a finished model folder in its place at once."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor

from ser_ros.emotions import LABELS
from ser_ros.errors import SerError
from ser_ros.recognition.frontend import Frontend
from ser_ros.training.dataset import Recording, UtteranceDataset, VariantFeatures, load_recordings
from ser_ros.training.evaluation import evaluate
from ser_ros.training.finetune import finetune, save_model
from ser_ros.training.model import new_config, new_feature_extractor
from ser_ros.training.model_card import model_card
from ser_ros.training.ravdess import Clip
from ser_ros.training.recipe import Recipe
from ser_ros.training.report import (
    REPORT,
    SUMMARY,
    environment,
    read_json,
    run_markdown,
    summarise,
    summary_markdown,
    write_json,
)
from ser_ros.training.splits import Split


@dataclass(frozen=True)
class Study:
    """What all folds of one command share.

    out: folder of the model, or, where the protocol has several folds, of a folder `fold-N` for each.
    command: how to repeat it, for the reports.
    scores: summary of the same recipe's folds, for the card of a model that has no test clips of its own.
    resume: keep finished folds, and go on with the one that was interrupted.
    """

    recipe_name: str
    recipe: Recipe
    out: Path
    command: str
    scores: dict | None = None
    resume: bool = False


def run_study(study: Study, splits: Sequence[Split]) -> list[dict]:
    """Train and measure every split; return their reports. Raises SerError.

    Once every fold of the protocol is there, whichever command made it, `summary.json` and `summary.md` are written.
    """
    _check_scores(study)
    reports = {split.fold: _finished(study, split) for split in splits}
    pending = [split for split in splits if reports[split.fold] is None]
    if pending:
        bench = _prepare(study.recipe, pending)
    for split in pending:
        print(f'{study.recipe_name}, {split.name}: {len(split.train)} clips train, {len(split.test)} test', flush=True)
        reports[split.fold] = _run(study, split, bench)
    if splits[0].folds > 1:
        _write_summary(study, splits[0])
    if study.scores is not None:
        _write_card(study, study.out)
    return [reports[split.fold] for split in splits]


def read_scores(path: Path) -> dict:
    """Return the summary of folds in the file `path`. Raises SerError."""
    try:
        scores = read_json(path)
    except (OSError, ValueError):
        scores = {}
    if 'per_fold' not in scores:
        raise SerError(f'{path} is no summary of folds; give the summary.json that the folds of the same recipe left')
    return scores


@dataclass(frozen=True)
class _Bench:
    """What the folds share, so that no clip is decoded or turned into features twice."""

    labels: tuple[str, ...]
    feature_extractor: SequenceFeatureExtractor
    features: VariantFeatures
    recordings: dict[Clip, Recording]


def _prepare(recipe: Recipe, splits: Sequence[Split]) -> _Bench:
    clips = sorted({clip for split in splits for clip in split.train + split.test}, key=lambda clip: clip.path.stem)
    labels = tuple(label for label in LABELS if any(clip.emotion == label for clip in clips))
    feature_extractor = new_feature_extractor(recipe.feature_extraction)
    frontend = Frontend(feature_extractor, new_config(recipe.network, labels))
    features = VariantFeatures(frontend, recipe.augmentation, seed=recipe.seed)
    recordings = {recording.clip: recording for recording in load_recordings(tuple(clips))}
    return _Bench(labels, feature_extractor, features, recordings)


def _run(study: Study, split: Split, bench: _Bench) -> dict:
    folder = _folder(study, split)
    work = folder.with_name(f'.{folder.name}.partial')
    recipe = study.recipe
    dataset = UtteranceDataset(
        [bench.recordings[clip] for clip in split.train],
        bench.labels,
        bench.features,
        recipe.augmentation,
        mel_bands=bench.feature_extractor.num_mel_bins,
        seed=recipe.seed,
    )
    started = time.monotonic()
    trained, log = finetune(recipe, new_config(recipe.network, bench.labels), dataset, work, resume=study.resume)
    minutes = (time.monotonic() - started) / 60
    model = work / 'model'
    save_model(trained, bench.feature_extractor, model, half_precision=recipe.half_precision_weights)
    test = [bench.recordings[clip] for clip in split.test]
    report = {
        'recipe': study.recipe_name,
        'protocol': split.protocol,
        'fold': split.fold,
        'folds': split.folds,
        'train_clips': len(split.train),
        'test_clips': len(split.test),
        'train_speakers': sorted({clip.speaker for clip in split.train}),
        'test_speakers': sorted({clip.speaker for clip in split.test}),
        'labels': list(bench.labels),
        'evaluation': evaluate(model, test).as_dict() if test else None,
        'training_minutes': round(minutes, 2),
        'seed': recipe.seed,
        'settings': asdict(recipe),
        'command': study.command,
        **environment(),
        'training_log': log,
    }
    write_json(model / REPORT, report)
    (model / 'report.md').write_text(run_markdown(report), encoding='utf-8')
    _write_card(study, model)
    _put_in_place(model, folder)
    shutil.rmtree(work)
    return read_json(folder / REPORT)


def _finished(study: Study, split: Split) -> dict | None:
    folder = _folder(study, split)
    if not folder.exists() or not any(folder.iterdir()):
        return None
    if not study.resume or not (folder / REPORT).is_file():
        raise SerError(
            f'{folder} is there already and is never overwritten; choose another --out or remove it'
            + (' (or keep it with --resume)' if (folder / REPORT).is_file() else '')
        )
    report = read_json(folder / REPORT)
    if report['settings'] != json.loads(json.dumps(asdict(study.recipe))):
        raise SerError(f'{folder} was made with other settings; choose another --out or remove it')
    return report


def _write_summary(study: Study, split: Split) -> None:
    paths = [study.out / f'fold-{fold}' / REPORT for fold in range(1, split.folds + 1)]
    done = [path for path in paths if path.is_file()]
    if len(done) < len(paths):
        print(f'{len(done)} of {len(paths)} folds are done; the summary follows with the last one', flush=True)
        return
    summary = summarise([read_json(path) for path in done])
    write_json(study.out / SUMMARY, summary)
    (study.out / 'summary.md').write_text(summary_markdown(summary), encoding='utf-8')


def _write_card(study: Study, model: Path) -> None:
    card = model_card(read_json(model / REPORT), study.scores)
    (model / 'README.md').write_text(card, encoding='utf-8')


def _check_scores(study: Study) -> None:
    if study.scores is not None and study.scores['settings'] != json.loads(json.dumps(asdict(study.recipe))):
        raise SerError('--scores belongs to other settings than this recipe; give the summary of the same recipe')


def _folder(study: Study, split: Split) -> Path:
    return study.out / f'fold-{split.fold}' if split.folds > 1 else study.out


def _put_in_place(model: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        model.rename(folder)
    except OSError as error:
        raise SerError(f'the model could not be moved to {folder} ({error.strerror}); it is whole in {model}') from None
