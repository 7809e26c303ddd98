# SPDX-License-Identifier: Apache-2.0
"""How the commands end, and what they call the settings."""

import ast
import getpass
import os
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


PRINTING = """
import sys
from ser_ros.cli.sentences import ends_in_a_sentence

@ends_in_a_sentence
def main():
    print({text!a})
    print(sys.stdout.encoding is not None, file=sys.stderr)
    return 0

sys.exit(main())
"""


def run_printing(line, **options):
    return subprocess.run([sys.executable, '-c', PRINTING.format(text=line)], timeout=60, **options)


@pytest.mark.parametrize('buffered', ['', '1'])
@pytest.mark.parametrize('text', ['a line', 'a line' * 10_000])
def test_an_output_that_is_full_is_told(text, buffered):
    variables = {**os.environ, 'PYTHONUNBUFFERED': buffered}
    with Path('/dev/full').open('w') as full:
        done = run_printing(text, env=variables, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    told = '<string>: what is written here: No space left on device; make room, or give another place\n'
    assert done.stderr.removeprefix('True\n') == told


@pytest.mark.parametrize('closed', ['>&-', '2>&-', '>&- 2>&-'])
def test_a_process_without_streams_does_its_work(closed):
    command = f'exec "$0" -c "$1" {closed}'
    done = subprocess.run(['sh', '-c', command, sys.executable, PRINTING.format(text='радость')], timeout=60)
    assert done.returncode == 0


TEXTS = ['радость', '悲しい', 'ärger', 'غضب', os.fsdecode(b'\xff\xe9.wav'), '\ud800']


@pytest.mark.parametrize('encoding', ['latin-1', 'ascii', 'ascii:strict', 'utf-8', 'cp1252', 'koi8-r', 'utf-16'])
def test_every_text_can_be_printed_on_every_terminal(encoding):
    variables = {**os.environ, 'PYTHONIOENCODING': encoding}
    done = run_printing(' '.join(TEXTS), env=variables, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('language', ['C', 'POSIX', 'xx_XX'])
@pytest.mark.parametrize('mode', [{}, {'PYTHONUTF8': '0', 'PYTHONCOERCECLOCALE': '0'}])
def test_every_text_can_be_printed_in_every_language(language, mode):
    variables = {**os.environ, 'LANG': language, 'LC_ALL': language, **mode}
    done = run_printing(' '.join(TEXTS), env=variables, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_what_the_system_refuses_is_one_sentence(capsys, tmp_path):
    @ends_in_a_sentence
    def main():
        (tmp_path / 'missing').read_text()
        return 0

    assert main() == 1
    assert capsys.readouterr().err == (
        f'test_sentences: {tmp_path / "missing"}: No such file or directory; check the name\n'
    )


def test_a_fault_of_the_program_keeps_its_traceback():
    @ends_in_a_sentence
    def main():
        return {}['missing']

    with pytest.raises(KeyError):
        main()


def test_a_user_whom_the_system_does_not_know_gets_a_name(monkeypatch):
    for variable in ('LOGNAME', 'USER', 'LNAME', 'USERNAME'):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(getpass, 'getuser', lambda: {}['getpwuid(): uid not found'])
    monkeypatch.setenv('LOGNAME', '')  # so that it is put back afterwards
    assert ends_in_a_sentence(lambda: 0)() == 0
    assert os.environ['LOGNAME'] == str(os.getuid())


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
