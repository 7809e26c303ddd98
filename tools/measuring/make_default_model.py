# SPDX-License-Identifier: Apache-2.0
r"""Makes models/default and train/results/default, the embedded default model and its reports, from raw data.

Pretrains the encoder on unlabelled speech. Then trains the six speaker-independent folds of RAVDESS, one model for each
corpus that is left out, one for Gavali and Verma's split, and the model of all clips, as many at a time as there are
lanes; puts the figures of the first three on the last one's card and builds its optimised form. Finished stages are
kept: after an interruption the same command continues. Needs the built workspace, `. ./env.bash`.

    python tools/measuring/make_default_model.py --speech FOLDER... --begin-with openai/whisper-base \
        --teacher openai/whisper-base --data RAVDESS --more-data nemo:NEMO emodb:EMO-DB \
        --test-only emovo:EMOVO ased:ASED --without EMO-DB:3 --held-out FOLDER... --out WORK
"""

import argparse
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ENCODER, FOLDS, CORPORA, PAPER, MODEL = 'whisper-base-lower-encoder', 'folds', 'corpora', 'paper', 'default'
"""Folders in WORK."""

RESULTS = {FOLDS: 'speaker-independent', CORPORA: 'leave-one-corpus-out', PAPER: 'paper'}
"""Where each goes in train/results/default."""

NOTES = ROOT / 'train' / 'results' / 'ablation.md'
"""Measurements on the card that are not made here."""

_ENCODER_RECIPE, _RECIPE = 'whisper-base-lower', 'default'
_FOLDS = 6

_REPORTS = ('report.json', 'report.md', 'curves.png', 'summary.json', 'summary.md', 'confusion.png')


@dataclass(frozen=True)
class Job:
    """One command. name: of its log in WORK. threads: that it may use."""

    name: str
    arguments: tuple[str, ...]
    threads: int = 1


def main() -> None:
    """Run what is not finished yet and put the results into the checkout."""
    options = _parser().parse_args()
    work = options.out
    work.mkdir(parents=True, exist_ok=True)
    if not (work / ENCODER).is_dir():
        run(encoder(options), work)
    in_lanes(trainings(options), work, options.lanes)
    for job in finish(options):
        run(job, work)
    publish(work, options.into)
    print(f'models/default and train/results/default are in {options.into}')


def in_lanes(jobs: list[Job], work: Path, lanes: int) -> None:
    """Run `jobs` in their order, each in the lane that is free first. After a failure none begins any more."""
    failed = threading.Event()

    def begin(job: Job) -> None:
        if failed.is_set():
            return
        try:
            run(job, work)
        except SystemExit:
            failed.set()
            raise

    with ThreadPoolExecutor(lanes) as pool:
        for done in [pool.submit(begin, job) for job in jobs]:
            done.result()


def encoder(options: argparse.Namespace) -> Job:
    """Return what makes the encoder, on all cores."""
    whisper = ['--recipe', _ENCODER_RECIPE, '--model', options.begin_with, '--teacher', options.teacher]
    settings = ['--set', *options.set_pretrain] if options.set_pretrain else []
    speech = ['--speech', *map(str, options.speech)]
    out = ['--out', str(options.out / ENCODER), '--resume']
    return Job(ENCODER, ('pretrain', *whisper, *speech, *out, *settings), os.cpu_count() or 1)


def trainings(options: argparse.Namespace) -> list[Job]:
    """Return the trainings, the longest first; the last fold of each protocol to end sums it up."""
    more = ['--train-only', *options.more_data] if options.more_data else []
    by_speaker = ['--protocol', 'speaker-independent', *more, '--conditions']
    groups = [list(map(str, range(first, _FOLDS + 1, options.lanes))) for first in range(1, _FOLDS + 1)]
    held_out = ['--held-out-speech', *map(str, options.held_out)] if options.held_out else []
    jobs = [
        Job(f'{FOLDS}-{"-".join(folds)}', _train(options, FOLDS, *by_speaker, '--fold', *folds))
        for folds in groups[: options.lanes]
    ]
    jobs.append(Job(MODEL, _train(options, MODEL, '--protocol', 'full', *held_out, all_data=True)))
    if options.more_data:
        tested = ['--test-only', *options.test_only] if options.test_only else []
        out = ['--protocol', 'leave-one-corpus-out', *tested]
        jobs.insert(0, Job(CORPORA, _train(options, CORPORA, *out, all_data=True)))
    return [*jobs, Job(PAPER, _train(options, PAPER, '--protocol', 'paper', *more, '--conditions'))]


