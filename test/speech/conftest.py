# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from ser_ros.audio.file import read_recording
from ser_ros.resources import share_folder

DEMO = share_folder() / 'demo' / 'recording.flac'


@pytest.fixture(scope='session')
def demo_sound():
    return read_recording(DEMO)


@pytest.fixture(scope='session')
def demo_utterances():
    return json.loads(DEMO.with_suffix('.json').read_text())['utterances']
