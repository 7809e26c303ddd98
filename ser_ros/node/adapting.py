# SPDX-License-Identifier: Apache-2.0
"""What a configured node has got used to: the service `~/forget`, and the file that keeps it."""

import threading
import time

from rclpy.lifecycle import LifecycleNode
from std_srvs.srv import Trigger

from ser_ros.errors import SerError
from ser_ros.node.settings import AdaptationParameters
from ser_ros.places import expanded
from ser_ros.recognition.adaptation_file import load_heard, store_heard
from ser_ros.recognition.adapting_classifier import AdaptingClassifier
from ser_ros.recognition.classifier import Classifier
from ser_ros.recognition.estimate import Estimate

_STORE_PERIOD = 30.0
"""Seconds between writes of the file, so that a node that is killed has lost little."""


class NodeAdaptation:
    """The adapting classifier of one node; lives as long as the node is configured.

    Attributes:
        recogniser: Answers for the pipeline.
    """

    def __init__(self, node: LifecycleNode, settings: AdaptationParameters, classifier: Classifier):
        """Create the service, and go on from the file. Raises SerError if it cannot be written."""
        self._node = node
        self._file = expanded(settings.file) if settings.file else None
        self._stored = time.monotonic()
        # The recogniser's thread stores what it heard, the executor's what it was asked to forget.
        self._storing = threading.Lock()
        self.recogniser = AdaptingClassifier(classifier, settings.config)
        self._adaptation = self.recogniser.adaptation
        if self._adaptation is None:
            if settings.config.enabled:
                node.get_logger().info(
                    f"the model '{classifier.name}' cannot adapt, because its folder has no adaptation.npz"
                )
        elif self._file is not None:
            problem = load_heard(self._file, self._adaptation)
            if problem:
                node.get_logger().warning(problem)
            store_heard(self._file, self._adaptation)
        self._service = node.create_service(Trigger, '~/forget', self._on_forget)

    @property
    def state(self) -> str:
        """In words, for diagnostics."""
        if self._adaptation is None:
            return 'not possible: the model folder has no adaptation.npz'
        microphone, voices = self._adaptation.all_heard()
        if not self._adaptation.config.enabled:
            return 'off'
        expected = self._adaptation.config.ordinary_share
        return (
            f'{microphone.utterances} utterance(s) heard, {len(voices)} voice(s) known by name, '
            f'ordinary speech expected in {expected:.0%}'
        )

    def configure(self, settings: AdaptationParameters) -> None:
        """Use `settings` from the next utterance on."""
        if self._adaptation is not None:
            self._adaptation.configure(settings.config)

    def hear(self, estimate: Estimate) -> None:
        """Learn from a final utterance that was published."""
        self.recogniser.hear(estimate)
        if time.monotonic() - self._stored > _STORE_PERIOD:
            self.store()

    def store(self) -> str:
        """Write the file, if there is one; return and log one sentence if that fails, and go on."""
        self._stored = time.monotonic()
        if self._file is None or self._adaptation is None:
            return ''
        try:
            with self._storing:
                store_heard(self._file, self._adaptation)
        except SerError as error:
            self._node.get_logger().error(str(error))
            return str(error)
        return ''

    def destroy(self) -> None:
        """Write the file, and take the service off the node."""
        self.store()
        self._node.destroy_service(self._service)

    def _on_forget(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        problem = self.state
        if self._adaptation is not None:
            self._adaptation.forget()
            problem = self.store()
        response.success = not problem
        response.message = problem or 'nothing heard is remembered'
        self._node.get_logger().info(response.message)
        return response
