# SPDX-License-Identifier: Apache-2.0
"""The lifecycle node `ser`."""

import math
import time
import traceback

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State as LifecycleState
from rcl_interfaces.msg import SetParametersResult
from rclpy.duration import Duration
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.lifecycle import LifecycleState as State
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from std_msgs.msg import Bool

from ser_msgs.msg import Emotion
from ser_ros.audio.file import FileSource
from ser_ros.audio.microphone import MicrophoneSource
from ser_ros.audio.source import AudioSource
from ser_ros.errors import SerError
from ser_ros.node.diagnostics import NodeStatus, to_diagnostics
from ser_ros.node.messages import seconds, to_message
from ser_ros.node.parameters import (
    SerParameters,
    check_parameter,
    declare_parameters,
    read_parameters,
    takes_effect_at_once,
)
from ser_ros.pipeline import Pipeline
from ser_ros.recognition.estimate import Estimate
from ser_ros.recognition.models import find_model
from ser_ros.speech.segmenter import Utterance

RCLError = rclpy_implementation.RCLError

_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
_DIAGNOSTICS_PERIOD = 1.0
_LAST_WORDS_TIMEOUT = Duration(seconds=2)


class SerNode(LifecycleNode):
    """Publishes the emotion of every utterance on `emotion`, and how the node is on `diagnostics`.

    configure loads the model and opens the source, activate listens, deactivate lets the source go, cleanup frees
    the model. All ROS calls but the publishing of emotions are made by the executor's thread.
    """

    def __init__(self, **node_options):
        """Declare the parameters; `node_options` are those of rclpy's Node. Raises SerError for bad values."""
        super().__init__('ser', **node_options)
        declare_parameters(self)
        self._settings = read_parameters(self)
        self._classifier = None
        self._source: AudioSource | None = None
        self._pipeline: Pipeline | None = None
        self._emotions = None
        self._last_emotion = ''
        self._last_latency: float | None = None
        self._muted_until = 0.0
        self._error = ''
        self._pipeline_end: Exception | None = None
        self.finished = Future()
        """Done, with the exit code, when the node has nothing more to do."""
        self._diagnostics = self.create_publisher(DiagnosticArray, 'diagnostics', _QOS)
        self.create_timer(_DIAGNOSTICS_PERIOD, self._publish_diagnostics)
        self.create_subscription(Bool, 'robot_speaking', self._on_robot_speaking, _QOS)
        self._pipeline_ended = self.create_guard_condition(self._on_pipeline_ended)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._service_change_state.callback = self._refusing_impossible(self._service_change_state.callback)

    @property
    def autostart(self) -> bool:
        """Whether to come up without a lifecycle manager."""
        return self._settings.autostart

    def bring_up(self) -> bool:
        """Configure and activate; return whether both succeeded."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def on_configure(self, state: State) -> TransitionCallbackReturn:
        """Load the model, warm it up, and open the source."""
        return self._attempt(self._configure)

    def on_activate(self, state: State) -> TransitionCallbackReturn:
        """Listen and publish."""
        super().on_activate(state)
        result = self._attempt(self._activate)
        if result != TransitionCallbackReturn.SUCCESS:
            super().on_deactivate(state)
        return result

    def on_deactivate(self, state: State) -> TransitionCallbackReturn:
        """Fall silent and let the source go."""
        self._stop_listening()
        return super().on_deactivate(state)

    def on_cleanup(self, state: State) -> TransitionCallbackReturn:
        """Free the model and everything else that configure made."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: State) -> TransitionCallbackReturn:
        """End: free everything and finish with exit code 0."""
        self._release()
        self._finish(0)
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: State) -> TransitionCallbackReturn:
        """Go back to unconfigured after a fault."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Stop the threads before the node goes."""
        self._stop_listening()
        super().destroy_node()

    def _attempt(self, step) -> TransitionCallbackReturn:
        self._error = ''
        try:
            step()
        except SerError as error:
            self._report(error)
            return TransitionCallbackReturn.FAILURE
        except Exception:
            # rclpy turns any exception of a transition into a bare ERROR and loses its text.
            self.get_logger().error(traceback.format_exc())
            raise
        return TransitionCallbackReturn.SUCCESS

    def _refusing_impossible(self, change_state):
        """Wrap rclpy's service callback, which lets a request that the state does not allow end the node."""

        def refuse_or_change(request, response):
            try:
                return change_state(request, response)
            except RCLError as error:
                self.get_logger().warning(f'transition refused: {error}')
                response.success = False
                return response

        return refuse_or_change

    def _configure(self) -> None:
        from ser_ros.recognition.classifier import Classifier

        started = time.monotonic()
        self._settings = read_parameters(self)
        try:
            self._source = self._make_source(self._settings)
            self._source.open()
            folder = find_model(self._settings.model_path)
            self.get_logger().info(f'loading the model {folder}')
            self._classifier = Classifier.load(folder, self._settings.model_device)
            self._emotions = self.create_lifecycle_publisher(Emotion, 'emotion', _QOS)
        except SerError:
            self._release()
            raise
        self.get_logger().info(
            f"ready in {time.monotonic() - started:.1f} s: model '{self._classifier.name}' on "
            f'{self._classifier.device}, {self._source.description}'
        )

    def _activate(self) -> None:
        pipeline = Pipeline(
            source=self._source,
            recogniser=self._classifier,
            segmentation=self._settings.segmentation,
            on_estimate=self._publish_emotion,
            on_end=self._note_pipeline_end,
        )
        pipeline.mute(self._muted_until)
        pipeline.start()
        self._pipeline = pipeline
        self.get_logger().info(f'listening to {self._source.description}')

    def _make_source(self, parameters: SerParameters) -> AudioSource:
        audio = parameters.audio
        if audio.source == 'file':
            if not audio.file:
                raise SerError('audio.source is file, but audio.file is empty; give the path of a WAV or FLAC file')
            return FileSource(audio.file, realtime=audio.realtime, channel=audio.channel, clock=self._now)
        return MicrophoneSource(audio.device, channel=audio.channel, clock=self._now)

    def _now(self) -> float:
        return self.get_clock().now().nanoseconds / 1e9

    def _publish_emotion(self, utterance: Utterance, estimate: Estimate) -> None:
        message = to_message(
            utterance,
            estimate,
            model=self._classifier.name,
            frame_id=self._settings.audio.frame_id,
            min_confidence=self._settings.min_confidence,
        )
        self._emotions.publish(message)
        self._last_emotion = message.emotion
        self._last_latency = seconds(message.latency)
        if utterance.is_final:
            self.get_logger().info(
                f'utterance {utterance.number}: {message.emotion} {message.confidence:.0%}, '
                f'{utterance.duration:.1f} s of speech, latency {self._last_latency:.2f} s'
            )

    def _note_pipeline_end(self, error: Exception | None) -> None:
        self._pipeline_end = error
        self._pipeline_ended.trigger()

    def _on_pipeline_ended(self) -> None:
        if self._pipeline is None:
            return
        error = self._pipeline_end
        if error is not None:
            self._report(error)
        else:
            self.get_logger().info(f'{self._source.description} has ended')
        exits = self._settings.audio.source == 'file' and self._settings.audio.exit_at_end
        if exits:
            self._speak_last_words()
        self.trigger_deactivate()
        if exits:
            self._finish(0 if error is None else 1)

    def _speak_last_words(self) -> None:
        self._publish_diagnostics()
        for publisher in (self._emotions, self._diagnostics):
            publisher.wait_for_all_acked(_LAST_WORDS_TIMEOUT)

    def _finish(self, exit_code: int) -> None:
        if not self.finished.done():
            self.finished.set_result(exit_code)

    def _stop_listening(self) -> None:
        if self._pipeline is not None:
            self._pipeline.stop()
            self._pipeline = None

    def _release(self) -> None:
        self._stop_listening()
        if self._source is not None:
            self._source.close()
            self._source = None
        if self._emotions is not None:
            self.destroy_lifecycle_publisher(self._emotions)
            self._emotions = None
        self._classifier = None

    def _on_robot_speaking(self, message: Bool) -> None:
        hold_off = self._settings.robot_speaking_hold_off
        self._muted_until = math.inf if message.data else time.monotonic() + hold_off
        if self._pipeline is not None:
            self._pipeline.mute(self._muted_until)

    def _on_set_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        unconfigured = self._classifier is None
        try:
            for parameter in changed:
                check_parameter(parameter)
                if not unconfigured and not takes_effect_at_once(parameter.name):
                    raise SerError(f'{parameter.name} cannot change while the node is configured; clean it up first')
        except SerError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings = read_parameters(self, changed)
        if self._pipeline is not None:
            self._pipeline.configure(self._settings.segmentation)
        return SetParametersResult(successful=True)

    def _report(self, error: Exception) -> None:
        self._error = str(error)
        self.get_logger().error(self._error)

    def _publish_diagnostics(self) -> None:
        status = NodeStatus(
            state=LIFECYCLE_STATES.get(self._state_machine.current_state[0], 'in transition'),
            source=self._source.description if self._source else self._settings.audio.source,
            model=self._classifier.name if self._classifier else '',
            device=self._classifier.device if self._classifier else '',
            robot_speaks=time.monotonic() < self._muted_until,
            counts=self._pipeline.counts() if self._pipeline else None,
            last_emotion=self._last_emotion,
            last_latency=self._last_latency,
            error=self._error,
        )
        name = self.get_fully_qualified_name().lstrip('/')
        self._diagnostics.publish(to_diagnostics(status, name=name, stamp=self.get_clock().now().to_msg()))


LIFECYCLE_STATES = {
    LifecycleState.PRIMARY_STATE_UNCONFIGURED: 'unconfigured',
    LifecycleState.PRIMARY_STATE_INACTIVE: 'inactive',
    LifecycleState.PRIMARY_STATE_ACTIVE: 'active',
    LifecycleState.PRIMARY_STATE_FINALIZED: 'finalized',
}
