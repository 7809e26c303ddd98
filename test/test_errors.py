# SPDX-License-Identifier: Apache-2.0
"""That a setting is called by its key, or by the name that the edge has for it; how libraries' errors are quoted."""

import pytest

from ser_ros.errors import SerError, SettingError, named, reason

KEY = 'audio.channel'
ERROR = SettingError(KEY, lambda name: f'audio.channel.wav has 2 channels, so {name} 3 does not exist')


def test_without_another_name_it_is_the_key():
    assert isinstance(ERROR, SerError) and ERROR.key == KEY
    for text in (str(ERROR), named(ERROR, {}), named(ERROR, {'audio.device': '--device'})):
        assert text == 'audio.channel.wav has 2 channels, so audio.channel 3 does not exist'


def test_another_name_stands_where_the_setting_is_meant_and_nowhere_else():
    assert named(ERROR, {KEY: '--channel'}) == 'audio.channel.wav has 2 channels, so --channel 3 does not exist'


def test_other_errors_say_what_they_say():
    for error in (SerError('the file audio.channel is empty'), RuntimeError('audio.channel')):
        assert named(error, {KEY: '--channel'}) == str(error)


@pytest.mark.parametrize(
    ('error', 'text'),
    [
        (ValueError('no such key'), 'no such key'),
        (OSError(' lib.so.12: cannot open it.\nIt was looked for in:\n/lib '), 'lib.so.12: cannot open it'),
        (RuntimeError('It is too old. Update it, or see https://example.org.'), 'It is too old'),
        (KeyError(), 'KeyError'),
        (ValueError('word ' * 100), ('word ' * 39) + '...'),
    ],
)
def test_of_a_librarys_error_the_first_sentence_is_quoted(error, text):
    assert reason(error) == text
