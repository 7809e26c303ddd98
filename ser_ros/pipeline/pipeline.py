# SPDX-License-Identifier: Apache-2.0
"""Wires source -> speech -> recognition on two threads; knows no ROS."""

import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.monitor import SoundHealth, SoundMonitor
from ser_ros.audio.source import AudioSource, EndOfAudio
from ser_ros.pipeline.gate import Closure, Gate
from ser_ros.pipeline.mailbox import Mailbox
from ser_ros.pipeline.request import Purpose, Request
from ser_ros.recognition.cancellation import Cancellation, Cancelled
from ser_ros.recognition.estimate import Estimate
from ser_ros.speech.framing import Framer
from ser_ros.speech.fused import FusedVad
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.rejection import Rejection
from ser_ros.speech.room import RoomConfig
from ser_ros.speech.segmenter import SegmentationConfig, SpeechState, Utterance
from ser_ros.speech.vad import CHUNK_SAMPLES, VoiceActivityDetector

_MAILBOX_CAPACITY = 32
"""Utterances; at most 20 MB of sound where each is 10 s long."""
_READ_TIMEOUT = 0.1
_QUIET_CHUNKS = 4
"""Chunks (0.13 s) that are listened to together while nobody speaks: a network that has just run is in the processor's
caches, and runs the second time in a quarter of the time. Nothing is told later for it: a voice has to last longer
before it is told at all."""
_REST = _QUIET_CHUNKS * CHUNK_SAMPLES / SAMPLE_RATE
"""Seconds for which the listener lets them gather, instead of waking for each."""
_JITTER = 0.05
"""Seconds by which the capture times of two blocks may disagree: somebody who is already speaking when the gate opens
must not seem to have begun before."""
_STOP_TIMEOUT = 0.9
"""Seconds; with it a stop takes at most one second, even where a model is in the middle of a long utterance."""


Reason = Rejection | Closure
"""Why an utterance is not answered: what the ear found, or what the gate knows."""


class Recogniser(Protocol):
    """What the pipeline needs of a classifier."""

    def classify(self, samples: np.ndarray, cancellation: Cancellation) -> Estimate:
        """Return the estimate for one utterance (float32, shape (n,), 16 kHz).

        Raises Cancelled where another thread says meanwhile that it is not wanted any more.
        """


@dataclass(frozen=True)
class Listeners:
    """Who is called back; never two at a time, and nobody after `Pipeline.stop` has returned.

    on_estimate: every interim and final utterance, in order, by the recogniser's thread.
    on_speaking: whether somebody speaks, when that changes, by the listener's thread.
    on_failure: the recogniser could not answer a final utterance; the next one is tried again.
    on_end: once, when the source has ended and everything heard is answered (None), or when listening itself failed.
    """

    on_estimate: Callable[[Utterance, Estimate], None]
    on_speaking: Callable[[bool], None]
    on_failure: Callable[[Utterance, Exception], None]
    on_end: Callable[[Exception | None], None]


@dataclass(frozen=True)
class PipelineStatus:
    """What has happened since the start, and how it is now.

    Every utterance that has begun is answered, rejected, dropped, failed, waiting or under way. `rejected` also counts
    what never became an utterance (too short). `is_silent`: no sound comes from a live source. `lag` is the age in
    seconds of the oldest work that is not done; `working_for` the seconds for which the model has been busy with one
    utterance.
    """

    blocks: int
    seconds_since_block: float
    is_silent: bool
    losses: dict[str, int]
    health: SoundHealth
    room_floor: float
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


