# SPDX-License-Identifier: Apache-2.0
"""The tool that makes the verifier's weights, on clouds of chance and on made sound."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_ros.audio.file import read_recording
from ser_ros.resources import share_folder
from ser_ros.speech.verifier import logits

TOOLS = Path(__file__).resolve().parents[2] / 'tools' / 'measuring'


@pytest.fixture
def tool(monkeypatch):
    """Return tools/measuring/make_verifier.py as a module that learns from little, quickly."""
    monkeypatch.syspath_prepend(TOOLS)
    module = importlib.import_module('make_verifier')
    yield module
    for name in ('make_verifier', 'heard_sound', 'made_noise'):
        sys.modules.pop(name, None)


def clouds(tool, rng: np.random.Generator, centre: float, count: int = 60) -> list:
    x = rng.standard_normal((count, 258)).astype(np.float32) + np.float32(centre)
    return [tool.Example('cloud', f'{index}', 'as it is', row) for index, row in enumerate(x)]


@pytest.mark.filterwarnings('ignore::sklearn.exceptions.ConvergenceWarning')
def test_the_weights_are_those_of_the_networks(tool, monkeypatch):
    monkeypatch.setattr(tool, 'EXAMPLES', 100)
    monkeypatch.setattr(tool, 'PASSES', 10)
    rng = np.random.default_rng(0)
    speech, noise = clouds(tool, rng, 0.3), clouds(tool, rng, -0.3)
    networks = []

    make = tool.MLPClassifier

    def kept(*args, **kwargs):
        networks.append(make(*args, **kwargs))
        return networks[-1]

    monkeypatch.setattr(tool, 'MLPClassifier', kept)
    weights = tool.fit(speech, noise)
    x = np.stack([example.features for example in [*speech, *noise]])
    log_odds = [np.diff(n.predict_log_proba((x - weights['mean']) / weights['deviation']))[:, 0] for n in networks]
    assert len(networks) == tool.NETWORKS
    np.testing.assert_allclose(logits(weights, x), np.mean(log_odds, axis=0), atol=1e-3)
    assert np.all(logits(weights, x[: len(speech)]) > 0.0)


def test_what_is_cut_out_of_a_recording_becomes_examples(tool, tmp_path, made_sound, monkeypatch):
    monkeypatch.setattr(tool, 'shrieked', lambda sound, rng: -sound)
    speech = read_recording(share_folder() / 'demo' / 'recording.flac')[:48_000]
    (tmp_path / 'speech' / 'demo').mkdir(parents=True)
    for name in ('a', 'silence'):
        sound = made_sound('silence', 1.0) if name == 'silence' else speech
        soundfile.write(tmp_path / 'speech' / 'demo' / f'{name}.wav', sound, 16_000)
    (tmp_path / 'speech' / 'demo' / 'notes.txt').write_text('no sound')
    files = sorted((tmp_path / 'speech' / 'demo').iterdir())
    found = [example for path in files for example in tool._utterances(path, tmp_path / 'speech')]
    assert {(example.collection, example.recording) for example in found} == {('demo', 'a.wav')}
    assert {'as it is', 'in a scene', 'in another'} <= {example.heard for example in found}
    assert all(example.features.shape == (258,) for example in found)
    again = [example for path in files for example in tool._utterances(path, tmp_path / 'speech')]
    np.testing.assert_array_equal([e.features for e in found], [e.features for e in again])


def test_a_recording_is_rejected_where_all_that_was_cut_out_of_it_is(tool, capsys):
    found = [tool.Example('dogs', name, 'as it is', np.zeros(258, np.float32)) for name in ('a', 'a', 'b', 'c')]
    tool.print_rows(found, np.array([True, False, True, True]))
    assert '| dogs | 2 of 3 | 0 of 0 |' in capsys.readouterr().out
