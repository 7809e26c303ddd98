# SPDX-License-Identifier: Apache-2.0
"""The layout for Foxglove is whole, and each topic and field in it is there."""

import importlib
import json
import re
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion, Hearing, Mood

ROOT = Path(__file__).resolve().parents[2]
LAYOUT = json.loads((ROOT / 'config' / 'foxglove.json').read_text(encoding='utf-8'))
PANELS = LAYOUT['configById']

TOPICS = {
    '/emotion': Emotion,
    '/mood': Mood,
    '/ser/hearing': Hearing,
    '/ser/speaking': Bool,
    '/robot_speaking': Bool,
    '/diagnostics': DiagnosticArray,
    '/rosout': Log,
}
PLOTTED = {'float', 'double'}
STATES = {'string', 'boolean'}


def shown(key: str) -> list[tuple[str, dict]]:
    """Return (panel, series) for each series of all panels of a kind."""
    return [(panel, series) for panel in PANELS if panel.startswith(f'{key}!') for series in PANELS[panel]['paths']]


def panels_in(part: str | dict) -> list[str]:
    """Return the panels of a part of the layout, whose splits it checks."""
    if isinstance(part, str):
        return [part]
    assert set(part) == {'direction', 'first', 'second', 'splitPercentage'}
    assert part['direction'] in ('row', 'column') and 0 < part['splitPercentage'] < 100
    return panels_in(part['first']) + panels_in(part['second'])


def type_of(path: str) -> str:
    """Return the type of what `path` shows, such as /mood.confidence; of a whole message its class's name."""
    topic, *fields = path.split('.')
    message = TOPICS[topic]
    found = message.__name__
    for field in fields:
        name, index = re.fullmatch(r'(\w+)(\[\d+\])?', field).groups()
        found = message.get_fields_and_field_types()[name]
        if index:
            found = re.fullmatch(r'sequence<(.+)>', found)[1]
        package, _, name = found.partition('/')
        message = getattr(importlib.import_module(f'{package}.msg'), name) if name else None
    return found


def test_the_layout_has_each_panel_once():
    assert sorted(panels_in(LAYOUT['layout'])) == sorted(PANELS)
    assert {'globalVariables', 'userNodes', 'playbackConfig'} < set(LAYOUT)
    titles = [panel['foxglovePanelTitle'] for panel in PANELS.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(('kind', 'types'), [('Plot', PLOTTED), ('StateTransitions', STATES)])
def test_each_series_is_of_a_type_that_its_panel_shows(kind, types):
    series = [one for _, one in shown(kind)]
    assert len(series) > 4
    assert [one['value'] for one in series if type_of(one['value']) not in types] == []


def test_each_other_panel_shows_a_topic_of_its_type():
    assert type_of(PANELS['Gauge!confidence']['path']) in PLOTTED
    for panel, kind in {
        'RawMessages!mood': 'Mood',
        'RawMessages!emotion': 'Emotion',
        'DiagnosticSummary!all': 'DiagnosticArray',
        'DiagnosticStatusPanel!one': 'DiagnosticArray',
        'RosOut!log': 'Log',
    }.items():
        config = PANELS[panel]
        assert type_of(config.get('topicPath') or config['topicToRender']) == kind


def test_the_probabilities_have_the_labels_of_the_embedded_model():
    labels = json.loads((ROOT / 'models' / 'default' / 'config.json').read_text(encoding='utf-8'))['id2label']
    series = [one for panel, one in shown('Plot') if panel == 'Plot!probabilities']
    assert {one['value']: one['label'] for one in series} == {
        f'/emotion.probabilities[{number}]': label for number, label in labels.items()
    }


def test_no_panel_has_two_series_of_one_colour():
    for panel in PANELS:
        colours = [one['color'] for name, one in shown('Plot') if name == panel]
        assert len(set(colours)) == len(colours)


@pytest.mark.parametrize('path', ['/mood.nothing', '/nothing', '/mood.mood[0]', '/mood.confidence.mood'])
def test_a_path_that_leads_nowhere_is_noticed(path):
    with pytest.raises((AttributeError, KeyError, TypeError)):
        type_of(path)
