# SPDX-License-Identifier: Apache-2.0
"""How a stream of chunks becomes utterances: the detector listens, the segmenter cuts, the judge rejects."""

from ser_ros.audio.block import AudioBlock
from ser_ros.speech.fused import FusedVad
from ser_ros.speech.noise_floor import NoiseFloor
from ser_ros.speech.rejection import Judge, Rejection, RejectionConfig
from ser_ros.speech.segmenter import SegmentationConfig, Segmenter, SpeechState, Utterance
from ser_ros.speech.vad import VoiceActivityDetector


class Hearing:
    """Listens to one stream, live or recorded; `segmenter`, `noise_floor` and `judge` hold the current state.

    Attributes:
        speech_probability: Of the last chunk, 0..1.
    """

    def __init__(
        self,
        segmentation: SegmentationConfig | None = None,
        rejection: RejectionConfig | None = None,
        detector: VoiceActivityDetector | None = None,
    ):
        """Start in silence; without a `detector` a new `FusedVad` listens."""
        self.segmenter = Segmenter(segmentation or SegmentationConfig())
        self.noise_floor = NoiseFloor()
        self.judge = Judge(rejection)
        self.speech_probability = 0.0
        self._detector = detector or FusedVad()

    def hear(self, chunk: AudioBlock) -> list[Utterance]:
        """Take the stream's next chunk (512 samples) and return what it completes, at most one utterance."""
        self.speech_probability = probability = self._detector.speech_probability(chunk.samples)
        utterances = self.segmenter.push(chunk, probability)
        self.noise_floor.hear(chunk.samples, probability, self.segmenter.state)
        if utterances and self.segmenter.state is SpeechState.QUIET:
            # The next speaker must not be detected less well because of the one before: after a shout, a detector that
            # remembers it gives an ordinary voice half the probability.
            self._detector.reset()
        return utterances

    def end(self) -> list[Utterance]:
        """End the stream: return the utterance in progress; the next chunk begins another stream."""
        self._detector.reset()
        return self.segmenter.flush()

    def rejection(self, utterance: Utterance) -> Rejection | None:
        """Return why `utterance`, interim or final, is not to be answered; None if it is."""
        return self.judge.judge(utterance, self.noise_floor.level)
