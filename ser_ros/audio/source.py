# SPDX-License-Identifier: Apache-2.0
"""The interface of every audio source, and its errors."""

from typing import Protocol

from ser_ros.audio.block import AudioBlock
from ser_ros.errors import SerError, SettingError

MEAN_OF_CHANNELS = -1
"""Value of `audio.channel` that averages all channels instead of picking one."""

LONGEST_PAUSE = 0.7
"""Seconds without sound after which a live source counts as silent, and an utterance in progress has ended. Blocks come
every 32 ms, messages on a network in bursts; a check five times a second still notices within one second."""


class SourceUnavailable(SerError):
    """A source that is missing or in use, and may be available later: plugged in, or released by a program."""


class EndOfAudio(Exception):
    """The source has no more sound: a file was read to its end."""


class AudioSource(Protocol):
    """Where sound comes from: opened, started, read until `EndOfAudio` or as long as needed, closed; repeatable."""

    @property
    def description(self) -> str:
        """What is being listened to, for people: `microphone 'USB Audio', 48000 Hz`."""

    @property
    def live(self) -> bool:
        """Whether sound is lost when it is not read in time."""

    @property
    def losses(self) -> dict[str, int]:
        """How often sound was lost, by its plain cause (`overflows`, `gaps`), since the source was made."""

    @property
    def problem(self) -> str:
        """One sentence while no usable sound comes: the fact and the cure; '' if all is well."""

    @property
    def remark(self) -> str:
        """What is to be told of the sound, though it is usable; '' if nothing."""

    @property
    def longest_pause(self) -> float:
        """Seconds without a block after which a live source is silent and an utterance in progress has ended."""

    def open(self) -> None:
        """Check and open the source; does nothing if it is open already. Raises SerError."""

    def start(self) -> None:
        """Start capturing. Raises SerError."""

    def read(self, timeout: float) -> AudioBlock | None:
        """Return the next block, or None if none came within `timeout` seconds. Raises EndOfAudio, SerError."""

    def close(self) -> None:
        """Release the source; never raises, and may be called at any time."""


def check_channel(channel: int, available: int, what: str) -> None:
    """Raise SerError if `channel` (0-based, or -1) is not among the `available` ones of `what`."""
    if not MEAN_OF_CHANNELS <= channel < available:
        raise SettingError(
            'audio.channel',
            lambda name: (
                f'{what} has {available} channel(s), so {name} {channel} does not exist; '
                f'set it to 0..{available - 1}, or to -1 for the mean of all'
            ),
        )
