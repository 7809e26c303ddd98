# SPDX-License-Identifier: Apache-2.0
"""Which node is followed, and what its topics are called."""

import re
from dataclasses import dataclass

from ser_ros.errors import SerError

_NAME = re.compile(r'/?([A-Za-z_][A-Za-z0-9_]*/)*[A-Za-z_][A-Za-z0-9_]*')
"""Of a node, with its namespace (https://design.ros2.org/articles/topic_and_service_names.html)."""


@dataclass(frozen=True)
class Followed:
    """A node by its full name, such as `/robot/ser`."""

    name: str

    @classmethod
    def named(cls, name: str) -> 'Followed':
        """Return the node `name`, with or without its first slash. Raises SerError."""
        if not _NAME.fullmatch(name):
            raise SerError(
                f'{name!r} is not the name of a node: letters, digits and _, and / between namespaces; '
                'give one such as ser or robot/ser, as `ros2 node list` shows it'
            )
        return cls(f'/{name.lstrip("/")}')

    @property
    def namespace(self) -> str:
        """Its namespace with a slash at the end, `/` for none: what its relative names begin with."""
        return self.name.rpartition('/')[0] + '/'

    @property
    def diagnostics(self) -> tuple[str, ...]:
        """Its topic, and the one to which it is remapped where one aggregator serves several namespaces."""
        return tuple(dict.fromkeys((f'{self.namespace}diagnostics', '/diagnostics')))

    @property
    def status_prefix(self) -> str:
        """What the names of its entries in diagnostics begin with."""
        return f'{self.name.lstrip("/")}: ser_ros: '
