# SPDX-License-Identifier: Apache-2.0
"""What libraries take for granted of a process and may lack: streams that print every text, a user with a name."""

import getpass
import os
import sys
from pathlib import Path


def make_printable() -> None:
    """Let both streams print every text, and take what a process without them prints.

    Labels and file names may be of any script, and the bytes of a file name no text at all.
    """
    for name in ('stdout', 'stderr'):
        stream = getattr(sys, name)
        if stream is None:
            # Closed by whoever started the process.
            setattr(sys, name, Path(os.devnull).open('w', encoding='utf-8'))  # noqa: SIM115 - open to its end
        elif hasattr(stream, 'reconfigure'):
            stream.reconfigure(errors='backslashreplace')


def name_the_user() -> None:
    """Give a user whom the system does not know, as in a container, its number as a name: torch asks for one."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ['LOGNAME'] = str(os.getuid())
