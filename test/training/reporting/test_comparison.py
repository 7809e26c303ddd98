# SPDX-License-Identifier: Apache-2.0
"""Gavali and Verma's Table III with our runs beside it."""

import pytest

from ser_ros.training.reporting.comparison import STUDY_RECIPES, compare
from ser_ros.training.reporting.summary import summarise
from ser_ros.training.storage.json_files import write_json


@pytest.fixture
def leave(tmp_path, make_report):
    """Return leave(folder, **changes): write the report of a run there; return it."""

    def write(folder, **changes):
        values = {
            'recipe': 'hubert-large',
            'protocol': 'paper',
            'accuracy': 0.875,
            'folds': 1,
            'training_minutes': 12.5,
            'initial_weights': 'facebook/hubert-large-ls960-ft',
            'chosen_step': 700,
            'steps': 1300,
            'model_megabytes': 1262.0,
        }
        report = make_report(**values | changes)
        (tmp_path / folder).mkdir(parents=True)
        write_json(tmp_path / folder / 'report.json', report.to_json())
        return report

    return write


def rows(lines):
    """Return the table's rows below the header, as lists of cells."""
    table = [line for line in lines if line.startswith('|')]
    assert len({len(line) for line in table}) == 1  # aligned
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in table[2:]]


def test_the_published_figures_are_there_without_any_run(tmp_path):
    found = rows(compare([tmp_path]))
    assert [row[0] for row in found] == list(STUDY_RECIPES)
    assert found[0][1::2] == ['1300', '84 %', '39 min', '380 MB', 'not trained']
    assert found[3][1::2] == ['600', '88 %', '16:34', '1.27 GB', 'not trained']
    assert all(cell == '-' for row in found for cell in row[2:9:2])
    assert 'chosen on the test clips' in ' '.join(compare([tmp_path]))


def test_our_runs_stand_beside_it(tmp_path, leave):
    leave('hubert-large-paper')
    leave('fast', recipe='hubert-large-fast', selection='test', initial_weights='random', training_minutes=1.0)
    leave('whisper', recipe='whisper-base', initial_weights='openai/whisper-base', model_megabytes=82.4)
    leave('all', recipe='default', protocol='full', evaluation=None, initial_weights='random')
    leave('.half.partial', recipe='xls-r-1b')
    found = {row[0]: row[1:] for row in rows(compare([tmp_path]))}
    assert list(found) == [
        'wav2vec2-base',
        'xls-r-300m',
        'xls-r-1b',
        'hubert-large',
        'hubert-large-fast (random initial weights)',
        'default (random initial weights)',
        'whisper-base',
    ]
    assert found['hubert-large'] == [
        *('600', '700 of 1300', '88 %', '87.5 %', '16:34', '12:30', '1.27 GB', '1.26 GB'),
        'paper; chosen on validation clips, from facebook/hubert-large-ls960-ft',
    ]
    fast = found['hubert-large-fast (random initial weights)']
    assert fast[2] == '88 %' and fast[5] == '1:00' and fast[-1] == 'paper; CHOSEN ON THE TEST CLIPS: optimistic'
    assert found['whisper-base'][0:8:2] == ['-'] * 4 and found['whisper-base'][7] == '82.4 MB'
    assert found['default (random initial weights)'][3] == 'not measured'
    assert found['xls-r-1b'][-1] == 'not trained'


def test_folds_are_one_row_once_their_summary_is_there(tmp_path, leave):
    def fold(number, accuracy):
        return leave(
            f'study/fold-{number}',
            protocol='speaker-independent',
            fold=number,
            folds=2,
            accuracy=accuracy,
            corpus='kitchen',
        )

    reports = [fold(1, 0.5), fold(2, 0.7)]
    alone = rows(compare([tmp_path]))
    assert [row[-1].partition(';')[0] for row in alone[3:]] == [
        'kitchen, speaker-independent, fold 1 of 2',
        'kitchen, speaker-independent, fold 2 of 2',
    ]
    write_json(tmp_path / 'study' / 'summary.json', summarise(reports).to_json())
    together = rows(compare([tmp_path]))
    assert len(together) == 4
    assert together[3][4] == '60.0 % ± 14.1 %' and together[3][6] == '12:30' and together[3][2] == '700 of 1300'
    assert together[3][-1].startswith('kitchen, speaker-independent, mean of 2 folds; chosen on validation clips')


def test_what_is_not_a_report_of_train_is_left_aside_and_a_damaged_one_is_told(tmp_path, leave, refuses):
    (tmp_path / 'evaluated').mkdir()
    write_json(tmp_path / 'evaluated' / 'report.json', {'results': []})
    assert len(rows(compare([tmp_path]))) == 4
    (tmp_path / 'evaluated' / 'report.json').write_text('{"recipe": ')
    with refuses('report.json', 'cannot be read as a report'):
        compare([tmp_path])
    with refuses('nowhere is not a folder'):
        compare([tmp_path / 'nowhere'])
