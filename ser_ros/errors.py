# SPDX-License-Identifier: Apache-2.0
"""The one kind of error that a user can cause and cure."""

import difflib
import textwrap
from collections.abc import Callable, Iterable, Mapping

_LONGEST_REASON = 200
"""Characters."""


class SerError(Exception):
    """Something outside the program is wrong: a file, a device, a model folder, a parameter.

    Its text is one sentence that holds the fact, what was expected, and the cure. Whoever catches it at the
    edge (a console script, the node) prints that sentence instead of a traceback and exits non-zero.
    """


class SettingError(SerError):
    """A setting cannot be as it is, or is the cure; its text calls the setting by its key.

    Attributes:
        key: The node's parameter, as `audio.channel`; whoever calls the setting otherwise, as `--channel`, prints
            `named`.
        sentence: Returns the text for the name of the setting.
    """

    def __init__(self, key: str, sentence: Callable[[str], str]):
        """Take the key and what is to be said."""
        super().__init__(sentence(key))
        self.key = key
        self.sentence = sentence


def named(error: Exception, names: Mapping[str, str]) -> str:
    """Return the text of `error`, with the setting that it speaks of called as `names` (key -> name) has it."""
    if isinstance(error, SettingError) and error.key in names:
        return error.sentence(names[error.key])
    return str(error)


def reason(error: BaseException) -> str:
    """Return what a library's `error` says, to be quoted in a sentence: the first one of its first line, cut if long.

    The name of its type where it says nothing.
    """
    first = str(error).strip().partition('\n')[0].partition('. ')[0].rstrip('.')
    return textwrap.shorten(first, _LONGEST_REASON, placeholder=' ...') or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean '...'?" with the nearest of the `known` words, '' where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ''
