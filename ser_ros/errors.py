# SPDX-License-Identifier: Apache-2.0
"""The one kind of error that a user can cause and cure."""


class SerError(Exception):
    """Something outside the program is wrong: a file, a device, a model folder, a parameter.

    Its text is one sentence that holds the fact, what was expected, and the cure. Whoever catches it at the
    edge (a console script, the node) prints that sentence instead of a traceback and exits non-zero.
    """
