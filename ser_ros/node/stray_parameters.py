# SPDX-License-Identifier: Apache-2.0
"""Finds parameters that have no effect: ROS silently ignores unknown names and the sections of other nodes."""

import re
from collections.abc import Iterable
from pathlib import Path

import yaml
from rclpy.node import Node

from ser_ros.errors import did_you_mean

_ANY_NAMES, _ANY_NAME = '**', '*'

_ROS_OWN = 'qos_overrides.'
"""Parameters that ROS declares only when a publisher or subscription asks for them."""


def unknown_parameters(node: Node, known_elsewhere: Iterable[str] = ()) -> list[str]:
    """Return a sentence for each parameter that was given to `node` at its start and that it has not declared.

    Those in `known_elsewhere` belong to another node that reads the same section. Names unlike any declared one may
    belong to other nodes that share the section; they get one sentence together.
    """
    declared = [*node.get_parameters_by_prefix('')]
    # rclpy has no public way to list them, unless it declares them all itself, without their ranges.
    unknown = [
        name
        for name in node._parameter_overrides
        if name not in declared and name not in known_elsewhere and not name.startswith(_ROS_OWN)
    ]
    hints = {name: did_you_mean(name, declared) for name in sorted(unknown)}
    sentences = [f"the parameter '{name}' is not known and has no effect{hint}" for name, hint in hints.items() if hint]
    others = ', '.join(name for name, hint in hints.items() if not hint)
    return sentences + ([f'these parameters are not known here and have no effect: {others}'] if others else [])


def stray_file(path: str | Path, node: str) -> str:
    """Return one sentence if no section of the YAML file `path` is for `node` ('/robot/ser'); '' if one is.

    A file that cannot be read is left for rcl to refuse.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError, yaml.YAMLError):
        return ''
    if not isinstance(content, dict) or not content:
        return f'{path} holds no parameters; give the node {node} or /** a section with ros__parameters'
    sections = list(_sections(content))
    if any(_pattern(section).fullmatch(node) for section in sections):
        return ''
    return (
        f'{path} has parameters for {", ".join(sections) or "no node"} and none for this node, {node}, so none has any '
        f'effect; name its section {node} or /**'
    )


def _sections(content: dict, above: str = '') -> Iterable[str]:
    """Yield the names of nodes that have parameters; namespaces may be keys of their own."""
    for name, below in content.items():
        full = f'{above}/{str(name).strip("/")}'
        if isinstance(below, dict) and 'ros__parameters' in below:
            yield full
        elif isinstance(below, dict):
            yield from _sections(below, full)


def _pattern(section: str) -> re.Pattern:
    """Return the pattern of a section's name: `*` stands for one name, `**` for any number of them."""
    parts = {_ANY_NAMES: '(/[^/]+)*', _ANY_NAME: '/[^/]+'}
    return re.compile(''.join(parts.get(part, f'/{re.escape(part)}') for part in section.strip('/').split('/')))
