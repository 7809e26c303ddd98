# SPDX-License-Identifier: Apache-2.0
"""What a pipeline reports about itself."""

from dataclasses import dataclass

from ser_ros.audio.monitor import SignalStatistics
from ser_ros.pipeline.gate import Closure
from ser_ros.speech.rejection import Rejection

Reason = Rejection | Closure
"""Why an utterance is not answered: because of its sound, or because the gate was closed."""

REASONS: tuple[Reason, ...] = (*Rejection, *Closure)
"""In the order in which diagnostics list them."""


@dataclass(frozen=True)
class PipelineStatus:
    """What has happened since the start, and the state now.

    Every utterance that has begun is answered, rejected, dropped, failed, waiting or in progress. `rejected` also
    counts what never became an utterance (too short). `is_silent`: no sound comes from a live source. `lag` is the age
    in seconds of the oldest work that is not done; `working_for` the seconds for which the model has been busy with one
    utterance.
    """

    blocks: int
    seconds_since_block: float
    is_silent: bool
    losses: dict[str, int]
    signal: SignalStatistics
    noise_floor: float
    voice_level: float
    is_speaking: bool
    utterances: int
    answered: int
    rejected: dict[Reason, int]
    dropped_interim: int
    dropped_final: int
    failed: int
    waiting: int
    lag: float
    working_for: float
    last_failure: str
