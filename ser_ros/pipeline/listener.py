# SPDX-License-Identifier: Apache-2.0
"""The first half of the pipeline: reads a source and puts what is said into the mailbox."""

import time
from collections import Counter

from ser_ros.audio.block import SAMPLE_RATE, AudioBlock
from ser_ros.audio.monitor import SignalMonitor
from ser_ros.audio.source import AudioSource, EndOfAudio
from ser_ros.pipeline.callbacks import Caller
from ser_ros.pipeline.early_answer import EarlyAnswer
from ser_ros.pipeline.gate import Closure, Gate
from ser_ros.pipeline.mailbox import Mailbox
from ser_ros.pipeline.meter import Meter
from ser_ros.pipeline.status import REASONS, Reason
from ser_ros.speech.framing import Framer
from ser_ros.speech.hearing import Hearing
from ser_ros.speech.segmenter import SpeechState, Utterance
from ser_ros.speech.vad import CHUNK_SAMPLES

_READ_TIMEOUT = 0.1
_QUIET_CHUNKS = 4
"""Chunks (0.13 s) that are processed together while no one is speaking: a network that has just run is in the
processor's caches, and its second run takes a quarter of the time. Nothing is reported later because of it: a voice has
to last longer before it is reported at all."""
_REST = _QUIET_CHUNKS * CHUNK_SAMPLES / SAMPLE_RATE
"""Seconds for which the listener lets them accumulate, instead of waking for each."""


class Listener:
    """Reads, hears, judges and requests answers; one thread runs it, and any thread may read its state.

    Attributes:
        monitor: What the sound is like.
        blocks: Number of blocks read.
        is_speaking: Whether someone is speaking.
        behind: Age in seconds of the latest block when it was read.
        rejected: Final utterances for which no answer was requested.
    """

    def __init__(self, source: AudioSource, hearing: Hearing, gate: Gate, mailbox: Mailbox, caller: Caller):
        """Prepare to listen to `source`, which is opened before `run`."""
        self._source = source
        self._hearing = hearing
        self._segmenter = hearing.segmenter
        self._gate = gate
        self._mailbox = mailbox
        self._caller = caller
        self._early = EarlyAnswer(hearing.segmenter, self._rejection, mailbox)
        self._meter = Meter(hearing, caller)
        self._framer = Framer()
        self._unheard: list[AudioBlock] = []
        self._last_block = time.monotonic()
        self.monitor = SignalMonitor()
        self.blocks = 0
        self.is_speaking = False
        self.behind = 0.0
        # With every reason from the start: it must not grow while another thread reads it.
        self.rejected: Counter[Reason] = Counter(dict.fromkeys(REASONS, 0))

    @property
    def seconds_since_block(self) -> float:
        """Seconds since the latest block was read, or since the beginning."""
        return time.monotonic() - self._last_block

    def run(self) -> None:
        """Listen until the source has ended or all is over, and close the source. Raises SerError."""
        try:
            self._source.start()
            silence = 0.0
            while not self._caller.is_over:
                began = time.monotonic()
                block = self._source.read(_READ_TIMEOUT)
                if block is not None:
                    silence = 0.0
                    self._hear(block)
                    if self._may_rest(block):
                        self._caller.wait_until_over(_REST)
                    continue
                # If a read took longer, this machine stalled and not the source: its sound may be waiting.
                silence += min(time.monotonic() - began, _READ_TIMEOUT)
                if self._source.live and silence > self._source.longest_pause:
                    self._interrupt()
        except EndOfAudio:
            self._interrupt()
            self._mailbox.close()
        finally:
            # Here, because a driver must not be closed by one thread while another is inside it.
            self._source.close()

    def _may_rest(self, block: AudioBlock) -> bool:
        """Return whether no one is speaking, everything is processed, and nothing more has come meanwhile."""
        is_quiet = self._segmenter.state is SpeechState.QUIET and not self._unheard
        return is_quiet and self._source.live and 0.0 <= time.monotonic() - block.arrival < _REST

    def _hear(self, block: AudioBlock) -> None:
        self.blocks += 1
        self._last_block = time.monotonic()
        self.behind = self._last_block - block.arrival
        self.monitor.hear(block.samples)
        closed = self._gate.closed(block.arrival - block.duration, block.arrival)
        if block.after_gap or closed:
            # Muting also drops what is being said. A robot may be speaking in reply to it, so there the stamps decide.
            self._interrupt(closed if closed is Closure.MUTED else None)
        if closed:
            self._meter.overhear(block, closed)
        else:
            self._segment(self._framer.push(block))

    def _interrupt(self, closure: Closure | None = None) -> None:
        """End the utterance in progress and reset the stream: what follows is unrelated to what was heard so far.

        With a `closure` that utterance is not answered.
        """
        self._segment(self._framer.flush(), at_once=True)
        self._hand_over(self._hearing.end(), closure)
        self._early.give_up()
        self._report_speaking()

    def _segment(self, chunks: list[AudioBlock], *, at_once: bool = False) -> None:
        self._unheard += chunks
        if self._segmenter.state is SpeechState.QUIET and len(self._unheard) < _QUIET_CHUNKS and not at_once:
            return
        chunks, self._unheard = self._unheard, []
        for chunk in chunks:
            before = self._segmenter.state
            utterances = self._hearing.hear(chunk)
            self._meter.hear(chunk)
            self._report_speaking()
            self._hand_over(utterances)
            if self._source.live:  # a source that can wait needs no answer before the end
                self._early.follow(before)

    def _report_speaking(self) -> None:
        if self._segmenter.is_speaking != self.is_speaking:
            self.is_speaking = not self.is_speaking
            self._caller.speaking(self.is_speaking)

    def _hand_over(self, utterances: list[Utterance], closure: Closure | None = None) -> None:
        for utterance in utterances:
            reason = closure or self._rejection(utterance)
            if reason is None:
                self._mailbox.put(self._early.serve(utterance), wait=not self._source.live)
            elif utterance.is_final:
                self.rejected[reason] += 1

    def _rejection(self, utterance: Utterance) -> Reason | None:
        closed = self._gate.closed_during(utterance)
        if closed is not None:
            return closed
        if self._early.is_asked_for:
            return None  # judged when the voice paused, and answered as it was then
        return self._hearing.rejection(utterance)
