# SPDX-License-Identifier: Apache-2.0
"""Measures how long two trainings took to reach the same validation accuracy.

    python tools/measuring/measure_time_to_accuracy.py SLOW FAST

SLOW and FAST are model folders that `train` made with the same protocol and seed, hence the same validation clips, at
the same time on the same machine. The target is the best validation accuracy of SLOW. With --out, a plot is written.
"""

import argparse
import sys
from pathlib import Path

from matplotlib.figure import Figure

from ser_ros.training.reporting.run_report import RunReport, read_run_report


def main() -> int:
    """Print a Markdown table; draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('slow', type=Path)
    parser.add_argument('fast', type=Path)
    parser.add_argument('--out', type=Path, metavar='PNG')
    options = parser.parse_args()
    reports = [read_run_report(folder / 'report.json') for folder in (options.slow, options.fast)]
    if None in reports:
        sys.exit('give two model folders with a report.json, as train writes them')
    for key in ('protocol', 'fold', 'seed', 'validation_clips', 'train_clips', 'hardware'):
        slow, fast = (getattr(report, key) for report in reports)
        if slow != fast:
            sys.exit(f'{key} differs ({slow} and {fast}); the two cannot be compared')
    curves = [validation_curve(report) for report in reports]
    bar = max(accuracy for _, accuracy in curves[0])
    minutes = [next((at for at, accuracy in curve if accuracy >= bar), None) for curve in curves]
    print(f'| recipe | minutes to {bar * 100:.1f} % of {reports[0].validation_clips} validation clips | best |')
    print('|---|---|---|')
    for report, curve, at in zip(reports, curves, minutes, strict=True):
        best = max(accuracy for _, accuracy in curve)
        print(f'| {report.recipe} | {"never" if at is None else f"{at:.1f}"} | {best * 100:.1f} % |')
    if None not in minutes:
        print(f'\n{minutes[0] / minutes[1]:.1f} times less time; {reports[0].hardware}')
    if options.out:
        draw(reports, curves, bar, options.out)
    return 0


def validation_curve(report: RunReport) -> list[tuple[float, float]]:
    """Return (minutes since the start, validation accuracy) of each evaluation, evaluations included in the time."""
    return [(entry['seconds'] / 60, entry['eval_accuracy']) for entry in report.training_log if 'eval_loss' in entry]


def draw(reports: list[RunReport], curves: list[list[tuple[float, float]]], bar: float, path: Path) -> None:
    """Draw validation accuracy over minutes."""
    figure = Figure(figsize=(7, 4), layout='constrained')
    axes = figure.subplots()
    for report, curve in zip(reports, curves, strict=True):
        minutes, accuracies = zip(*curve, strict=True)
        axes.plot(minutes, [accuracy * 100 for accuracy in accuracies], marker='.', label=report.recipe)
    axes.axhline(bar * 100, color='grey', linewidth=1, linestyle='--')
    axes.set(xlabel='minutes', ylabel='validation accuracy, %', title=f'{reports[0].hardware}')
    axes.legend(loc='lower right')
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120, metadata={'Software': None})


if __name__ == '__main__':
    sys.exit(main())
