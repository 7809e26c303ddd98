# SPDX-License-Identifier: Apache-2.0
"""Runs a model's optimised form with ONNX Runtime on the CPU; needs neither torch nor transformers."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from ser_ros.errors import SerError, reason
from ser_ros.onnx_session import ALL_CORES, new_run, open_session
from ser_ros.recognition.cancellation import Cancellation
from ser_ros.recognition.model_output import ModelOutput
from ser_ros.recognition.optimised_form import INPUT, LOGITS, POOLED, WEIGHT
from ser_ros.recognition.weight_tensors import read_tensors

_SMALL = 30e6
"""Bytes of the form and of what it shares with the model, in float16 or float32. A smaller model runs on one thread, so
that the other cores stay free: two save little (the embedded default, two cores: 21 ms on one, 14 on two for an
utterance of 3 s) or nothing (an earlier one, 3 MB: 3.5 and 4.1 ms)."""


class OnnxBackend:
    """One graph on the CPU."""

    kind = 'onnx'
    device = 'cpu'
    degraded = ''

    def __init__(
        self,
        graph: Path,
        folder: Path,
        *,
        shared: Mapping[str, Collection[str]],
        labels: tuple[str, ...],
        temperature: float,
        window: int | None,
    ):
        """Load `graph` with what it shares with the files of the model `folder`; the rest is as in `OptimisedForm`.

        Raises SerError.
        """
        self.labels = labels
        self.temperature = temperature
        self.window = window
        try:
            weights = {f'{WEIGHT}{name}': values for name, values in read_tensors(folder, shared).items()}
            size = sum(file.stat().st_size for file in graph.parent.iterdir())
            size += sum(values.nbytes for values in weights.values())
            self.threads = 1 if size < _SMALL else ALL_CORES
            self._session = open_session(graph, threads=self.threads, weights=weights)
            self._check_ends()
        except Exception as error:
            raise SerError(
                f'{graph} cannot be loaded ({reason(error)}); build it again: `ros2 run ser_ros optimize {folder}`'
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
