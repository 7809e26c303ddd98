# SPDX-License-Identifier: Apache-2.0
"""The one kind of error that a user can cause and cure."""

import difflib
import textwrap
from collections.abc import Callable, Iterable, Mapping

_LONGEST_REASON = 200
"""Characters."""


class SerError(Exception):
    """Something outside the program is wrong: a file, a device, a model folder, a parameter.

    Its text is one sentence with the fact, what was expected, and the cure. The code that catches it at the edge (a
    console script, the node) prints that sentence instead of a traceback and exits non-zero.
    """


class SettingError(SerError):
    """A setting is wrong, or is the cure; the text calls the setting by its key.

    Attributes:
        key: The node's parameter, such as `audio.channel`; code with another name for it, such as `--channel`, prints
            `named`.
        sentence: Returns the text for the name of the setting.
    """

    def __init__(self, key: str, sentence: Callable[[str], str]):
        """Take the key and the sentence."""
        super().__init__(sentence(key))
        self.key = key
        self.sentence = sentence


def named(error: Exception, names: Mapping[str, str]) -> str:
    """Return the text of `error`, with its setting called as in `names` (key -> name)."""
    if isinstance(error, SettingError) and error.key in names:
        return error.sentence(names[error.key])
    return str(error)


def reason(error: BaseException) -> str:
    """Return the text of a library's `error` to quote in a sentence: the first sentence of its first line, cut if long.

    The name of its type if it has no text.
    """
    first = str(error).strip().partition('\n')[0].partition('. ')[0].rstrip('.')
    return textwrap.shorten(first, _LONGEST_REASON, placeholder=' ...') or type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean '...'?" with the nearest of the `known` words, '' if none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ''
