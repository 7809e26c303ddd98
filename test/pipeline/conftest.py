# SPDX-License-Identifier: Apache-2.0
"""Pipelines on stand-ins."""

import pytest
from live_line import ANSWER_ALL, CONFIG, Detector, Heard, Recogniser

from ser_ros.pipeline.callbacks import Callbacks
from ser_ros.pipeline.pipeline import Pipeline


@pytest.fixture
def make():
    """Return make(source, recogniser): a pipeline and what it calls back; stopped at the end of the test."""
    pipelines = []

    def build(source, recogniser=None, *, segmentation=CONFIG, gate=None, voices=None, detector=Detector, **callbacks):
        heard = Heard()
        pipeline = Pipeline(
            source=source,
            recogniser=recogniser or Recogniser(),
            segmentation=segmentation,
            callbacks=Callbacks(
                on_estimate=callbacks.get('on_estimate', heard.on_estimate),
                on_speaking=heard.speaking.append,
                on_failure=heard.on_failure,
                on_end=heard.on_end,
                on_reading=heard.readings.append,
                wants_readings=callbacks.get('wants_readings', lambda: False),
            ),
            rejection=ANSWER_ALL,
            gate=gate,
            voices=voices,
            make_detector=detector,
        )
        pipelines.append((pipeline, recogniser))
        return pipeline, heard

    yield build
    for pipeline, recogniser in pipelines:
        if recogniser is not None:
            recogniser.go.set()
        pipeline.stop()
