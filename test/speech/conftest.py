# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from ser_ros.resources import share_folder


@pytest.fixture(scope='session')
def demo_utterances():
    return json.loads((share_folder() / 'demo' / 'recording.json').read_text())['utterances']
