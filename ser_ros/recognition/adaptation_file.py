# SPDX-License-Identifier: Apache-2.0
"""Keeps what an adaptation has heard in a file: sums over utterances, never sound."""

import io
from pathlib import Path

import numpy as np

from ser_ros.errors import SerError, reason
from ser_ros.files import whole_file
from ser_ros.recognition.adaptation import Adaptation, Heard
from ser_ros.recognition.array_file import read_arrays


def load_heard(path: Path, adaptation: Adaptation) -> str:
    """Let `adaptation` go on from the file `path`; a file that does not exist is nothing heard.

    Return one sentence if the file cannot be used, because it is damaged or of another model; nothing is heard then.
    """
    try:
        arrays = read_arrays(path)
        if str(arrays['model']) != adaptation.prior.fingerprint:
            return f'{path} was heard by another model; nothing of it is used'
        names, utterances, weights, residuals = (
            arrays[name] for name in ('voices', 'utterances', 'weights', 'residuals')
        )
        heard = [
            Heard(int(count), float(weight), row.astype(np.float64))
            for count, weight, row in zip(utterances, weights, residuals, strict=True)
        ]
        is_whole = (
            residuals.shape == (1 + len(names), adaptation.prior.width)
            and bool(np.isfinite(residuals).all())
            and all(one.utterances >= 0 and 0.0 <= one.weight < np.inf for one in heard)
        )
    except FileNotFoundError:
        return ''
    except Exception as error:  # a damaged zip or array can fail anywhere in numpy
        return f'{path} cannot be read ({reason(error)}); nothing of it is used'
    if not is_whole:
        return f'{path} is damaged; nothing of it is used'
    adaptation.restore(heard[0], dict(zip((str(name) for name in names), heard[1:], strict=True)))
    return ''


def store_heard(path: Path, adaptation: Adaptation) -> None:
    """Write what `adaptation` has heard to `path`, whole or not at all. Raises SerError."""
    microphone, voices = adaptation.all_heard()
    rows = [microphone, *voices.values()]
    content = io.BytesIO()
    np.savez(
        content,
        model=np.array(adaptation.prior.fingerprint),
        voices=np.array(list(voices), dtype=np.str_),
        utterances=np.array([heard.utterances for heard in rows]),
        weights=np.array([heard.weight for heard in rows]),
        residuals=np.stack([heard.residuals for heard in rows]),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(content.getvalue())
    except OSError as error:
        raise SerError(
            f'adaptation.file {path} cannot be written ({error.strerror}); '
            'give a file in a folder of your own, or leave it empty to keep nothing'
        ) from None
