# SPDX-License-Identifier: Apache-2.0
"""Where a model's weights come from is read from the folder of its checkpoint, and from nowhere else."""

import json

import pytest

from ser_ros.training.provenance.origins import pretraining_of, trainings_of
from ser_ros.training.storage.json_files import REPORT


@pytest.fixture
def trained(make_report, tmp_path):
    """Return the folder of a model that `train` made."""
    (tmp_path / REPORT).write_text(json.dumps(make_report().to_json()))
    return tmp_path


def test_a_trained_checkpoint_was_trained_as_its_report_says(trained, make_report):
    assert [training.command for training in trainings_of(str(trained))] == [make_report().command]


def test_random_weights_come_from_nowhere_also_where_a_report_lies_about(trained, monkeypatch):
    monkeypatch.chdir(trained)
    assert trainings_of('') == ()
    assert pretraining_of('') is None
