# SPDX-License-Identifier: Apache-2.0
"""Keeps transformers from writing more than a training should show."""

import transformers


def quiet_transformers() -> None:
    """Restrict transformers' console output to errors and the Trainer's own progress bar."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
