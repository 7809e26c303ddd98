# SPDX-License-Identifier: Apache-2.0
"""Writes the table of the node's parameters in docs/node.md from their declarations in ser_ros/node/parameters.py.

Needs the built workspace: `. ./env.bash && python tools/workspace/write_parameter_table.py`.
"""

import argparse
import re
from pathlib import Path

from ser_ros.node.parameter_spec import ParameterSpec
from ser_ros.node.parameters import SPECS

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'node.md'
_TABLE = re.compile(r'(?<=<!-- parameters of ser_node -->\n).*?(?=\n\\\*)', re.DOTALL)


def main() -> None:
    """Write the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(with_table(PAGE.read_text(encoding='utf-8')), encoding='utf-8')


def with_table(page: str) -> str:
    """Return `page` with the present table below its mark."""
    lines = ['| parameter | default | range | meaning |', '|---|---|---|---|', *map(_row, SPECS)]
    table = '\n'.join(lines)
    return _TABLE.sub(lambda _: f'\n{table}\n', page)


def _row(spec: ParameterSpec) -> str:
    default = str(spec.default).lower() if isinstance(spec.default, bool) else spec.default
    shown = repr(default) if default == '' else default
    star = ' *' if spec.live else ''
    return f'| `{spec.name}`{star} | `{shown}` | {_range(spec)} | {spec.description} |'


def _range(spec: ParameterSpec) -> str:
    if spec.minimum is not None:
        return f'{spec.minimum}..{spec.maximum}'
    if spec.rule:
        return spec.rule.words
    return '`' + spec.pattern.replace('|', '\\|') + '`' if spec.pattern else ''


if __name__ == '__main__':
    main()
