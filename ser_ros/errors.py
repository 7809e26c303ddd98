# SPDX-License-Identifier: Apache-2.0
"""The one kind of error that a user can cause and cure."""

import difflib
from collections.abc import Iterable


class SerError(Exception):
    """Something outside the program is wrong: a file, a device, a model folder, a parameter.

    Its text is one sentence that holds the fact, what was expected, and the cure. Whoever catches it at the
    edge (a console script, the node) prints that sentence instead of a traceback and exits non-zero.
    """


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean '...'?" with the nearest of the `known` words, '' where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ''
