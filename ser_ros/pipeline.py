# SPDX-License-Identifier: Apache-2.0
"""Wires source -> speech -> recognition on two threads; knows no ROS."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ser_ros.audio.block import AudioBlock
from ser_ros.audio.source import AudioSource, EndOfAudio
from ser_ros.mailbox import UtteranceMailbox
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.framing import Framer
from ser_ros.speech.segmenter import SegmentationConfig, Segmenter, Utterance
from ser_ros.speech.vad import SileroVad, VoiceActivityDetector

_MAILBOX_CAPACITY = 8
_READ_TIMEOUT = 0.1
_STOP_TIMEOUT = 0.9
"""Seconds; with it a stop takes at most one second, even where a model is in the middle of a long utterance."""


class Recogniser(Protocol):
    """What the pipeline needs of a classifier."""

    def classify(self, samples: np.ndarray) -> Estimate:
        """Return the estimate for one utterance (float32, shape (n,), 16 kHz)."""


@dataclass(frozen=True)
class PipelineCounts:
    """What has happened since the start."""

    blocks: int
    overflows: int
    utterances: int
    answered: int
    dropped_interim: int
    dropped_final: int
    discarded_by_gate: int
    seconds_since_block: float


class Pipeline:
    """Listens in one thread, recognises in another, and calls back from the second; started once, stopped once."""

    def __init__(
        self,
        *,
        source: AudioSource,
        recogniser: Recogniser,
        segmentation: SegmentationConfig,
        on_estimate: Callable[[Utterance, Estimate], None],
        on_end: Callable[[Exception | None], None],
        make_detector: Callable[[], VoiceActivityDetector] = SileroVad,
    ):
        """Prepare without starting.

        on_estimate: called for every interim and final utterance, in order, never after `stop` has returned.
        on_end: called once when the source has ended and everything heard is answered (None), or when either
        thread failed (the exception); not called after `stop`.
        """
        self._source = source
        self._recogniser = recogniser
        self._on_estimate = on_estimate
        self._on_end = on_end
        self._detector = make_detector()
        self._framer = Framer()
        self._segmenter = Segmenter(segmentation)
        self._mailbox = UtteranceMailbox(_MAILBOX_CAPACITY)
        self._stopping = threading.Event()
        self._calling_back = threading.RLock()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (('listener', self._listen), ('recogniser', self._recognise))
        ]
        self._muted_until = 0.0
        self._blocks = 0
        self._answered = 0
        self._discarded = 0
        self._last_block = time.monotonic()

    def start(self) -> None:
        """Open the source where it is not open yet, and begin. Raises SerError."""
        self._source.open()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both threads and close the source, within one second; nothing is called back afterwards."""
        with self._calling_back:
            self._stopping.set()
        self._mailbox.close(discard=True)
        deadline = time.monotonic() + _STOP_TIMEOUT
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        self._source.close()

    def configure(self, segmentation: SegmentationConfig) -> None:
        """Take other settings from the next chunk on."""
        self._segmenter.configure(segmentation)

    def mute(self, until: float) -> None:
        """Ignore sound that is read before `until` (seconds of `time.monotonic()`; infinity for no end)."""
        self._muted_until = until

    def counts(self) -> PipelineCounts:
        """Return what has happened since the start."""
        return PipelineCounts(
            blocks=self._blocks,
            overflows=self._source.overflows,
            utterances=self._segmenter.utterances,
            answered=self._answered,
            dropped_interim=self._mailbox.dropped_interim,
            dropped_final=self._mailbox.dropped_final,
            discarded_by_gate=self._discarded,
            seconds_since_block=time.monotonic() - self._last_block,
        )

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._end(error)

    def _listen(self) -> None:
        self._source.start()
        while not self._stopping.is_set():
            try:
                block = self._source.read(_READ_TIMEOUT)
            except EndOfAudio:
                break
            if block is not None:
                self._blocks += 1
                self._last_block = time.monotonic()
                self._hear(block)
        else:
            return
        self._segment(self._framer.flush())
        self._hand_over(self._segmenter.flush())
        self._mailbox.close()

    def _hear(self, block: AudioBlock) -> None:
        chunks = self._framer.push(block)
        if time.monotonic() >= self._muted_until:
            self._segment(chunks)
        else:
            # Quiet or not: what was heard before the mute must not become the pre-roll of what is said after it.
            self._discarded += len(self._segmenter.flush())

    def _segment(self, chunks: list[AudioBlock]) -> None:
        for chunk in chunks:
            self._hand_over(self._segmenter.push(chunk, self._detector.speech_probability(chunk.samples)))

    def _hand_over(self, utterances: list[Utterance]) -> None:
        for utterance in utterances:
            self._mailbox.put(utterance, wait=not self._source.live)

    def _recognise(self) -> None:
        while (utterance := self._mailbox.get()) is not None:
            estimate = self._recogniser.classify(utterance.samples)
            with self._calling_back:
                if self._stopping.is_set():
                    return
                self._answered += utterance.is_final
                self._on_estimate(utterance, estimate)
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        with self._calling_back:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._mailbox.close(discard=True)
            self._on_end(error)
