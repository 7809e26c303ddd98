# SPDX-License-Identifier: Apache-2.0
"""The corpora that `train --data KEY:PATH` knows."""

from ser_ros.training.data.corpora.acted import (
    ASED,
    CREMA_D,
    EMO_DB,
    EMOSPEECH,
    EMOTION_TTS,
    EMOVO,
    ESD,
    JL,
    NEMO,
    RAVDESS,
    SAVEE,
    TESS,
    TUREV,
    URDU,
)
from ser_ros.training.data.corpora.dialogues import IEMOCAP, MELD
from ser_ros.training.data.corpora.scheme import Scheme

_ALL = (
    RAVDESS,
    CREMA_D,
    TESS,
    SAVEE,
    EMO_DB,
    EMOVO,
    NEMO,
    ASED,
    EMOSPEECH,
    IEMOCAP,
    MELD,
    ESD,
    JL,
    EMOTION_TTS,
    URDU,
    TUREV,
)

SCHEMES: dict[str, Scheme] = {scheme.key: scheme for scheme in _ALL}
"""Key -> scheme, in the order in which people are told of them."""