class Pipeline:
    """Listens in one thread, recognises in another, and calls back from both; started once, stopped once.

    Live, what is said is recognised as soon as the voice pauses. If it stays silent, that answer goes out the moment
    the end is decided; if it goes on, the answer becomes an interim one where those are wanted.
    """

    def __init__(
        self,
        *,
        source: AudioSource,
        recogniser: Recogniser,
        segmentation: SegmentationConfig,
        listeners: Listeners,
        room: RoomConfig | None = None,
        gate: Gate | None = None,
        make_detector: Callable[[], VoiceActivityDetector] = FusedVad,
    ):
        """Prepare without starting; without a `gate` nothing closes it."""
        self._source = source
        self._recogniser = recogniser
        self._listeners = listeners
        self._gate = gate or Gate()
        self._monitor = SoundMonitor()
        self._framer = Framer()
        self._hearing = Hearing(segmentation, room, make_detector())
        self._segmenter = self._hearing.segmenter
        self._room = self._hearing.room
        self._unheard: list[AudioBlock] = []
        self._mailbox = Mailbox(_MAILBOX_CAPACITY)
        self._early: Request | None = None
        self._stopping = threading.Event()
        self._calling_back = threading.RLock()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (('listener', self._listen), ('recogniser', self._recognise))
        ]
        self._is_speaking = False
        self._blocks = 0
        self._answered = 0
        self._given_up = 0
        self._failed = 0
        self._last_failure = ''
        self._rejected_heard: Counter[Reason] = Counter()
        self._rejected_late: Counter[Reason] = Counter()
        self._last_block = time.monotonic()
        self._behind = 0.0
        self._working_since: float | None = None

    def start(self) -> None:
        """Open the source where it is not open yet, and begin. Raises SerError."""
        self._source.open()
        for thread in self._threads:
            thread.start()

    def stop(self) -> bool:
        """End both threads within one second and return whether the source is closed; nobody is called back afterwards.

        A driver or a model that does not return in that time is left to end by itself: nothing waits for it.
        """
        with self._calling_back:
            self._stopping.set()
        self._mailbox.close(discard=True)
        deadline = time.monotonic() + _STOP_TIMEOUT
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not self._threads[0].is_alive()

    def configure(self, segmentation: SegmentationConfig, room: RoomConfig) -> None:
        """Take other settings from the next chunk on."""
        self._segmenter.configure(segmentation)
        self._room.configure(room)

    def status(self) -> PipelineStatus:
        """Return what has happened since the start, and how it is now."""
        now = time.monotonic()
        working_since = self._working_since
        working_for = now - working_since if working_since is not None else 0.0
        too_short = {Rejection.TOO_SHORT: self._segmenter.too_short}
        return PipelineStatus(
            blocks=self._blocks,
            seconds_since_block=now - self._last_block,
            is_silent=self._source.live and now - self._last_block > self._source.longest_pause,
            losses=self._source.losses,
            health=self._monitor.health(),
            room_floor=self._room.floor,
            voice_level=self._room.voice,
            is_speaking=self._is_speaking,
            utterances=self._segmenter.utterances,
            answered=self._answered,
            rejected=dict(self._rejected_heard + self._rejected_late + Counter(too_short)),
            dropped_interim=self._mailbox.dropped_interim + self._given_up,
            dropped_final=self._mailbox.dropped_final,
            failed=self._failed,
            waiting=len(self._mailbox),
            lag=max(self._behind, self._mailbox.longest_wait) if self._source.live else 0.0,
            working_for=working_for,
            last_failure=self._last_failure,
        )

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._end(error)

    def _listen(self) -> None:
        try:
            self._source.start()
            silence = 0.0
            while not self._stopping.is_set():
                began = time.monotonic()
                block = self._source.read(_READ_TIMEOUT)
                if block is not None:
                    silence = 0.0
                    self._hear(block)
                    if self._may_rest(block):
                        self._stopping.wait(_REST)
                    continue
                # Where a read took longer, this machine stood still and not the source: its sound may be waiting.
                silence += min(time.monotonic() - began, _READ_TIMEOUT)
                if self._source.live and silence > self._source.longest_pause:
                    self._interrupt()
        except EndOfAudio:
            self._interrupt()
            self._mailbox.close()
        finally:
            # Here, for a driver does not like to be closed by one thread while another is inside it.
            self._source.close()

    def _may_rest(self, block: AudioBlock) -> bool:
        """Return whether nobody speaks, all is heard, and nothing more has come meanwhile."""
        is_quiet = self._segmenter.state is SpeechState.QUIET and not self._unheard
        return is_quiet and self._source.live and 0.0 <= time.monotonic() - block.arrival < _REST

    def _hear(self, block: AudioBlock) -> None:
        self._blocks += 1
        self._last_block = time.monotonic()
        self._behind = self._last_block - block.arrival
        self._monitor.hear(block.samples)
        closed = self._gate.closed(block.arrival - block.duration, block.arrival)
        if block.after_gap or closed:
            # Who mutes wants no answer to what is being said. A robot may speak because it was said: stamps decide.
            self._interrupt(closed if closed is Closure.MUTED else None)
        if not closed:
            self._segment(self._framer.push(block))

    def _interrupt(self, rejection: Closure | None = None) -> None:
        """End the utterance under way and forget the stream: what was heard so far belongs to nothing that follows.

        With a `rejection` that utterance is not answered.
        """
        self._segment(self._framer.flush(), at_once=True)
        self._hand_over(self._hearing.end(), rejection)
        self._give_up_early()
        self._tell_speaking()

    def _segment(self, chunks: list[AudioBlock], *, at_once: bool = False) -> None:
        self._unheard += chunks
        if self._segmenter.state is SpeechState.QUIET and len(self._unheard) < _QUIET_CHUNKS and not at_once:
            return
        chunks, self._unheard = self._unheard, []
        for chunk in chunks:
            before = self._segmenter.state
            utterances = self._hearing.hear(chunk)
            self._tell_speaking()
            self._hand_over(utterances)
            if self._source.live:
                self._look_ahead(before, self._segmenter.state)

    def _look_ahead(self, before: SpeechState, now: SpeechState) -> None:
        """Have what was said answered as soon as the voice pauses; a source that can wait has no use for it."""
        if now is SpeechState.STOPPING and before is not now:
            utterance = self._segmenter.paused()
            if self._rejection(utterance) is None:
                self._early = Request(utterance, Purpose.EARLY)
                self._mailbox.put(self._early, wait=False)
        elif now is not SpeechState.STOPPING:
            self._give_up_early()

    def _give_up_early(self) -> None:
        if self._early is not None:
            self._early.cancellation.cancel()
            self._early = None

    def _tell_speaking(self) -> None:
        if self._segmenter.is_speaking != self._is_speaking:
            self._is_speaking = not self._is_speaking
            with self._calling_back:
                if not self._stopping.is_set():
                    self._listeners.on_speaking(self._is_speaking)

    def _hand_over(self, utterances: list[Utterance], rejection: Closure | None = None) -> None:
        for utterance in utterances:
            reason = rejection or self._rejection(utterance)
            if reason is None:
                self._mailbox.put(self._request(utterance), wait=not self._source.live)
            elif utterance.is_final:
                self._rejected_heard[reason] += 1

    def _request(self, utterance: Utterance) -> Request:
        early, self._early = self._early, None
        if utterance.is_final:
            return Request(utterance, Purpose.FINAL, early)
        if early is not None:
            # The voice has just come back: the answer to what was said before the pause is the interim one.
            utterance = dataclasses.replace(early.utterance, is_final=False)
        return Request(utterance, Purpose.INTERIM, early)

    def _rejection(self, utterance: Utterance) -> Reason | None:
        closed = self._closed_during(utterance)
        if closed is not None:
            return closed
        if self._early is not None:
            return None  # judged when the voice paused, and answered as it was then
        return self._room.judge(utterance)

    def _closed_during(self, utterance: Utterance) -> Closure | None:
        return self._gate.closed(utterance.end_arrival - utterance.duration + _JITTER, utterance.end_arrival)

    def _recognise(self) -> None:
        while (request := self._mailbox.get()) is not None:
            if request.early is not None and request.early.estimate is not None:
                self._publish(request.utterance, request.early.estimate)
                continue
            self._working_since = time.monotonic()
            try:
                request.estimate = self._recogniser.classify(request.utterance.samples, request.cancellation)
            except Cancelled:
                self._given_up += request.purpose is Purpose.INTERIM
            except Exception as error:
                self._note_failure(request, error)
            else:
                if request.purpose is not Purpose.EARLY:
                    self._publish(request.utterance, request.estimate)
            self._working_since = None
        self._end(None)

    def _publish(self, utterance: Utterance, estimate: Estimate) -> None:
        # Asked again: the robot may have said only now that it was speaking.
        rejection = self._closed_during(utterance)
        with self._calling_back:
            if self._stopping.is_set():
                return
            if rejection is None:
                self._answered += utterance.is_final
                self._last_failure = ''
                self._listeners.on_estimate(utterance, estimate)
            elif utterance.is_final:
                self._rejected_late[rejection] += 1

    def _note_failure(self, request: Request, error: Exception) -> None:
        with self._calling_back:
            # What fails early is asked for again when the end is decided, if it ever is.
            if request.purpose is Purpose.FINAL and not self._stopping.is_set():
                self._failed += 1
                self._last_failure = str(error)
                self._listeners.on_failure(request.utterance, error)

    def _end(self, error: Exception | None) -> None:
        with self._calling_back:
            if self._stopping.is_set():
                return
            self._stopping.set()
            self._mailbox.close(discard=True)
            self._listeners.on_end(error)
