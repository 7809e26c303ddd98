# SPDX-License-Identifier: Apache-2.0
"""Runs a model's optimised form with ONNX Runtime on the CPU; needs neither torch nor transformers."""

from pathlib import Path

import numpy as np

from ser_ros.errors import SerError, reason
from ser_ros.onnx_session import ALL_CORES, new_run, open_session
from ser_ros.recognition.cancellation import Cancellation
from ser_ros.recognition.model_output import ModelOutput
from ser_ros.recognition.optimised_form import INPUT, LOGITS, POOLED

_SMALL = 20e6
"""Bytes. A smaller model is faster on one thread: handing work to others takes longer than they save (the embedded
default, 3 MB, two cores: 3.5 ms on one, 4.1 on two for an utterance of 3 s), and the other cores stay free."""


class OnnxBackend:
    """One graph on the CPU."""

    kind = 'onnx'
    device = 'cpu'
    degraded = ''

    def __init__(self, graph: Path, *, labels: tuple[str, ...], temperature: float, window: int | None):
        """Load `graph`; the rest is as in `OptimisedForm`. Raises SerError."""
        self.labels = labels
        self.temperature = temperature
        self.window = window
        try:
            size = sum(file.stat().st_size for file in graph.parent.iterdir())
            self.threads = 1 if size < _SMALL else ALL_CORES
            self._session = open_session(graph, threads=self.threads)
            self._check_ends()
        except Exception as error:
            model = graph.parent.parent
            raise SerError(
                f'{graph} cannot be loaded ({reason(error)}); build it again: `ros2 run ser_ros optimize {model}`'
            ) from None

    def _check_ends(self) -> None:
        """Raise ValueError unless the graph takes samples and gives as many logits as there are labels."""
        inputs = [end.name for end in self._session.get_inputs()]
        shapes = {end.name: end.shape for end in self._session.get_outputs()}
        if inputs != [INPUT] or shapes.get(LOGITS) != [len(self.labels)] or POOLED not in shapes:
            raise ValueError(f'it gives {shapes} for {inputs}, and there are {len(self.labels)} labels')

    def run(self, samples: np.ndarray, cancellation: Cancellation) -> ModelOutput:
        """Return the output for samples (float32, shape (n,), 16 kHz). Raises Cancelled."""
        options = new_run()
        cancellation.on_cancel(lambda: setattr(options, 'terminate', True))
        try:
            logits, pooled = self._session.run([LOGITS, POOLED], {INPUT: samples[np.newaxis]}, options)
        except Exception:
            cancellation.check()
            raise
        return ModelOutput(logits, pooled)
