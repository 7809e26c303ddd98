# SPDX-License-Identifier: Apache-2.0
"""How ONNX Runtime is used here: on the CPU, quietly, and without telemetry."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# ONNX Runtime 1.32 collects usage in ~/.cache/Microsoft and sends it to its maker unless this is set before its import.
os.environ['ORT_DISABLE_TELEMETRY'] = '1'
import onnxruntime

ALL_CORES = 0

_FATAL_ONLY = 4
"""Errors are raised as exceptions anyway."""


def open_session(
    graph: Path, *, threads: int, weights: Mapping[str, np.ndarray] | None = None
) -> onnxruntime.InferenceSession:
    """Load `graph` to run on `threads` CPU threads, or on ALL_CORES.

    Args:
        graph: The file.
        threads: How many.
        weights: The values of those of its initializers that it does not hold itself, by name; they are copied.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # A pattern would be kept for each length of the input, and no two utterances are equally long: 1.7 kB for each in
    # the default model, 3.3 kB in the verifier, until the process ends. Without them both are as fast.
    options.enable_mem_pattern = False
    # Threads that spin while they wait are no faster, and take the cores from everything else on the robot.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    if weights:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
        options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(graph, sess_options=options, providers=['CPUExecutionProvider'])


def new_run() -> onnxruntime.RunOptions:
    """Return the options of one run; another thread ends it by setting `terminate` to True."""
    options = onnxruntime.RunOptions()
    options.log_severity_level = _FATAL_ONLY
    return options
