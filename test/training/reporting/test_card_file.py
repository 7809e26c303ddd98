# SPDX-License-Identifier: Apache-2.0
"""Each command replaces its own part of a card and nothing else."""

import pytest

from ser_ros.training.reporting.card_file import OPTIMISED, TRAINED, put_part

FRONT_MATTER = '---\nlicense: other\n---'


def test_parts_are_replaced_and_what_lies_around_them_stays(tmp_path):
    card = tmp_path / 'README.md'
    put_part(tmp_path, TRAINED, f'{FRONT_MATTER}\n\n# model 1\n')
    card.write_text(card.read_text() + '\nMine, between.\n')
    put_part(tmp_path, OPTIMISED, '## fast 1')
    card.write_text(card.read_text() + '\nMine, below.\n')
    for number in (2, 3):
        put_part(tmp_path, TRAINED, f'{FRONT_MATTER}\n\n# model {number}\n')
        put_part(tmp_path, OPTIMISED, f'## fast {number}')
    assert card.read_text() == '\n\n'.join(
        [
            *(FRONT_MATTER, '# model 3', TRAINED.ends, 'Mine, between.'),
            *(OPTIMISED.begins, '## fast 3', OPTIMISED.ends, 'Mine, below.\n'),
        ]
    )
    assert [path.name for path in tmp_path.iterdir()] == ['README.md']


@pytest.mark.parametrize('order', [(TRAINED, OPTIMISED), (OPTIMISED, TRAINED)])
def test_a_card_without_the_part_keeps_all_it_has(tmp_path, order):
    (tmp_path / 'README.md').write_bytes(b'# m\xefne\n')
    for part in order:
        put_part(tmp_path, part, 'text')
    told = (tmp_path / 'README.md').read_bytes()
    assert told.startswith(b'text\n') and told.count(b'# m\xefne') == 1 and told.count(b'text') == 2
