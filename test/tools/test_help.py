# SPDX-License-Identifier: Apache-2.0
"""Each tool that is a program explains itself, and tools/README.md names every file."""

import runpy
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
FILES = sorted(path for folder in ('measuring', 'workspace') for path in (TOOLS / folder).glob('*.py'))
PROGRAMS = [path for path in FILES if "if __name__ == '__main__':" in path.read_text(encoding='utf-8')]


@pytest.mark.slow  # imports torch and scikit-learn
@pytest.mark.parametrize('program', PROGRAMS, ids=lambda path: path.stem)
def test_it_has_help(program, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', [str(program), '--help'])
    monkeypatch.syspath_prepend(program.parent)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(program), run_name='__main__')
    for path in FILES:
        sys.modules.pop(path.stem, None)
    assert ended.value.code == 0
    assert f'usage: {program.name}' in capsys.readouterr().out


def test_the_readme_names_every_tool():
    readme = (TOOLS / 'README.md').read_text(encoding='utf-8')
    assert [path.name for path in FILES if f'`{path.name}`' not in readme] == []
