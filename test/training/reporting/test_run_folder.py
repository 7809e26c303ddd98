# SPDX-License-Identifier: Apache-2.0
"""All that is told of a run is written at once, and again without losing what a user added."""

import dataclasses

from ser_ros.training.reporting.card_file import OPTIMISED, put_part
from ser_ros.training.reporting.run_folder import write_run_folder, write_summary_folder
from ser_ros.training.reporting.run_report import read_run_report
from ser_ros.training.reporting.summary import read_summary, summarise
from ser_ros.training.reporting.supplement import Supplement


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_json_markdown_pictures_and_card(make_report, tmp_path):
    report = make_report()
    write_run_folder(tmp_path, report)
    assert names(tmp_path) == ['README.md', 'confusion.png', 'curves.png', 'report.json', 'report.md']
    assert read_run_report(tmp_path / 'report.json') == report


def test_without_test_clips_there_is_no_picture_of_them(make_report, tmp_path):
    write_run_folder(tmp_path, make_report(evaluation=None))
    assert 'confusion.png' not in names(tmp_path)
    assert 'confusion.png' not in (tmp_path / 'README.md').read_text() + (tmp_path / 'report.md').read_text()


def test_new_figures_leave_what_others_wrote_in_the_card(make_report, tmp_path):
    report = make_report(evaluation=None)
    write_run_folder(tmp_path, report)
    put_part(tmp_path, OPTIMISED, '## How fast it answers')
    card = tmp_path / 'README.md'
    card.write_text(card.read_text() + '\nMine.\n')
    scores = summarise([make_report(fold) for fold in (1, 2, 3)])
    write_run_folder(tmp_path, dataclasses.replace(report, temperature=2.5), Supplement(scores))
    text = card.read_text()
    assert 'mean of 3 folds' in text and '(2.5)' in text and text.count('# How well it does') == 1
    assert text.count('## How fast it answers') == 1 and text.endswith('\nMine.\n')


def test_a_summary(make_report, tmp_path):
    summary = summarise([make_report(fold) for fold in (1, 2, 3)])
    write_summary_folder(tmp_path, summary)
    assert names(tmp_path) == ['confusion.png', 'summary.json', 'summary.md']
    assert read_summary(tmp_path / 'summary.json') == summary
