# SPDX-License-Identifier: Apache-2.0
"""How the commands end, and what they call the settings."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ser_ros
from ser_ros.cli import annotate, predict
from ser_ros.cli.sentences import OPTIONS, ends_in_a_sentence
from ser_ros.errors import SettingError
from ser_ros.node.parameters import SPECS

ENDLESS = """
import sys
from ser_ros.cli.sentences import ends_in_a_sentence

@ends_in_a_sentence
def main():
    while True:
        print('a line')

sys.exit(main())
"""


def test_a_reader_that_goes_away_ends_the_script_quietly():
    """As in `predict interview.wav | head`."""
    script = subprocess.Popen(
        [sys.executable, '-c', ENDLESS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert script.stdout.readline() == 'a line\n'
    script.stdout.close()
    assert script.wait(60) == 1
    assert script.stderr.read() == ''
    script.stderr.close()


@ends_in_a_sentence
def fail(key):
    raise SettingError(key, lambda name: f'{name} is 3, which does not exist')


@pytest.mark.parametrize(('key', 'name'), [*OPTIONS.items(), ('vad.threshold', 'vad.threshold')])
def test_a_setting_is_called_by_its_option_where_it_has_one(capsys, key, name):
    assert fail(key) == 1
    assert capsys.readouterr() == ('', f'test_sentences: {name} is 3, which does not exist\n')


def keys_in_the_package():
    """Return the first argument of every SettingError and the `key` of every require_extra, where they are texts."""
    calls = [
        node
        for path in Path(ser_ros.__file__).parent.rglob('*.py')
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.Call)
    ]
    named = [call.args[0] for call in calls if getattr(call.func, 'id', '') == 'SettingError']
    extras = [call for call in calls if getattr(call.func, 'id', '') == 'require_extra']
    named += [keyword.value for call in extras for keyword in call.keywords if keyword.arg == 'key']
    return {value.value for value in named if isinstance(value, ast.Constant)}


def test_each_key_is_a_parameter_of_the_node_and_an_option_of_the_commands(capsys):
    assert keys_in_the_package() == set(OPTIONS)
    assert set(OPTIONS) <= {spec.name for spec in SPECS}
    for command in (annotate, predict):
        with pytest.raises(SystemExit):
            command.main(['--help'])
        assert set(OPTIONS.values()) <= set(capsys.readouterr().out.split())
