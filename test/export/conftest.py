# SPDX-License-Identifier: Apache-2.0
"""Real speech to check on, and one optimised model for all who only look at it."""

import shutil
from types import SimpleNamespace

import pytest

from ser_ros.export import build as module
from ser_ros.export import shared_weights
from ser_ros.export.clips import clips_of_demo


@pytest.fixture(scope='session')
def clips():
    """Return a few utterances of the demo's recording."""
    return clips_of_demo()[:8]


@pytest.fixture(scope='session')
def optimise(models, tmp_path_factory, clips, export_once):
    """Return optimise(family, precision): folder and what was built, once for each."""
    made = {}

    def get(family, precision='float32'):
        if (family, precision) not in made:
            folder = tmp_path_factory.mktemp(precision) / family
            shutil.copytree(models / family, folder)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(module, 'export', export_once)
                # Which of the weights of so small networks are worth sharing.
                patch.setattr(shared_weights, '_SMALLEST', 256)
                built = module.build(folder, clips, precision=precision)
            made[family, precision] = SimpleNamespace(folder=folder, built=built)
        return made[family, precision]

    return get
