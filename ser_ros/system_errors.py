# SPDX-License-Identifier: Apache-2.0
"""Errors of the operating system as sentences: a full disk, a place that may not be entered, too long a name."""

import errno
from collections.abc import Iterator

from ser_ros.errors import SerError, reason

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota, or a file larger than the file system or the user is allowed."""

_SIGNS_OF_FULL = (
    'No space left on device',
    'Disk quota exceeded',
    'File too large',
    'PytorchStreamWriter failed',
    'file write failed',
    'unexpected pos ',
    'iostream error',
    'database or disk is full',
)
"""Messages of safetensors, Arrow, torch and SQLite, which wrap the system's error in their own."""

_ANOTHER_PLACE = 'give another place, or change who may use this one'
_MAKE_ROOM = 'make room, or give another place'

_CURES = {
    errno.EACCES: _ANOTHER_PLACE,
    errno.EPERM: _ANOTHER_PLACE,
    errno.EROFS: 'give a place on a disk that can be written',
    errno.ENAMETOOLONG: 'give a shorter name',
    errno.ENOTDIR: 'what stands before the last / must be a folder',
    errno.EISDIR: 'give a file',
    errno.EEXIST: 'give another name, or remove it',
    errno.ENOTEMPTY: 'give another name, or remove it',
    errno.ENOENT: 'check the name',
    errno.ELOOP: 'mend the links, or give another place',
    errno.EMFILE: 'raise the limit with `ulimit -n`',
    **dict.fromkeys(_FULL, _MAKE_ROOM),
}

_LONGEST_PATH = 160
"""Characters of a path that are quoted."""


def tells_of_a_full_disk(error: BaseException | None) -> bool:
    """Return whether `error`, or its cause, was a full disk."""
    return any(
        (isinstance(cause, OSError) and cause.errno in _FULL) or any(sign in str(cause) for sign in _SIGNS_OF_FULL)
        for cause in _causes(error)
    )


def as_sentence(error: Exception) -> SerError | None:
    """Return what the system refused, as a sentence; None for an error that did not come from the system."""
    if isinstance(error, OSError):
        return refusal(error)
    if tells_of_a_full_disk(error):
        return SerError(f'the disk is full ({reason(error)}); {_MAKE_ROOM}')
    return None


def refusal(error: OSError) -> SerError:
    """Return `error` as a sentence: the place, what the system says, and the cure."""
    # While something is written, be it to the terminal, the system names no file.
    unnamed = 'what is written here: ' if error.errno in _FULL else ''
    where = f'{quoted(error.filename)}: ' if error.filename else unnamed
    return SerError(f'{where}{why(error)}; {_CURES.get(error.errno or 0, "check it, then try again")}')


def why(error: OSError | ValueError) -> str:
    """Return what the system says of `error`, in a few words."""
    return (getattr(error, 'strerror', None) or reason(error)).rstrip('.')


def quoted(path: object) -> str:
    """Return `path` on one line; of a long one the beginning and the end."""
    text = path.decode(errors='backslashreplace') if isinstance(path, bytes) else str(path)
    text = text.replace('\n', '\\n').replace('\0', '\\0')
    half = _LONGEST_PATH // 2
    return text if len(text) <= _LONGEST_PATH else f'{text[:half]}...{text[-half:]}'


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
