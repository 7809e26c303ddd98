# SPDX-License-Identifier: Apache-2.0
"""RAVDESS's official archive, and what its speech clips are called."""

import re

URL = 'https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip?download=1'
"""The official zip of all 1440 speech clips (208 MB, CC BY-NC-SA 4.0)."""

ARCHIVE = 'Audio_Speech_Actors_01-24.zip'
"""Its file name."""

MD5 = 'bc696df654c87fed845eb13823edef8a'
"""Its MD5 sum, as Zenodo's record 1188976 states it."""

_NAME = re.compile(r'03-01(-\d\d){5}')


def is_clip_name(stem: str) -> bool:
    """Return whether a file name without its suffix has the form of an audio-only speech clip."""
    return _NAME.fullmatch(stem) is not None
