# SPDX-License-Identifier: Apache-2.0
"""What the documentation names is there: files, headings, commands and the table of parameters."""

import re
import runpy
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = [ROOT / 'tools' / 'workspace' / f'write_{what}_table.py' for what in ('parameter', 'corpora')]
PAGES = [
    ROOT / 'README.md',
    ROOT / 'CONTRIBUTING.md',
    *sorted((ROOT / 'docs').glob('*.md')),
    *sorted((ROOT / 'models').glob('*/README.md')),
    ROOT / 'tools' / 'README.md',
    *sorted((ROOT / 'train' / 'results').glob('*.md')),
]
BLOCK = re.compile(r'^```.*?^```$', re.DOTALL | re.MULTILINE)


def heading_anchors(page: Path) -> set[str]:
    """Return the names by which GitHub links to the headings of `page`."""
    headings = re.findall(r'^#+ (.*)$', BLOCK.sub('', page.read_text(encoding='utf-8')), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.fixture(params=PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def page(request):
    return request.param


def test_each_link_leads_somewhere(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', BLOCK.sub('', page.read_text(encoding='utf-8'))):
        if target.startswith(('http://', 'https://')):
            continue
        path, _, anchor = target.partition('#')
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in heading_anchors(linked), target


def test_each_command_is_there(page):
    text = page.read_text(encoding='utf-8')
    makefile = (ROOT / 'Makefile').read_text(encoding='utf-8')
    scripts = {entry.name for entry in distribution('ser_ros').entry_points}
    for name in re.findall(r'ros2 run ser_ros ([a-z_]+)', text):
        assert name in scripts, name
    for target in re.findall(r'(?:^|`)make ([a-z-]+)', text, re.MULTILINE):
        assert re.search(rf'^(\S+ )*{target}( \S+)*:', makefile, re.MULTILINE), target
    for tool in re.findall(r'(?<![\w/])tools/[\w/]+\.py', text):
        assert (ROOT / tool).is_file(), tool


def test_each_test_that_the_table_of_bad_input_names_is_there():
    text = (ROOT / 'docs' / 'bad-input.md').read_text(encoding='utf-8')
    named = re.findall(r'`(test_\w+)`', text)
    there = {
        name
        for file in (ROOT / 'test').rglob('test_*.py')
        for name in re.findall(r'^def (test_\w+)', file.read_text(encoding='utf-8'), re.MULTILINE)
    }
    assert len(named) > 50
    assert [name for name in named if name not in there] == []


def test_each_tool_that_the_code_names_is_there():
    for source in [path for folder in ('ser_ros', 'tools') for path in (ROOT / folder).rglob('*.py')]:
        for tool in re.findall(r'tools/[\w/]+\.py', source.read_text(encoding='utf-8')):
            assert (ROOT / tool).is_file(), f'{source.relative_to(ROOT)}: {tool}'


def test_the_readme_is_short():
    assert len((ROOT / 'README.md').read_text(encoding='utf-8').splitlines()) <= 120


@pytest.mark.parametrize('tool', TABLES, ids=lambda tool: tool.stem)
def test_each_table_is_that_of_the_code(tool):
    written = runpy.run_path(str(tool))
    page = written['PAGE'].read_text(encoding='utf-8')
    assert written['_TABLE'].search(page)
    assert written['with_table'](page) == page
