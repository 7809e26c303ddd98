# SPDX-License-Identifier: Apache-2.0
"""Listens to a recorded source from start to end with the node's own pipeline."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from ser_ros.audio.source import AudioSource
from ser_ros.errors import SettingError, named
from ser_ros.pipeline.callbacks import Callbacks
from ser_ros.pipeline.pipeline import Pipeline
from ser_ros.recognition.adapting_classifier import AdaptingClassifier
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.segmenter import SegmentationConfig, Utterance

_PROGRESS_PERIOD = 0.5


@dataclass(frozen=True, eq=False)
class Annotation:
    """What one utterance of a recording sounded like.

    Attributes:
        utterance: Its number, from 1; rejected ones are counted too.
        start_time: Seconds on the clock that stamps the recording; the speech's first sample.
        duration: Seconds of speech.
        published: Seconds on the clock by which the recording arrived; when a node would have answered.
        latency: Seconds from the arrival of the speech's last sample to `published`.
        emotion: The estimate's label, or 'unknown' below the minimum confidence.
    """

    utterance: int
    start_time: float
    duration: float
    published: float
    latency: float
    emotion: str
    estimate: Estimate


def annotate(
    source: AudioSource,
    recogniser: AdaptingClassifier,
    *,
    min_confidence: float,
    on_progress: Callable[[int, int], None],
) -> list[Annotation]:
    """Return what was said in `source`, which must not be live, in the order of time, as a node at its defaults would.

    `on_progress` is called twice a second, by this thread, with the numbers of blocks and utterances so far. A node
    answers `SegmentationConfig.latency` seconds after the speech has ended, and so does `Annotation.published`: the
    model's time is not counted, because it is this machine's and not the robot's. Raises SerError, also if the model
    fails.
    """
    segmentation = SegmentationConfig()
    found: list[Annotation] = []
    failures: list[Exception] = []
    ended = threading.Event()

    def take(utterance: Utterance, estimate: Estimate) -> None:
        recogniser.hear(estimate)
        found.append(
            Annotation(
                utterance=utterance.number,
                start_time=utterance.start_time,
                duration=utterance.duration,
                published=utterance.end_arrival + segmentation.latency,
                latency=segmentation.latency,
                emotion=estimate.emotion(min_confidence),
                estimate=estimate,
            )
        )

    def fail(utterance: Utterance, error: Exception) -> None:
        key = 'model.device'
        place = f'{utterance.start_time:.1f} s'
        failures.append(
            SettingError(
                key,
                lambda name: (
                    f'the model could not answer what is said at {place} ({named(error, {key: name})}); try {name} cpu'
                ),
            )
        )
        ended.set()

    def end(error: Exception | None) -> None:
        if error is not None:
            failures.append(error)
        ended.set()

    pipeline = Pipeline(
        source=source,
        recogniser=recogniser,
        segmentation=segmentation,
        callbacks=Callbacks(on_estimate=take, on_speaking=lambda speaking: None, on_failure=fail, on_end=end),
    )
    pipeline.start()
    try:
        while not ended.wait(_PROGRESS_PERIOD):
            on_progress(pipeline.status().blocks, len(found))
    finally:
        pipeline.stop()
    if failures:
        raise failures[0]
    return found
