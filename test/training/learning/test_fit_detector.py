# SPDX-License-Identifier: Apache-2.0
"""What tells sounds that are no speech from speech."""

import numpy as np

from ser_ros.training.learning.fit_detector import fit_detector

WIDTH = 8


def test_few_outliers_among_much_speech_are_found():
    draw = np.random.default_rng(0)
    scales = 10.0 ** np.arange(WIDTH) / 1e4  # of dimensions that differ as much as those of encoders may
    speech, others = (draw.normal(size=(1000, WIDTH)) * scales for _ in range(2))
    apart = 5.0 * scales
    laughs, more = (draw.normal(size=(count, WIDTH)) * scales + apart for count in (30, 200))
    detector = fit_detector(speech, laughs)
    assert np.mean([detector.is_outlier(state) for state in more]) > 0.95
    assert np.mean([detector.is_outlier(state) for state in others]) < 0.02


def test_what_may_be_either_is_speech():
    draw = np.random.default_rng(0)
    speech, laughs = (draw.normal(size=(2000, 1)) + apart for apart in (0.0, 4.0))
    detector = fit_detector(speech, laughs)
    assert not detector.is_outlier(np.float32([2.0]))
    assert detector.is_outlier(np.float32([6.0]))
