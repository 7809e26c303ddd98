# SPDX-License-Identifier: Apache-2.0
"""Model cards: front matter for the Hub, limits, and no claim that a corpus does not support."""

import dataclasses
import re

import pytest
import yaml

from ser_ros.training.evaluation.held_out_speech import HeldOutSpeech
from ser_ros.training.learning.recipe_file import recipes_folder
from ser_ros.training.provenance.origins import TrainedOn, Training
from ser_ros.training.reporting.model_card import model_card
from ser_ros.training.reporting.run_report import read_run_report
from ser_ros.training.reporting.summary import read_summary
from ser_ros.training.reporting.supplement import Supplement, read_supplement


@pytest.fixture(scope='module')
def committed():
    """Return the report of the first embedded default, and its folds' summary."""
    results = recipes_folder() / 'results' / 'from-scratch'
    return read_run_report(results / 'full.json'), read_summary(results / 'summary.json')


@pytest.fixture
def report(make_report):
    """Return the report of a run of its own."""
    return make_report(protocol='paper', folds=1)


def front_matter(card):
    return yaml.safe_load(card.split('---')[1])


def test_a_card_of_folds(committed):
    card = model_card(committed[0], Supplement(scores=committed[1]))
    assert 'From random initial weights on 1440 clips of 24 speakers, 13 epochs' in card
    assert 'None' not in card and 'calibration error' not in card
    assert front_matter(card)['license'] == 'cc-by-nc-sa-4.0'
    assert 'never heard' in card and 'mean of 6 folds' in card


def test_a_card_shows_the_figures_of_other_models_and_notes_too(committed, report):
    command = 'ros2 run ser_ros train --recipe known-voices'
    other = dataclasses.replace(report, recipe='known-voices', test_clips=288, command=command)
    supplement = Supplement(committed[1], (other,), '### Ablation\n\n| begins with | accuracy |')
    card = model_card(committed[0], supplement)
    section = card.partition('### Recipe known-voices, protocol paper')[2].partition('### Ablation')
    assert 'whole clips: accuracy 80.0 %' in section[0] and 'tested on 288' in section[0]
    assert command in section[0]
    assert section[2].index('| begins with') < section[2].index('## How it was trained')
    assert front_matter(card)['model-index'][0]['results'][0]['dataset']['name'].endswith('mean of 6 folds')


def test_a_card_shows_the_folds_of_another_protocol_too(committed, report):
    other = dataclasses.replace(committed[1], protocol='leave-one-corpus-out', recipe='another')
    card = model_card(report, Supplement(committed[1], (other,)))
    before, after = card.split('### Recipe another, protocol leave-one-corpus-out, 6 folds')
    assert f'tested on {other.test_clips} clips of RAVDESS, seed {other.seed}' in after
    assert '| fold ' in before and '| fold ' in after and other.commands[0] in after


@pytest.mark.parametrize(
    ('kind', 'content', 'text'),
    [
        ('scores', '{"protocol": "paper"}', 'not a summary of folds'),
        ('others', '{"evaluation": null}', 'not a report of a measured model'),
        ('others', '[]', 'not a report of a measured model'),
        ('notes', None, 'cannot be read as text'),
    ],
)
def test_a_supplement_that_is_none_is_refused(tmp_path, refuses, kind, content, text):
    path = tmp_path / 'file'
    if content is not None:
        path.write_text(content)
    given = {'scores': None, 'others': [], 'notes': None} | {kind: [path] if kind == 'others' else path}
    with refuses(str(path), text):
        read_supplement(**given)


def test_a_card_of_a_run_of_its_own(report):
    card = model_card(report, Supplement())
    values = front_matter(card)
    assert values['base_model'] == 'openai/whisper-base'
    result = values['model-index'][0]['results'][0]
    assert result['dataset'] == {'type': 'ravdess', 'name': 'RAVDESS speech, paper'}
    assert result['metrics'][0]['value'] == 0.8
    for text in (
        'From the weights of `openai/whisper-base`',
        'at most 3 epochs',
        'chosen on validation clips, which neither train nor test, step 200 of 300',
        'calibration error 5.0 %, without the temperature 20.0 %',
        'temperature of the config.json (1.8)',
        '20.6 M parameters, 82.4 MB.',
        'confusion.png',
        'curves.png',
        'must not be used',
    ):
        assert text in card, text
    assert 'optimistic' not in card


def test_a_checkpoint_chosen_on_the_test_clips_is_called_so_even_in_the_front_matter(report):
    card = model_card(dataclasses.replace(report, selection='test'), Supplement())
    assert '**Chosen on the test clips: optimistic.' in card
    assert 'optimistic' in front_matter(card)['model-index'][0]['results'][0]['dataset']['name']


