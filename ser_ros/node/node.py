# SPDX-License-Identifier: Apache-2.0
"""The lifecycle node `ser`."""

import time
import traceback
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import State as PrimaryState
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.task import Future

from ser_ros.errors import SerError
from ser_ros.node.diagnostics import DiagnosticsPublisher
from ser_ros.node.gate_inputs import GateInputs
from ser_ros.node.node_time import NodeTime
from ser_ros.node.parameter_spec import declare_parameters
from ser_ros.node.parameters import SPECS, check_parameter, takes_effect_at_once
from ser_ros.node.settings import read_parameters
from ser_ros.node.states import Active, Configured, State, Unconfigured
from ser_ros.node.stray_parameters import unknown_parameters
from ser_ros.node.subjects import NodeStatus
from ser_ros.pipeline.gate import Gate
from ser_ros.system_errors import refusal

RCLError = rclpy_implementation.RCLError

_ChangeState = Callable[[ChangeState.Request, ChangeState.Response], ChangeState.Response]


class SerNode(LifecycleNode):
    """Publishes the emotion of every utterance on `emotion`, and the node's condition on `diagnostics`.

    configure loads the model and opens the source, activate listens, deactivate releases the source, cleanup frees the
    model. All ROS calls except the publishing of speech and emotions are made by the executor's thread.
    """

    def __init__(self, **node_options: Any):
        """Declare the parameters; `node_options` are those of rclpy's Node. Raises SerError for bad values."""
        super().__init__('ser', **node_options)
        declare_parameters(self, SPECS)
        for sentence in unknown_parameters(self):
            self.get_logger().warning(sentence)
        self._settings = read_parameters(self)
        self._state: State = Unconfigured()
        self._error = ''
        self.finished = Future()
        """Done, with the exit code, when the node has nothing more to do."""
        self._time = NodeTime(self)
        self._gate = Gate(self._settings.gate)
        self._gate_inputs = GateInputs(self, self._gate)
        self._diagnostics = DiagnosticsPublisher(self, self._snapshot)
        self._pipeline_ended = self.create_guard_condition(self._on_pipeline_ended)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._service_change_state.callback = self._refusing_impossible(self._service_change_state.callback)

    @property
    def autostart(self) -> bool:
        """Whether to configure and activate without a lifecycle manager."""
        return self._settings.autostart

    def bring_up(self) -> bool:
        """Configure and activate; return whether both succeeded."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, warm it up, and open the source."""
        return self._attempt(self._configure)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen and publish."""
        super().on_activate(state)
        result = self._attempt(self._activate)
        if result != TransitionCallbackReturn.SUCCESS:
            super().on_deactivate(state)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop publishing and release the source."""
        self._deactivate()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model and everything else that configure made."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End: free everything and finish with exit code 0."""
        self._release()
        self._finish(0)
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go back to unconfigured after a fault."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Stop the threads and publish the last messages before the node is destroyed."""
        self._release()
        super().destroy_node()  # type: ignore[no-untyped-call]  # rclpy gives it no types

    def _attempt(self, step: Callable[[], None]) -> TransitionCallbackReturn:
        self._error = ''
        try:
            step()
        except SerError as error:
            self._report(error)
            return TransitionCallbackReturn.FAILURE
        except OSError as error:
            self._report(refusal(error))
            return TransitionCallbackReturn.FAILURE
        except Exception:
            # rclpy turns any exception of a transition into a bare ERROR and loses its text.
            self.get_logger().error(traceback.format_exc())
            raise
        return TransitionCallbackReturn.SUCCESS

    def _refusing_impossible(self, change_state: _ChangeState) -> _ChangeState:
        """Wrap rclpy's service callback, in which a transition that the state does not allow would end the node."""

        def refuse_or_change(request: ChangeState.Request, response: ChangeState.Response) -> ChangeState.Response:
            try:
                return change_state(request, response)
            except RCLError as error:
                self.get_logger().warning(f'transition refused: {error}')
                response.success = False
                return response

        return refuse_or_change

    def _configure(self) -> None:
        self._settings = read_parameters(self)
        self._gate.configure(self._settings.gate)
        self._state = Configured.load(self, self._settings, self._time.seconds)

    def _activate(self) -> None:
        assert isinstance(self._state, Configured), 'rclpy activates an inactive node only'
        self._state = self._state.activate(self._settings, self._gate, self._pipeline_ended.trigger)
        self.get_logger().info(f'listening to {self._state.configured.audio.source.description}')

    def _on_pipeline_ended(self) -> None:
        active = self._state
        # A node that was deactivated, or activated again, before this callback ran has not ended.
        if not isinstance(active, Active) or not active.end.done():
            return
        error = active.end.exception()
        if error is not None:
            self._report(error)
        else:
            self.get_logger().info(f'{active.configured.audio.source.description} has ended')
        exits = self._settings.audio.source == 'file' and self._settings.audio.exit_at_end
        all_answered = error is None and active.pipeline.status().failed == 0
        if exits:
            self._diagnostics.publish(and_wait=True)
        self.trigger_deactivate()
        if exits:
            self._finish(0 if all_answered else 1)

    def _finish(self, exit_code: int) -> None:
        if not self.finished.done():
            self.finished.set_result(exit_code)

    def _deactivate(self) -> None:
        if isinstance(self._state, Active):
            self._state = self._state.deactivate()

    def _release(self) -> None:
        self._deactivate()
        if isinstance(self._state, Configured):
            self._state = self._state.release()

    def _on_set_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        is_configured = not isinstance(self._state, Unconfigured)
        # `ros2 param load` also sets the parameters of the file that do not change.
        changed = [parameter for parameter in changed if not self._is_unchanged(parameter)]
        try:
            for parameter in changed:
                check_parameter(parameter)
                if is_configured and not takes_effect_at_once(parameter.name):
                    raise SerError(f'{parameter.name} cannot change while the node is configured; clean it up first')
        except SerError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._settings = read_parameters(self, changed)
        self._gate.configure(self._settings.gate)
        self._state.apply(self._settings)
        return SetParametersResult(successful=True)

    def _is_unchanged(self, parameter: Parameter) -> bool:
        return self.has_parameter(parameter.name) and self.get_parameter(parameter.name).value == parameter.value

    def _report(self, error: BaseException) -> None:
        self._error = str(error)
        self.get_logger().error(self._error)

    def _snapshot(self) -> NodeStatus:
        now = time.monotonic()
        status = NodeStatus(
            lifecycle_state=LIFECYCLE_STATES.get(self._state_machine.current_state[0], 'in transition'),
            error=self._error,
            source=self._settings.audio.source,
            gate=self._gate.closed(now, now),
            robot_publishers=self._gate_inputs.publishers,
            time_problem=self._time.look(),
        )
        return self._state.describe(status)


LIFECYCLE_STATES = {
    PrimaryState.PRIMARY_STATE_UNCONFIGURED: 'unconfigured',
    PrimaryState.PRIMARY_STATE_INACTIVE: 'inactive',
    PrimaryState.PRIMARY_STATE_ACTIVE: 'active',
    PrimaryState.PRIMARY_STATE_FINALIZED: 'finalized',
}
