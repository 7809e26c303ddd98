# SPDX-License-Identifier: Apache-2.0
"""Makes file permissions count for root too, as on a machine where tests do not run as root."""

import contextlib
import ctypes
import os
from collections.abc import Iterator

_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


class _Header(ctypes.Structure):
    _fields_ = [('version', ctypes.c_uint32), ('pid', ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ('effective', 'permitted', 'inheritable')]


@contextlib.contextmanager
def permissions_count() -> Iterator[None]:
    """Within this context the current thread may only do what the permissions of files and folders allow."""
    if os.geteuid() != 0:
        yield
        return
    header, data = _Header(_VERSION, 0), (_Data * 2)()
    system = ctypes.CDLL(None)
    assert system.capget(ctypes.byref(header), data) == 0
    before = data[0].effective
    data[0].effective = before & ~_OVERRIDES
    assert system.capset(ctypes.byref(header), data) == 0
    try:
        yield
    finally:
        data[0].effective = before
        assert system.capset(ctypes.byref(header), data) == 0
