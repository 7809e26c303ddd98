# SPDX-License-Identifier: Apache-2.0
"""The lifecycle node `ser`."""

import time
import traceback

from lifecycle_msgs.msg import State as LifecycleState
from rcl_interfaces.msg import SetParametersResult
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.lifecycle import LifecycleState as State
from rclpy.parameter import Parameter
from rclpy.task import Future

from ser_ros.errors import SerError
from ser_ros.node.diagnostics import DiagnosticsPublisher
from ser_ros.node.gate_inputs import GateInputs
from ser_ros.node.inputs import Input
from ser_ros.node.outputs import Outputs
from ser_ros.node.parameters import (
    check_parameter,
    declare_parameters,
    read_parameters,
    takes_effect_at_once,
)
from ser_ros.node.stray_parameters import unknown_parameters
from ser_ros.node.subjects import NodeStatus
from ser_ros.pipeline.callbacks import Callbacks
from ser_ros.pipeline.gate import Gate
from ser_ros.pipeline.pipeline import Pipeline
from ser_ros.recognition.models import find_model
from ser_ros.speech.segmenter import Utterance

RCLError = rclpy_implementation.RCLError


class SerNode(LifecycleNode):
    """Publishes the emotion of every utterance on `emotion`, and how the node is on `diagnostics`.

    configure loads the model and opens the source, activate listens, deactivate lets the source go, cleanup frees
    the model. All ROS calls but the publishing about voices are made by the executor's thread.
    """

    def __init__(self, **node_options):
        """Declare the parameters; `node_options` are those of rclpy's Node. Raises SerError for bad values."""
        super().__init__('ser', **node_options)
        declare_parameters(self)
        for sentence in unknown_parameters(self):
            self.get_logger().warning(sentence)
        self._settings = read_parameters(self)
        self._classifier = None
        self._input: Input | None = None
        self._outputs: Outputs | None = None
        self._pipeline: Pipeline | None = None
        self._error = ''
        self._pipeline_end: Exception | None = None
        self.finished = Future()
        """Done, with the exit code, when the node has nothing more to do."""
        self._gate = Gate(self._settings.gate)
        self._gate_inputs = GateInputs(self, self._gate)
        self._diagnostics = DiagnosticsPublisher(self, self._snapshot)
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
        """Stop the threads and say the last words before the node goes."""
        self._release()
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
        self._gate.configure(self._settings.gate)
        try:
            self._input = Input(self, self._settings.audio)
            self._input.source.open()
            folder = find_model(self._settings.model_path)
            self.get_logger().info(f'loading the model {folder}')
            self._classifier = Classifier.load(folder, self._settings.model_device, self._settings.model_backend)
            self._outputs = Outputs(self, self._settings, self._classifier.name)
        except SerError:
            self._release()
            raise
        self.get_logger().info(
            f"ready in {time.monotonic() - started:.1f} s: model '{self._classifier.name}' on "
            f'{self._classifier.device} by {self._classifier.backend}, {self._input.source.description}'
        )

    def _activate(self) -> None:
        pipeline = Pipeline(
            source=self._input.source,
            recogniser=self._classifier,
            segmentation=self._settings.segmentation,
            room=self._settings.room,
            gate=self._gate,
            callbacks=Callbacks(
                on_estimate=self._outputs.publish_estimate,
                on_speaking=self._outputs.publish_speaking,
                on_failure=self._note_failure,
                on_end=self._note_pipeline_end,
            ),
        )
        self._outputs.activate()
        try:
            pipeline.start()
        except SerError:
            self._outputs.deactivate()
            raise
        self._pipeline = pipeline
        self.get_logger().info(f'listening to {self._input.source.description}')

    def _note_failure(self, utterance: Utterance, error: Exception) -> None:
        self.get_logger().error(f'utterance {utterance.number} got no answer: {error}')
        if not isinstance(error, SerError):
            self.get_logger().error(''.join(traceback.format_exception(error)))

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
            self.get_logger().info(f'{self._input.source.description} has ended')
        exits = self._settings.audio.source == 'file' and self._settings.audio.exit_at_end
        all_answered = error is None and self._pipeline.status().failed == 0
        if exits:
            self._diagnostics.publish(and_wait=True)
        self.trigger_deactivate()
        if exits:
            self._finish(0 if all_answered else 1)

    def _finish(self, exit_code: int) -> None:
        if not self.finished.done():
            self.finished.set_result(exit_code)

    def _stop_listening(self) -> None:
        if self._pipeline is not None:
            if not self._pipeline.stop():
                description = self._input.source.description
                self.get_logger().error(f'{description} does not let go; it is left behind and taken anew')
                self._input.destroy()
                self._input = Input(self, self._settings.audio)
            self._pipeline = None
            self._outputs.deactivate()

    def _release(self) -> None:
        self._stop_listening()
        if self._input is not None:
            self._input.source.close()
            self._input.destroy()
            self._input = None
        if self._outputs is not None:
            self._outputs.destroy()
            self._outputs = None
        self._classifier = None

    def _on_set_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        unconfigured = self._classifier is None
        # `ros2 param load` of a whole file sets what it does not change, too.
        changed = [parameter for parameter in changed if not self._is_unchanged(parameter)]
        try:
            for parameter in changed:
                check_parameter(parameter)
                if not unconfigured and not takes_effect_at_once(parameter.name):
                    raise SerError(f'{parameter.name} cannot change while the node is configured; clean it up first')
        except SerError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings = read_parameters(self, changed)
        self._gate.configure(self._settings.gate)
        if self._outputs is not None:
            self._outputs.configure(self._settings)
        if self._pipeline is not None:
            self._pipeline.configure(self._settings.segmentation, self._settings.room)
        return SetParametersResult(successful=True)

    def _is_unchanged(self, parameter: Parameter) -> bool:
        return self.has_parameter(parameter.name) and self.get_parameter(parameter.name).value == parameter.value

    def _report(self, error: Exception) -> None:
        self._error = str(error)
        self.get_logger().error(self._error)

    def _snapshot(self) -> NodeStatus:
        now = time.monotonic()
        classifier, outputs, pipeline = self._classifier, self._outputs, self._pipeline
        source = self._input.source if self._input else None
        recorder = outputs.recorder if outputs else None
        return NodeStatus(
            state=LIFECYCLE_STATES.get(self._state_machine.current_state[0], 'in transition'),
            error=self._error,
            source=source.description if source else self._settings.audio.source,
            problem=source.problem if source else '',
            live=source.live if source else True,
            model=classifier.name if classifier else '',
            device=classifier.device if classifier else '',
            backend=classifier.backend if classifier else '',
            degraded=classifier.degraded if classifier else '',
            pipeline=pipeline.status() if pipeline else None,
            gate=self._gate.closed(now, now),
            robot_publishers=self._gate_inputs.publishers,
            last_emotion=outputs.last_emotion if outputs else '',
            latencies=outputs.latencies if outputs else (),
            inference_times=outputs.inference_times if outputs else (),
            recording=recorder.warning if recorder else '',
            recording_problem=recorder.problem if recorder else '',
        )


LIFECYCLE_STATES = {
    LifecycleState.PRIMARY_STATE_UNCONFIGURED: 'unconfigured',
    LifecycleState.PRIMARY_STATE_INACTIVE: 'inactive',
    LifecycleState.PRIMARY_STATE_ACTIVE: 'active',
    LifecycleState.PRIMARY_STATE_FINALIZED: 'finalized',
}
