# SPDX-License-Identifier: Apache-2.0
"""What is measured, by name."""

HEARINGS = {'whole_clip': 'whole clips', 'utterance': 'utterances as the node cuts them'}
"""The two ways of hearing test clips -> heading."""

MEASURES = {
    'accuracy': 'accuracy',
    'unweighted_recall': 'unweighted recall',
    'macro_f1': 'macro F1',
    'calibration_error': 'calibration error',
}
"""Field of Figures -> name."""

ORDINARY_CALLED_EMOTION = 'ordinary called an emotion'
"""Name of what unweighted recall hides of a stream: how much plain speech is answered with a strong emotion."""

ALL_LABELS = 'of all labels, adapting'
"""Name of the unweighted recall if nothing limits the answer to the labels of the corpus."""

CONDITION_MEASURES = ('accuracy', 'unweighted_recall')
"""Those of MEASURES that are reported for each condition."""

STREAM_MEASURES = (
    'unweighted_recall',
    'calibration_error',
    'plain_unweighted_recall',
    'plain_calibration_error',
)
"""Measures that every stream of utterances has, with adaptation and without it."""
