# SPDX-License-Identifier: Apache-2.0
"""What a model card says about the model's optimised form: how fast it answers."""

from collections.abc import Mapping
from pathlib import Path

from ser_ros.export.build import Built
from ser_ros.training.reporting.card_file import CARD, OPTIMISED, put_part
from ser_ros.training.reporting.markdown import megabytes, percent, table


def put_speed_section(folder: Path, built: Built, machine: Mapping[str, str], command: str) -> None:
    """Write the measurements into the card of the model `folder`, if it has one, replacing earlier ones.

    Args:
        folder: Of the model.
        built: The measurements.
        machine: 'CPU' and 'software', on which it was measured.
        command: How to repeat it.
    """
    if (folder / CARD).is_file():
        put_part(folder, OPTIMISED, '\n'.join(_section(built, machine, command)))


def _section(built: Built, machine: Mapping[str, str], command: str) -> list[str]:
    rows = [
        [
            candidate.name,
            str(candidate.threads or 'all cores'),
            f'{candidate.milliseconds:.1f} ms',
            ('+' if candidate.agreement else '') + megabytes(candidate.megabytes),
            *(
                [
                    f'{percent(candidate.agreement.labels_equal)} of {candidate.agreement.clips}',
                    f'{candidate.agreement.largest_difference:.3f}',
                ]
                if candidate.agreement
                else ['', '']
            ),
        ]
        for candidate in built.candidates
    ]
    header = ['form', 'threads', 'one utterance of 3 s takes', 'on disk']
    return [
        '## How fast it answers',
        '',
        *table([*header, 'labels equal to those of torch', 'largest difference of a probability'], rows),
        '',
        (
            f'The form {built.form.precision} is in `optimized/`; it takes the weights that it shares with the model '
            f"from the model's own files, and + is what a form adds to them. Medians, all forms in turns; CPU "
            f'{machine["CPU"]}; {machine["software"]}.'
        ),
        '',
        '```',
        command,
        '```',
    ]
