# SPDX-License-Identifier: Apache-2.0
"""The protocols for measuring a model; `splits` makes them. Separate, so that `train --help` needs nothing more."""

LEAVE_ONE_CORPUS_OUT = 'leave-one-corpus-out'

PROTOCOLS = {
    'paper': "Gavali and Verma's 80:20 split, stratified by emotion; the same actors are on both sides",
    'speaker-independent': 'six folds (for RAVDESS those of EmoBox), each tested on speakers that did not train',
    'leave-one-speaker-out': 'one fold for each speaker',
    LEAVE_ONE_CORPUS_OUT: 'one fold for each corpus of several: a model of the others is tested on it',
    'full': 'all clips train, none tests',
}
"""Name -> its meaning, as text."""


def fold_name(protocol: str, fold: int, folds: int) -> str:
    """Return the protocol, and the fold (from 1) if it has several."""
    return f'{protocol}, fold {fold} of {folds}' if folds > 1 else protocol
