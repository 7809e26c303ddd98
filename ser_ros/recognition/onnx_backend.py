# SPDX-License-Identifier: Apache-2.0
"""Runs a model's optimised form with ONNX Runtime on the CPU; needs neither torch nor transformers."""

import os
from pathlib import Path

import numpy as np

from ser_ros.errors import SerError
from ser_ros.recognition.cancellation import Cancellation
from ser_ros.recognition.optimised_form import INPUT, OUTPUT, OptimisedForm, graph_path

# ONNX Runtime 1.32 collects usage in ~/.cache/Microsoft and sends it to its maker unless this is set before its import.
os.environ['ORT_DISABLE_TELEMETRY'] = '1'
import onnxruntime  # noqa: E402

_ERRORS_ONLY = 3


class OnnxBackend:
    """One graph on all CPU cores."""

    kind = 'onnx'
    device = 'cpu'
    degraded = ''

    def __init__(self, folder: Path, form: OptimisedForm):
        """Load the optimised form of the model `folder`. Raises SerError."""
        self.labels = form.labels
        self.temperature = form.temperature
        self.window = form.window
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        # Threads that spin while they wait answer no sooner, and take the cores from everything else on the robot.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            self._session = onnxruntime.InferenceSession(
                graph_path(folder), sess_options=options, providers=['CPUExecutionProvider']
            )
        except Exception as error:
            reason = str(error).strip().partition('\n')[0]
            raise SerError(
                f'{graph_path(folder)} cannot be loaded ({reason}); '
                f'build it again: `ros2 run ser_ros optimize {folder}`'
            ) from None

    def probabilities(self, samples: np.ndarray, cancellation: Cancellation) -> np.ndarray:
        """Return float32, shape (labels,), for samples (float32, shape (n,), 16 kHz). Raises Cancelled."""
        options = onnxruntime.RunOptions()
        options.log_severity_level = _ERRORS_ONLY
        cancellation.on_cancel(lambda: setattr(options, 'terminate', True))
        try:
            (probabilities,) = self._session.run([OUTPUT], {INPUT: samples[np.newaxis]}, options)
        except Exception:
            cancellation.check()
            raise
        return probabilities
