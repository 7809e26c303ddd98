# SPDX-License-Identifier: Apache-2.0
"""What the node holds in each state of its lifecycle, and how it gets from one state to the next."""

import contextlib
import dataclasses
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from rclpy.lifecycle import LifecycleNode

from ser_ros.errors import SerError
from ser_ros.node.adapting import NodeAdaptation
from ser_ros.node.audio_input import AudioInput
from ser_ros.node.emotion_publisher import EmotionPublisher
from ser_ros.node.hearing_publisher import HearingPublisher
from ser_ros.node.recorder import Recorder
from ser_ros.node.settings import SerParameters
from ser_ros.node.subjects import NodeStatus
from ser_ros.node.whereabouts import Whereabouts
from ser_ros.pipeline.callbacks import Callbacks
from ser_ros.pipeline.gate import Gate
from ser_ros.pipeline.pipeline import Pipeline
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.estimate import Estimate
from ser_ros.recognition.models import find_model
from ser_ros.speech.segmenter import Utterance


@dataclass(frozen=True)
class Unconfigured:
    """Nothing is loaded."""

    def apply(self, settings: SerParameters) -> None:
        """Nothing to change."""

    def describe(self, status: NodeStatus) -> NodeStatus:
        """Return `status` as it is."""
        return status


@dataclass(frozen=True)
class Configured:
    """The model is loaded and the source is open, but the node is not listening."""

    node: LifecycleNode
    classifier: Classifier
    audio: AudioInput
    publisher: EmotionPublisher
    hearing: HearingPublisher
    adaptation: NodeAdaptation
    whereabouts: Whereabouts

    @classmethod
    def load(cls, node: LifecycleNode, settings: SerParameters, clock: Callable[[], float]) -> 'Configured':
        """Open the source, load the model and warm it up, and create the publishers; nothing stays open if one fails.

        `clock` returns the seconds with which sound is stamped. Raises SerError.
        """
        started = time.monotonic()
        audio = AudioInput(node, settings.audio, clock)
        with contextlib.ExitStack() as opened:
            opened.callback(audio.close)
            audio.source.open()
            folder = find_model(settings.model_path)
            node.get_logger().info(f'loading the model {folder}')
            device, backend = settings.model_device, settings.model_backend
            classifier = Classifier.load(folder, device, backend, chosen_labels=settings.chosen_labels)
            adaptation = NodeAdaptation(node, settings.adaptation, classifier)
            opened.callback(adaptation.destroy)
            publisher = EmotionPublisher(node, settings, classifier.name, classifier.labels)
            opened.callback(publisher.destroy)
            hearing = HearingPublisher(node, settings.audio.frame_id)
            opened.callback(hearing.destroy)
            whereabouts = Whereabouts(node, settings, publisher.own_voice)
            opened.pop_all()
        node.get_logger().info(
            f"ready in {time.monotonic() - started:.1f} s: model '{classifier.name}' on "
            f'{classifier.device} by {classifier.backend}, {audio.source.description}'
        )
        return cls(node, classifier, audio, publisher, hearing, adaptation, whereabouts)

    def activate(self, settings: SerParameters, gate: Gate, on_end: Callable[[], None]) -> 'Active':
        """Listen and publish, and record if enabled; any thread may call `on_end`. Raises SerError."""
        recorder = None
        if settings.record.directory:
            recorder = Recorder(settings.record.directory, settings.record.max_megabytes)
            self.node.get_logger().warning(recorder.warning or recorder.problem)
        end: Future[None] = Future()

        def publish_and_record(utterance: Utterance, estimate: Estimate) -> None:
            self.publisher.publish_estimate(utterance, estimate, self.whereabouts.direction_of(utterance))
            if utterance.is_final:
                self.adaptation.hear(estimate)
            if recorder is not None:
                recorder.add(utterance, estimate)

        def note_end(error: Exception | None) -> None:
            if error is None:
                end.set_result(None)
            else:
                end.set_exception(error)
            on_end()

        pipeline = Pipeline(
            source=self.audio.source,
            recogniser=self.adaptation.recogniser,
            segmentation=settings.segmentation,
            rejection=settings.rejection,
            gate=gate,
            voices=self.whereabouts.voices,
            callbacks=Callbacks(
                on_estimate=publish_and_record,
                on_speaking=self.publisher.publish_speaking,
                on_failure=self._log_failure,
                on_end=note_end,
                on_reading=self.hearing.publish,
                wants_readings=self.hearing.is_wanted,
            ),
        )
        self.publisher.activate()
        try:
            pipeline.start()
        except SerError:
            self.publisher.deactivate()
            raise
        return Active(self, pipeline, recorder, end)

    def apply(self, settings: SerParameters) -> None:
        """Apply those of `settings` that may change while configured."""
        self.publisher.configure(settings)
        self.adaptation.configure(settings.adaptation)
        self.whereabouts.configure(settings)

    def describe(self, status: NodeStatus) -> NodeStatus:
        """Return `status` with the source, the model and the last messages filled in."""
        source, classifier, publisher = self.audio.source, self.classifier, self.publisher
        return dataclasses.replace(
            status,
            source=source.description,
            problem=source.problem,
            remark=self.audio.remark,
            live=source.live,
            model=classifier.name,
            device=classifier.device,
            backend=classifier.backend,
            degraded=classifier.degraded,
            adaptation=self.adaptation.state,
            whereabouts_problem=self.whereabouts.problem,
            last_emotion=publisher.last_emotion,
            latencies=publisher.latencies,
            inference_times=publisher.inference_times,
        )

    def release(self) -> Unconfigured:
        """Close the source, destroy the publishers, keep what was heard and free the model."""
        self.audio.close()
        self.adaptation.destroy()
        self.whereabouts.destroy()
        self.publisher.destroy()
        self.hearing.destroy()
        return Unconfigured()

    def _log_failure(self, utterance: Utterance, error: Exception) -> None:
        self.node.get_logger().error(f'utterance {utterance.number} got no answer: {error}')
        if not isinstance(error, SerError):
            self.node.get_logger().error(''.join(traceback.format_exception(error)))


@dataclass(frozen=True)
class Active:
    """A configured node that listens.

    Attributes:
        recorder: None if nothing is to be recorded.
        end: Done when the pipeline has ended by itself, with the error if listening failed.
    """

    configured: Configured
    pipeline: Pipeline
    recorder: Recorder | None
    end: Future[None]

    def deactivate(self) -> Configured:
        """Stop listening and publish that no one is speaking; a source that does not stop is abandoned."""
        configured = self.configured
        if not self.pipeline.stop():
            configured.node.get_logger().error(
                f'{configured.audio.source.description} does not stop; it is abandoned and opened again'
            )
            configured = dataclasses.replace(configured, audio=configured.audio.replace_stuck())
        configured.publisher.deactivate()
        configured.adaptation.store()
        return configured

    def apply(self, settings: SerParameters) -> None:
        """Apply those of `settings` that may change while active."""
        self.configured.apply(settings)
        self.pipeline.configure(settings.segmentation, settings.rejection)

    def describe(self, status: NodeStatus) -> NodeStatus:
        """Return `status` with the configured node, the pipeline and the recording filled in."""
        return dataclasses.replace(
            self.configured.describe(status),
            pipeline=self.pipeline.status(),
            recording=self.recorder.warning if self.recorder is not None else '',
            recording_problem=self.recorder.problem if self.recorder is not None else '',
        )


State = Unconfigured | Configured | Active
"""What the node holds now."""
