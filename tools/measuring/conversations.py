# SPDX-License-Identifier: Apache-2.0
"""Conversations made of real clips, and how steady and how right is what somebody sees who follows one.

A conversation: one voice, five utterances of one emotion, then five of another, and four ordinary ones (neutral)
at random places among them but the first: 29 %; 2 to 6 s of silence before each. A plain conversation: fourteen
ordinary utterances. Each voice with enough clips has several of both, one after the other with silence that ends any
mood; the model begins with it as with a stranger, and gets used to it as in the node.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ser_ros.emotions import UNKNOWN
from ser_ros.recognition.adaptation import ORDINARY
from ser_ros.recognition.adaptation_prior import AdaptationPrior
from ser_ros.training.data.recordings import Recording
from ser_ros.training.evaluation.adapted import answer_stream
from ser_ros.training.evaluation.spoken import Outputs
from ser_ros.training.evaluation.streams import Stream

CONVERSATIONS, PLAIN = 6, 2
"""Of each voice."""

RUN, ORDINARY_ONES = 5, 4
LENGTH = 2 * RUN + ORDINARY_ONES
PAUSE = (2.0, 6.0)
"""Seconds."""


@dataclass(frozen=True, eq=False)
class Said:
    """One utterance of a conversation.

    Attributes:
        start: Seconds from the beginning of the conversation.
        end: Likewise.
        mood: That whoever speaks is in.
        answer: The model's, shape (labels,).
    """

    start: float
    end: float
    mood: str
    answer: np.ndarray


Conversation = list[Said]
Follower = Callable[[Conversation], list[str]]
"""What somebody sees after each utterance: a label or UNKNOWN."""


def conversations(
    recordings: Sequence[Recording], outputs: Outputs, temperature: float, prior: AdaptationPrior, seed: int
) -> tuple[list[Conversation], list[Conversation]]:
    """Return conversations with two moods, and plain ones, of every voice that has enough clips."""
    draw = np.random.default_rng(seed)
    lively, plain = [], []
    for voice in sorted({recording.clip.voice for recording in recordings} - {''}):
        clips: dict[str, list[int]] = {}
        for index, recording in enumerate(recordings):
            if recording.clip.voice == voice:
                clips.setdefault(recording.clip.emotion, []).append(index)
        emotions = sorted(name for name in clips if name not in ORDINARY and len(clips[name]) >= RUN)
        if 'neutral' not in clips or len(emotions) < 2:
            continue
        scripts = [_script(clips, emotions, draw) for _ in range(CONVERSATIONS)]
        plain_scripts = [
            [(int(clip), 'neutral') for clip in draw.choice(clips['neutral'], LENGTH)] for _ in range(PLAIN)
        ]
        for made, drawn in ((lively, scripts), (plain, plain_scripts)):
            order = np.array([clip for script in drawn for clip, _ in script])
            stream = Stream(order, np.ones(len(order), dtype=bool))
            answers = iter(answer_stream(outputs, temperature, stream, prior))
            made += [_spoken(script, recordings, answers, draw) for script in drawn]
    return lively, plain


def _script(clips: dict[str, list[int]], emotions: list[str], draw: np.random.Generator) -> list[tuple[int, str]]:
    """Return the clips of a conversation, each with the mood that its speaker is in."""
    chosen = [
        (int(clip), mood) for mood in draw.permutation(emotions)[:2] for clip in draw.choice(clips[mood], RUN, False)
    ]
    ordinary = set(draw.permutation(np.arange(1, LENGTH))[:ORDINARY_ONES].tolist())
    script: list[tuple[int, str]] = []
    for place in range(LENGTH):
        if place in ordinary:
            script.append((int(draw.choice(clips['neutral'])), script[-1][1]))
        else:
            script.append(chosen.pop(0))
    return [(clip, str(mood)) for clip, mood in script]


def _spoken(
    script: list[tuple[int, str]],
    recordings: Sequence[Recording],
    answers: Iterator[np.ndarray],
    draw: np.random.Generator,
) -> Conversation:
    said, now = [], 0.0
    for clip, mood in script:
        start = now + draw.uniform(*PAUSE)
        begin, end = recordings[clip].speech
        now = start + end - begin
        said.append(Said(start, now, mood, next(answers)))
    return said


@dataclass(frozen=True)
class Followed:
    """What a follower makes of conversations.

    Attributes:
        flips: Changes of what is seen, per minute.
        utterances: From the first of a mood on until it is seen, on average; one more than it had if it never is.
        seconds: The same, only of the moods that are seen at all, to the end of that utterance.
        missed: Share of moods that are never seen.
        right: Share of utterances after which the right mood is seen.
        alarms: Share of utterances of plain conversations after which anything but an ordinary mood, or none, is seen.
    """

    flips: float
    utterances: float
    seconds: float
    missed: float
    right: float
    alarms: float


def follow(follower: Follower, lively: Sequence[Conversation], plain: Sequence[Conversation]) -> Followed:
    """Return what `follower` makes of conversations."""
    flips, minutes, utterances, seconds, missed, right = 0, 0.0, [], [], [], []
    for conversation in lively:
        seen = follower(conversation)
        flips += sum(before != after for before, after in zip([UNKNOWN, *seen], seen, strict=False))
        minutes += conversation[-1].end / 60.0
        right += [label == said.mood for label, said in zip(seen, conversation, strict=True)]
        for mood in dict.fromkeys(said.mood for said in conversation):
            spoken = [(said, label) for said, label in zip(conversation, seen, strict=True) if said.mood == mood]
            found = next((row for row, (_, label) in enumerate(spoken) if label == mood), None)
            missed.append(found is None)
            utterances.append(len(spoken) + 1 if found is None else found + 1)
            if found is not None:
                seconds.append(spoken[found][0].end - spoken[0][0].start)
    quiet = [label not in (*ORDINARY, UNKNOWN) for conversation in plain for label in follower(conversation)]
    return Followed(
        flips=flips / minutes,
        utterances=float(np.mean(utterances)),
        seconds=float(np.mean(seconds)) if seconds else float('nan'),
        missed=float(np.mean(missed)),
        right=float(np.mean(right)),
        alarms=float(np.mean(quiet)),
    )