def finish(options: argparse.Namespace) -> list[Job]:
    """Return what makes of the model of all clips the one that ships.

    Its temperature is that of the corpora that were left out, if there are any: people whom it never heard.
    """
    work = options.out
    held_out = ['--held-out-speech', *map(str, options.held_out)] if options.held_out else []
    scores, *also = [
        *([work / CORPORA / 'summary.json'] if options.more_data else []),
        work / FOLDS / 'summary.json',
        work / PAPER / 'report.json',
    ]
    card = ['--protocol', 'full', *held_out, '--scores', str(scores), '--also', *map(str, also), '--notes', str(NOTES)]
    recordings = ['--data', str(options.data)] if Path(options.data).is_dir() else []
    return [
        Job('card', _train(options, MODEL, *card, all_data=True)),
        Job('optimize', ('optimize', str(work / MODEL), *recordings)),
    ]


def run(job: Job, work: Path) -> None:
    """Run `job`; its output goes into its log. Raises SystemExit where it fails."""
    log = work / f'{job.name}.log'
    print(f'{job.name}: {log}', flush=True)
    name, *arguments = job.arguments
    with log.open('a') as file:
        command = [sys.executable, '-m', f'ser_ros.cli.{name}', *arguments]
        environment = {**os.environ, 'OMP_NUM_THREADS': str(job.threads)}
        process = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=environment, check=False)
    if process.returncode:
        raise SystemExit(f'{job.name} failed; see the end of {log}, and give the same command to go on')


def publish(work: Path, into: Path) -> None:
    """Copy the model, and the reports of the protocols, to where the package has them."""
    model, results = into / 'models' / 'default', into / 'train' / 'results' / 'default'
    for folder in (model, results):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        work / MODEL,
        model,
        ignore=shutil.ignore_patterns('*.csv', 'answers.json', 'held_out_speech.json', 'spoken.npz'),
    )
    for protocol, name in RESULTS.items():
        for source in [work / protocol, *(work / protocol).glob('fold-*')]:
            target = results / name / source.relative_to(work / protocol)
            for report in filter(Path.is_file, (source / report for report in _REPORTS)):
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(report, target / report.name)


def _train(options: argparse.Namespace, out: str, *more: str, all_data: bool = False) -> tuple[str, ...]:
    data = [str(options.data), *(options.more_data if all_data else ())]
    without = ['--without', *options.without] if options.without and (all_data or options.more_data) else []
    settings = ['--set', *options.set_train] if options.set_train else []
    begin = ['--model', str(options.out / ENCODER)]
    ordinary = ['--ordinary-speech', *map(str, options.ordinary)] if options.ordinary else []
    outliers = ['--outliers', *map(str, options.outliers)] if options.outliers else []
    inliers = ['--inliers', *map(str, options.inliers)] if options.inliers else []
    fixed = [
        'train',
        '--recipe',
        _RECIPE,
        *begin,
        '--data',
        *data,
        *without,
        *ordinary,
        *outliers,
        *inliers,
        '--resume',
    ]
    return (*fixed, '--out', str(options.out / out), *more, *settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    add = parser.add_argument
    add('--data', required=True, metavar='DATA', help='RAVDESS, as `train --data` takes it')
    add('--more-data', nargs='+', default=[], metavar='DATA', help='other corpora that train')
    add('--test-only', nargs='+', default=[], metavar='DATA', help='corpora that only test')
    add('--without', nargs='+', default=[], metavar='CORPUS:SPEAKER', help='people to leave out, for the demo')
    add('--speech', type=Path, nargs='+', required=True, metavar='FOLDER', help='unlabelled speech to pretrain on')
    add('--begin-with', required=True, metavar='MODEL', help='encoder to begin with: openai/whisper-base')
    add('--teacher', required=True, metavar='MODEL', help='encoder whose layers are reproduced: openai/whisper-base')
    add('--ordinary', type=Path, nargs='+', metavar='FOLDER', help='speech for other_speech.ordinary of the recipe')
    add('--outliers', type=Path, nargs='+', metavar='FOLDER', help='sounds for other_speech.outliers of the recipe')
    add('--inliers', type=Path, nargs='+', metavar='FOLDER', help='speech for other_speech.inliers of the recipe')
    add('--held-out', type=Path, nargs='+', metavar='FOLDER', help='speech of people who act nothing, to measure on')
    add('--out', type=Path, required=True, metavar='WORK', help='where all models, logs and checkpoints go')
    add('--into', type=Path, default=ROOT, metavar='CHECKOUT', help='where the results go (default: this checkout)')
    add('--lanes', type=int, default=os.cpu_count(), metavar='N', help='trainings at a time (default: one per core)')
    add('--set-pretrain', nargs='+', default=[], metavar='KEY=VALUE', help='change values of the pretraining')
    add('--set-train', nargs='+', default=[], metavar='KEY=VALUE', help='change values of the recipe')
    return parser


if __name__ == '__main__':
    main()
