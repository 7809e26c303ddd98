# SPDX-License-Identifier: Apache-2.0
"""Name and licence of a folder of speech."""

import pytest

from ser_ros.training.data.dataset_card import read_dataset_card


def test_a_card_tells_name_and_licence(tmp_path):
    (tmp_path / 'README.md').write_text('---\npretty_name: Some Speech\nlicense: cc0-1.0\n---\n# Some speech\n')
    assert str(read_dataset_card(tmp_path)) == 'Some Speech (cc0-1.0)'


@pytest.mark.parametrize(
    'text', [None, '# no front matter', '---\nhalf: [', '---\n- a list\n---\n', '---\n', b'\xff\xfe'], ids=repr
)
def test_a_folder_without_a_card_has_its_own_name(tmp_path, text):
    folder = tmp_path / 'speech'
    folder.mkdir()
    if text is not None:
        (folder / 'README.md').write_bytes(text if isinstance(text, bytes) else text.encode())
    assert str(read_dataset_card(folder)) == 'speech (licence not known)'
