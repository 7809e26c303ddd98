# SPDX-License-Identifier: Apache-2.0
"""The protocols for measuring a model; `splits` makes them. Separate, so that `train --help` needs nothing more."""

PROTOCOLS = {
    'paper': "Gavali and Verma's 80:20 split, stratified by emotion; the same actors are on both sides",
    'speaker-independent': 'six folds (for RAVDESS those of EmoBox), each tested on speakers that did not train',
    'leave-one-speaker-out': 'one fold for each speaker',
    'leave-one-corpus-out': 'one fold for each corpus of several, tested on it by a model of the others',
    'full': 'all clips train, none tests',
}
"""Name -> its meaning, as text."""
