# SPDX-License-Identifier: Apache-2.0
"""Wires the pipeline: a listener and an answerer, each on its own thread, with a mailbox between them."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from ser_ros.audio.source import AudioSource
from ser_ros.pipeline.answerer import Answerer, Recogniser
from ser_ros.pipeline.callbacks import Callbacks, Caller
from ser_ros.pipeline.gate import Gate
from ser_ros.pipeline.listener import Listener
from ser_ros.pipeline.mailbox import Mailbox
from ser_ros.pipeline.status import PipelineStatus, Reason
from ser_ros.pipeline.voices import Voices
from ser_ros.speech.fused import FusedVad
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.rejection import Rejection, RejectionConfig
from ser_ros.speech.segmenter import SegmentationConfig
from ser_ros.speech.vad import VoiceActivityDetector

_MAILBOX_CAPACITY = 32
"""Utterances; at most 20 MB of sound where each is 10 s long."""
_STOP_TIMEOUT = 0.9
"""Seconds; keeps a stop within one second, even if a model is in the middle of a long utterance."""


class Pipeline:
    """Listens in one thread, recognises in another, and calls back from both; started once, stopped once.

    Live speech is recognised as soon as the voice pauses. If it stays silent, that answer is published the moment the
    end is decided; if it goes on, the answer becomes an interim one, if those are enabled.
    """

    def __init__(
        self,
        *,
        source: AudioSource,
        recogniser: Recogniser,
        segmentation: SegmentationConfig,
        callbacks: Callbacks,
        rejection: RejectionConfig | None = None,
        gate: Gate | None = None,
        voices: Voices | None = None,
        make_detector: Callable[[], VoiceActivityDetector] = FusedVad,
    ):
        """Prepare without starting; without a `gate` it always listens, without `voices` it knows nobody."""
        gate = gate or Gate()
        self._source = source
        self._hearing = Hearing(segmentation, rejection, make_detector())
        self._mailbox = Mailbox(_MAILBOX_CAPACITY)
        self._caller = Caller(callbacks, discard=lambda: self._mailbox.close(discard=True))
        self._listener = Listener(source, self._hearing, gate, self._mailbox, self._caller)
        self._answerer = Answerer(recogniser, self._mailbox, gate, voices or Voices(), self._caller)
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (('listener', self._listener.run), ('recogniser', self._answerer.run))
        ]

    def start(self) -> None:
        """Open the source if it is not open yet, and start. Raises SerError."""
        self._source.open()
        for thread in self._threads:
            thread.start()

    def stop(self) -> bool:
        """End both threads within one second and return whether the source is closed; no callback follows.

        A driver or a model that does not return in that time is left to end by itself: nothing waits for it.
        """
        self._caller.fall_silent()
        deadline = time.monotonic() + _STOP_TIMEOUT
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not self._threads[0].is_alive()

    def configure(self, segmentation: SegmentationConfig, rejection: RejectionConfig) -> None:
        """Use other settings from the next chunk on."""
        self._hearing.segmenter.configure(segmentation)
        self._hearing.judge.configure(rejection)

    def status(self) -> PipelineStatus:
        """Return what has happened since the start, and the state now."""
        source, hearing, mailbox = self._source, self._hearing, self._mailbox
        listener, answerer, caller = self._listener, self._answerer, self._caller
        seconds_since_block = listener.seconds_since_block
        too_short: Counter[Reason] = Counter({Rejection.TOO_SHORT: hearing.segmenter.too_short})
        return PipelineStatus(
            blocks=listener.blocks,
            seconds_since_block=seconds_since_block,
            is_silent=source.live and seconds_since_block > source.longest_pause,
            losses=source.losses,
            signal=listener.monitor.statistics(),
            noise_floor=hearing.noise_floor.level,
            voice_level=hearing.judge.voice_level,
            is_speaking=listener.is_speaking,
            utterances=hearing.segmenter.utterances,
            answered=caller.answered,
            rejected=dict(listener.rejected + answerer.rejected + too_short),
            dropped_interim=mailbox.dropped_interim + answerer.given_up,
            dropped_final=mailbox.dropped_final,
            failed=caller.failed,
            waiting=len(mailbox),
            lag=max(listener.behind, mailbox.longest_wait) if source.live else 0.0,
            working_for=answerer.working_for,
            last_failure=caller.last_failure,
        )

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._caller.end(error)
