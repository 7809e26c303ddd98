# SPDX-License-Identifier: Apache-2.0
"""What a training shows while it runs."""

import transformers


def quiet_transformers() -> None:
    """Restrict transformers' console output to errors and the Trainer's own progress bar."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
