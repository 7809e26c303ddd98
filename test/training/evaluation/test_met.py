# SPDX-License-Identifier: Apache-2.0
"""People who are met again have said something before."""

from pathlib import Path

from ser_ros.training.data.clip import Clip
from ser_ros.training.evaluation.met import met_clips


def clip(name, speaker):
    return Clip(Path(f'{name}.wav'), name, 'happy', speaker=speaker)


def test_of_each_voice_that_is_tested_the_first_clips_that_trained():
    trained = [clip(f'{speaker}{number}', speaker) for number in range(60) for speaker in ('ann', 'bob', None)]
    met = met_clips([clip('new', 'ann'), clip('other', None)], trained)
    assert [one.name for one in met] == [f'ann{number}' for number in range(50)]
