# SPDX-License-Identifier: Apache-2.0
"""Reports many faults of the same input together, so that they can be cured together."""

from collections.abc import Sequence

from ser_ros.errors import SerError

_MOST_LISTED = 20


def refuse_together(headline: str, problems: Sequence[str]) -> None:
    """Raise a SerError that lists `problems` below `headline`, a single one after it; do nothing if there are none.

    Args:
        headline: What is wrong and what to do, without a full stop.
        problems: One line for each fault.
    """
    if len(problems) == 1:
        raise SerError(f'{headline}: {problems[0]}')
    if problems:
        listed = [f'  {problem}' for problem in problems[:_MOST_LISTED]]
        more = len(problems) - len(listed)
        raise SerError('\n'.join([f'{headline}:', *listed, *([f'  and {more} more'] if more else [])]))
