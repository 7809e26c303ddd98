# SPDX-License-Identifier: Apache-2.0
"""Pictures are whole PNG files, the same each time, and show what they were given."""

import os
import tempfile
import warnings
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ser_ros.training.reporting.pictures import confusion_picture, curves_picture

LABELS = ['neutral', 'calm', 'happy']
LOG = [
    {'loss': 2.0, 'learning_rate': 1e-4, 'epoch': 0.5, 'step': 100},
    {'eval_loss': 1.8, 'eval_accuracy': 0.3, 'epoch': 0.5, 'step': 100},
    {'loss': 1.0, 'learning_rate': 1e-4, 'epoch': 1.0, 'step': 200},
    {'eval_loss': 1.2, 'eval_accuracy': 0.6, 'epoch': 1.0, 'step': 200},
]


def pixels(path):
    return (matplotlib.image.imread(path)[..., :3] * 255).round().astype(int)


def columns(mask):
    return np.argwhere(mask)[:, 1]


def reddish(picture):
    red, green, blue = np.moveaxis(picture, -1, 0)
    return (red > green + 60) & (red > blue + 60)


def test_a_confusion_picture_is_dark_where_a_row_is_and_the_same_each_time(tmp_path):
    for name in ('first.png', 'second.png'):
        confusion_picture(LABELS, [[8, 0, 0], [0, 0, 0], [0, 0, 0]], tmp_path / name, 'made')
    assert (tmp_path / 'first.png').read_bytes() == (tmp_path / 'second.png').read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['first.png', 'second.png']
    confusion_picture(LABELS, [[0, 8, 0], [0, 0, 0], [0, 0, 0]], tmp_path / 'other.png', 'made')
    dark = (8, 48, 107)  # the last of matplotlib's Blues
    first, other = ((pixels(tmp_path / name) == dark).all(axis=2) for name in ('first.png', 'other.png'))
    left, right = first & ~other, other & ~first
    assert left.sum() > 2000 and right.sum() > 2000
    assert columns(left).max() < columns(right).min()


def test_the_curves_show_the_chosen_checkpoint_and_each_curve(tmp_path):
    def draw(log, **options):
        curves_picture(log, tmp_path / 'curves.png', 'made', **options)
        return pixels(tmp_path / 'curves.png')

    whole = draw(LOG)
    blue, grey = (31, 119, 180), (127, 127, 127)
    assert not reddish(whole).any()
    early, late = (np.bincount(columns(reddish(draw(LOG, chosen_step=step)))).argmax() for step in (100, 200))
    assert early + 100 < late
    assert (whole == blue).all(axis=2).any() and (whole == grey).all(axis=2).any()
    training = draw([entry for entry in LOG if 'loss' in entry])
    assert not (training == blue).all(axis=2).any() and (training == grey).all(axis=2).any()
    assert training.shape[0] < whole.shape[0]  # no panel of accuracies


@pytest.mark.parametrize('log', [[], LOG[:1], LOG[:2]])
def test_a_short_run_has_a_picture_too(tmp_path, log):
    curves_picture(log, tmp_path / 'curves.png', 'made', chosen_step=1)
    assert pixels(tmp_path / 'curves.png').size


@given(st.lists(st.text(st.characters(), max_size=12), min_size=2, max_size=2), st.text(st.characters(), max_size=20))
@example(['$a$b$', '$\\frac{$'], '$')
@example(['радость', '悲しい'], os.fsdecode(b'\xff'))
@settings(max_examples=10, deadline=None)
def test_labels_and_titles_may_be_any_text(labels, title):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter('error')
        confusion_picture(labels, [[1, 0], [0, 1]], Path(folder, 'confusion.png'), title)
        curves_picture(LOG, Path(folder, 'curves.png'), title)
        assert len(list(Path(folder).iterdir())) == 2
