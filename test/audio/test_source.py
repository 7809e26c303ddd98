# SPDX-License-Identifier: Apache-2.0
"""That each source keeps the whole promise of `AudioSource`; what a bag's sound is, `annotation` looks after."""

import pytest

from ser_ros.audio.file import FileSource
from ser_ros.audio.microphone import MicrophoneSource
from ser_ros.audio.source import AudioSource
from ser_ros.audio.supervised import SupervisedSource
from ser_ros.audio.topic import TopicSource

PROMISED = {name for name in vars(AudioSource) if not name.startswith('_')}


@pytest.mark.parametrize('kind', [FileSource, MicrophoneSource, SupervisedSource, TopicSource])
def test_nothing_lacks(kind):
    assert {'longest_pause', 'read', 'close'} < PROMISED
    assert PROMISED - set(dir(kind)) == set()
