# SPDX-License-Identifier: Apache-2.0
r"""Makes models/default and train/results/default, the embedded default model and its reports, from raw data.

Pretrains the encoder on unlabelled speech in two stages and trains it on other labelled clips if there are any. Then
trains the six speaker-independent folds, the model of Gavali and Verma's split and the model of all clips, as many at a
time as there are lanes; puts the folds' figures on the last one's card and builds its optimised form. Finished stages
are kept: after an interruption the same command continues.
Needs the built workspace, `. ./env.bash`.

    python tools/measuring/make_default_model.py --data RAVDESS --speech FOLDER --ordinary FOLDER \
        --teacher MODEL --out WORK
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

ENCODER, WHITENED, EXPRESSIVE = 'default-encoder', 'default-encoder-whitened', 'default-expressive'
FOLDS, PAPER, MODEL = 'folds', 'paper', 'default'
"""Folders in WORK: the encoder's stages, and what is trained from the last one."""

NOTES = ROOT / 'train' / 'results' / 'ablation.md'
"""Measurements on the card that are not made here."""

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
    for job in preparations(options):
        run(job, work)
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


def preparations(options: argparse.Namespace) -> list[Job]:
    """Return what makes the weights that all trainings begin with; each uses all cores."""
    work, cores = options.out, os.cpu_count()
    jobs = []
    stages = {
        ENCODER: ['--speech', *map(str, options.speech)],
        WHITENED: [
            *('--recipe', 'default-whitened', '--model', str(work / ENCODER)),
            *('--speech', *map(str, [*options.speech, *options.more_speech])),
        ],
    }
    for encoder, heard in stages.items():
        if not (work / encoder).is_dir():
            pretrain = ['pretrain', *heard, '--teacher', options.teacher, '--out', str(work / encoder), '--resume']
            jobs.append(Job(encoder, (*pretrain, *_set(options.set_pretrain)), cores))
    if options.expressive and not (work / EXPRESSIVE).is_dir():
        begin = ['--model', str(work / WHITENED), '--data', str(options.expressive)]
        train = ['train', '--recipe', EXPRESSIVE, *begin, '--protocol', 'full', '--resume']
        jobs.append(Job(EXPRESSIVE, (*train, '--out', str(work / EXPRESSIVE), *_set(options.set_train)), cores))
    return jobs


def trainings(options: argparse.Namespace) -> list[Job]:
    """Return the folds, in as many groups as there are lanes, and the models of the paper's split and of all clips.

    The longest come first. A group is one process, for its folds have most varied clips in common.
    """
    measured = ['--conditions'] + (['--held-out-speech', *map(str, options.held_out)] if options.held_out else [])
    by_speaker = ['--protocol', 'speaker-independent', *measured]
    groups = [list(map(str, range(first, _FOLDS + 1, options.lanes))) for first in range(1, _FOLDS + 1)]
    return [
        *(
            Job(f'{FOLDS}-{"-".join(folds)}', _train(options, options.recipe, FOLDS, *by_speaker, '--fold', *folds))
            for folds in groups[: options.lanes]
        ),
        Job(MODEL, _train(options, options.recipe, MODEL, '--protocol', 'full', *measured[1:])),
        Job(PAPER, _train(options, options.recipe_paper, PAPER, '--protocol', 'paper', *measured)),
    ]


def finish(options: argparse.Namespace) -> list[Job]:
    """Return what makes of the model of all clips the one that ships."""
    work = options.out
    measured = ['--held-out-speech', *map(str, options.held_out)] if options.held_out else []
    elsewhere = ['--scores', str(work / FOLDS / 'summary.json'), '--also', str(work / PAPER / 'report.json')]
    elsewhere += ['--notes', str(NOTES)]
    recordings = ['--data', str(options.data)] if options.data.is_dir() else []
    return [
        Job('card', _train(options, options.recipe, MODEL, '--protocol', 'full', *measured, *elsewhere)),
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
    """Copy the model, and the reports of folds and paper's split, to where the package has them."""
    model, results = into / 'models' / 'default', into / 'train' / 'results' / 'default'
    for folder in (model, results):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        work / MODEL,
        model,
        ignore=shutil.ignore_patterns('*.csv', 'answers.json', 'held_out_speech.json', 'spoken.npz'),
    )
    by_speaker = results / 'speaker-independent'
    folders = {work / PAPER: results / PAPER, work / FOLDS: by_speaker}
    folders |= {work / FOLDS / f'fold-{fold}': by_speaker / f'fold-{fold}' for fold in range(1, _FOLDS + 1)}
    for source, target in folders.items():
        target.mkdir(parents=True)
        for name in _REPORTS:
            if (source / name).is_file():
                shutil.copy(source / name, target / name)


def _train(options: argparse.Namespace, recipe: str, out: str, *more: str) -> tuple[str, ...]:
    begin = options.out / (EXPRESSIVE if options.expressive else WHITENED)
    fixed = [
        'train',
        '--recipe',
        recipe,
        '--model',
        str(begin),
        '--data',
        str(options.data),
        '--ordinary-speech',
        *map(str, options.ordinary),
        '--resume',
    ]
    return (*fixed, '--out', str(options.out / out), *more, *_set(options.set_train))


def _set(values: list[str]) -> list[str]:
    return ['--set', *values] if values else []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    add = parser.add_argument
    add('--data', type=Path, required=True, metavar='PATH', help='RAVDESS: a folder or the zip')
    add('--speech', type=Path, nargs='+', required=True, metavar='FOLDER', help='unlabelled speech to pretrain on')
    add('--more-speech', type=Path, nargs='+', default=[], metavar='FOLDER', help='more of it, for the second stage')
    add('--teacher', required=True, metavar='MODEL', help='encoder whose layers are reproduced: openai/whisper-base')
    add('--expressive', type=Path, metavar='TABLE', help='CSV of other labelled clips to train on first')
    add('--ordinary', type=Path, nargs='+', required=True, metavar='FOLDER', help='speech that counts as neutral')
    add('--held-out', type=Path, nargs='+', metavar='FOLDER', help='speech of other speakers to measure on')
    add('--recipe', default='default', metavar='NAME', help='recipe of the fine-tuning (default: default)')
    add('--recipe-paper', default='default-paper', metavar='NAME', help="the same for Gavali and Verma's split")
    add('--out', type=Path, required=True, metavar='WORK', help='where all models, logs and checkpoints go')
    add('--into', type=Path, default=ROOT, metavar='CHECKOUT', help='where the results go (default: this checkout)')
    add(
        '--lanes',
        type=int,
        default=os.cpu_count(),
        metavar='N',
        help='trainings at a time (default: one per core)',
    )
    add('--set-pretrain', nargs='+', default=[], metavar='KEY=VALUE', help='change values of the pretraining')
    add('--set-train', nargs='+', default=[], metavar='KEY=VALUE', help='change values of the fine-tuning')
    return parser


if __name__ == '__main__':
    main()
