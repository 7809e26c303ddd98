# SPDX-License-Identifier: Apache-2.0
"""Tells a full disk by the errors of the libraries that write to it."""

import errno

_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota, a file larger than the file system or the user may have."""

_SIGNS = (
    'No space left on device',
    'Disk quota exceeded',
    'File too large',
    'PytorchStreamWriter failed',
    'file write failed',
    'unexpected pos ',
    'iostream error',
)
"""What safetensors, Arrow and torch say, which wrap the system's error into their own."""


def tells_of_a_full_disk(error: BaseException | None) -> bool:
    """Return whether `error`, or what it came from, was a disk without room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _ERRORS:
            return True
        if any(sign in str(error) for sign in _SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False
