# SPDX-License-Identifier: Apache-2.0
"""Pictures beside a report: the confusion matrix and the training curves, as PNG."""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ser_ros.files import as_utf8, whole_file

_DOTS_PER_INCH = 120

_NARROWEST = 6.0
"""Inches; a title must fit."""

_TRAINING, _VALIDATION, _CHOSEN = '#7f7f7f', '#1f77b4', '#d62728'
"""Colours."""

_DARK_FROM = 0.55
"""Share of a row from which a cell is so dark that its number must be white."""

_MARKERS_UP_TO = 30
"""Points of a curve up to which each is marked."""


def confusion_picture(labels: Sequence[str], confusion: Sequence[Sequence[int]], path: Path, title: str) -> None:
    """Draw clips by true label (rows) and answer (columns); colours are shares of a row.

    Args:
        labels: In the order of `confusion`.
        confusion: int, shape (labels, labels).
        path: Of the PNG.
        title: Above the picture.
    """
    labels = [as_utf8(label) for label in labels]
    counts = np.asarray(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 1.6 + 0.55 * len(labels)
    with _plain_text():
        figure = Figure(figsize=(max(side + 1.6, _NARROWEST), side), layout='constrained')
        axes = figure.add_subplot()
        image = axes.imshow(shares, cmap='Blues', vmin=0.0, vmax=1.0)
        for row, column in np.ndindex(counts.shape):
            color = 'white' if shares[row, column] > _DARK_FROM else 'black' if counts[row, column] else '#b0b0b0'
            axes.text(column, row, str(counts[row, column]), ha='center', va='center', color=color)
        names = [f'{label} ({total})' for label, total in zip(labels, counts.sum(axis=1), strict=True)]
        axes.set_xticks(range(len(labels)), labels, rotation=45, ha='right', rotation_mode='anchor')
        axes.set_yticks(range(len(labels)), names)
        axes.set_xlabel('answer')
        axes.set_ylabel('true label (clips)')
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        figure.suptitle(as_utf8(title))
        bar = figure.colorbar(image, ax=axes, shrink=0.8, format=PercentFormatter(1.0))
        bar.set_label('share of the true label')
        bar.outline.set_visible(False)
        _save(figure, path)


def curves_picture(
    log_history: Sequence[dict[str, Any]],
    path: Path,
    title: str,
    *,
    chosen_step: int | None = None,
    loss: str = 'loss (cross-entropy)',
) -> None:
    """Draw loss, and the accuracy on validation clips if there are any, over global steps.

    Args:
        log_history: The Trainer's entries: of training 'step' and 'loss', of validation 'step', 'eval_loss' and
            'eval_accuracy' (0..1).
        path: Of the PNG.
        title: Above the picture.
        chosen_step: Marks the chosen checkpoint.
        loss: What the losses are called.
    """
    validated = any('eval_accuracy' in entry for entry in log_history)
    with _plain_text():
        figure = Figure(figsize=(7.0, 6.0 if validated else 3.4), layout='constrained')
        panels = figure.subplots(2 if validated else 1, 1, sharex=True, squeeze=False)[:, 0]
        losses, accuracies = panels[0], panels[-1]
        _curve(losses, log_history, 'loss', _TRAINING, 'training')
        _curve(losses, log_history, 'eval_loss', _VALIDATION, 'validation')
        losses.set_ylabel(loss)
        losses.set_ylim(bottom=0.0)
        if validated:
            _curve(accuracies, log_history, 'eval_accuracy', _VALIDATION, 'validation')
            accuracies.set_ylabel('accuracy')
            accuracies.set_ylim(0.0, 1.0)
            accuracies.yaxis.set_major_formatter(PercentFormatter(1.0))
        panels[-1].set_xlabel('global step')
        panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
        panels[-1].set_xlim(left=0)
        for axes in panels:
            if chosen_step is not None:
                label = f'taken: step {chosen_step}'
                axes.axvline(chosen_step, color=_CHOSEN, linestyle='--', linewidth=1.2, label=label, zorder=1)
            axes.grid(alpha=0.3)
            axes.spines[['top', 'right']].set_visible(False)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False)
        figure.suptitle(as_utf8(title))
        _save(figure, path)


def _curve(axes: Axes, log_history: Sequence[dict[str, Any]], key: str, color: str, label: str) -> None:
    points = [(entry['step'], entry[key]) for entry in log_history if key in entry]
    if points:
        marker = 'o' if len(points) <= _MARKERS_UP_TO else None
        axes.plot(*zip(*points, strict=True), color=color, marker=marker, markersize=4, label=label)


@contextlib.contextmanager
def _plain_text() -> Iterator[None]:
    """Take labels and names as they are: a $ begins no formula, and a script that the font lacks shows as boxes."""
    with rc_context({'text.parse_math': False}), warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Glyph .* missing from')
        yield


def _save(figure: Figure, path: Path) -> None:
    """Write a PNG whose bytes depend only on the picture, all or nothing."""
    FigureCanvasAgg(figure)
    with whole_file(path) as partial:
        figure.savefig(partial, format='png', dpi=_DOTS_PER_INCH, metadata={'Software': None})