def test_another_corpus_makes_no_claim_about_ravdess(report):
    kitchen = TrainedOn(corpus='kitchen', licence='', clips=32, speakers=(), labels=('happy', 'sad'))
    other = {'corpus': 'kitchen', 'trained_on': (kitchen,), 'test_corpora': ('kitchen',)}
    card = model_card(dataclasses.replace(report, **other, initial_weights='hubert-large-paper'), Supplement())
    values = front_matter(card)
    assert values['license'] == 'other' and 'language' not in values and 'base_model' not in values
    assert 'ravdess' not in str(values).lower()
    assert (
        'No licence is stated for kitchen' in card
        and 'RAVDESS speech, audio only' not in card
        and '24 North' not in card
    )
    assert 'must not be used' in card


def part(corpus, licence, **changes):
    return TrainedOn(
        **{'corpus': corpus, 'licence': licence, 'clips': 8, 'speakers': ('a',), 'labels': ('sad',)} | changes
    )


@pytest.mark.parametrize(
    ('licences', 'licence'),
    [
        (('cc-by-4.0', 'cc-by-4.0'), 'cc-by-4.0'),
        (('cc-by-4.0', 'cc0-1.0'), 'other'),
        (('cc-by-4.0', ''), 'other'),
        (('', ''), 'other'),
        (('research, on request',) * 2, 'other'),
    ],
)
def test_a_card_has_the_licence_that_all_of_the_data_has(report, licences, licence):
    parts = tuple(part(name, its) for name, its in zip(('nEMO', 'EMOVO'), licences, strict=True))
    values = front_matter(model_card(dataclasses.replace(report, trained_on=parts), Supplement()))
    assert values['license'] == licence
    assert values['language'] == ['it', 'pl']
    assert {'nemo', 'emovo'} <= set(values['tags'])


def test_a_card_lists_each_corpus_and_names_those_without_a_licence(report):
    parts = (part('RAVDESS', 'cc-by-nc-sa-4.0', clips=1440), part('ASED', ''), part('EMOVO', ''))
    card = model_card(dataclasses.replace(report, trained_on=parts, remarks=('EMOVO has 588 clips',)), Supplement())
    assert 'No licence is stated for ASED, EMOVO' in card
    for row in (
        '| RAVDESS | 1440  | 1        | sad    | cc-by-nc-sa-4.0 |',
        '| EMOVO   | 8     | 1        | sad    | not stated ',
    ):
        assert row in card, row
    assert '- EMOVO has 588 clips' in card and '24 North' not in card


def test_what_was_trained_before_counts_for_the_licence(report):
    before = dataclasses.replace(report, trained_on=(part('kitchen', 'cc-by-4.0'),)).training
    card = model_card(dataclasses.replace(report, trained_before=(before,)), Supplement())
    assert front_matter(card)['license'] == 'other'


def test_weights_that_were_trained_before_say_on_what(report):
    before = Training(
        recipe='tones',
        corpus='kitchen',
        train_clips=70,
        trained_on=(
            TrainedOn(corpus='kitchen', licence='cc-by-4.0', clips=70, speakers=('a', 'b'), labels=('x', 'y')),
        ),
        labels=('x', 'y'),
        command='ros2 run ser_ros train --data kitchen.csv',
    )
    card = model_card(dataclasses.replace(report, trained_before=(before,)), Supplement())
    assert (
        'Before, the weights were trained on 70 clips of 2 speakers of kitchen (licence: cc-by-4.0) to tell x, y.'
        in card
    )
    assert card.index('--data kitchen.csv') < card.index(report.command)


def test_a_model_of_all_clips_shows_what_speech_of_others_is_called(report):
    plain = HeldOutSpeech(
        speech='Plain',
        recordings=5,
        utterances=10,
        rejected=1,
        longest_seconds=4.0,
        answers={'sad': 0.2, 'neutral': 0.7},
        emotions=(),
    )
    card = model_card(dataclasses.replace(report, evaluation=None, held_out_speech=(plain,)), Supplement())
    assert 'Not measured' in card and re.search(r'Plain +\| 5 +\| 10 +\| 10.0 % +\| 0.0 % +\| 70.0 %', card)


def test_a_model_that_was_not_measured_says_so(report):
    card = model_card(dataclasses.replace(report, evaluation=None), Supplement())
    assert 'Not measured' in card and 'model-index' not in front_matter(card)
