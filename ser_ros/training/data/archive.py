# SPDX-License-Identifier: Apache-2.0
"""Unpacks a zip of RAVDESS clips into the cache, once."""

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from filelock import FileLock
from tqdm.auto import tqdm

from ser_ros.errors import SerError
from ser_ros.places import is_hidden
from ser_ros.training.data.corpora.acted import RAVDESS
from ser_ros.training.data.corpora.scheme import SUFFIXES, left_out_sentences
from ser_ros.training.data.ravdess import ARCHIVE, is_clip_name
from ser_ros.training.storage.cache import CACHE_VARIABLE, cache_folder

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises: no zip or a wrong checksum; broken compression; truncated; unknown compression; encrypted."""


def unpack_clips(archive: Path) -> Path:
    """Return a folder in the cache that holds every RAVDESS speech clip of the zip `archive`, side by side.

    The content of the zip determines the folder, so that the same zip in another place is not unpacked again; processes
    that start together wait for the first. Two identical copies of a clip, which some downloads have, become one.

    Raises:
        SerError: The zip is damaged, holds no clip or two different ones of the same name, or the cache cannot be
            written.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = _clips_in(file, archive)
            folder = cache_folder() / 'unpacked' / _fingerprint(members)
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix('.lock')):
                if not folder.is_dir():
                    _unpack(file, members, folder)
    except _DAMAGED as error:
        raise SerError(f'{archive} is not a whole zip file ({str(error).rstrip(".")}); download it again') from None
    except OSError as error:
        raise SerError(
            f'{archive} cannot be unpacked into {cache_folder()} ({error.strerror or error}); free some space there, '
            f'or set {CACHE_VARIABLE} to another folder'
        ) from None
    return folder


def left_out_of(archive: Path) -> tuple[str, ...]:
    """Return sentences on the sound files of a zip that unpack_clips passes over: copies, and those of other names."""
    clips: dict[str, str] = {}
    copies: list[tuple[str, str]] = []
    others = 0
    with zipfile.ZipFile(archive) as file:
        for member, path in _sound_files_in(file):
            if not is_clip_name(path.stem):
                others += 1
            elif clips.setdefault(path.name, member.filename) != member.filename:
                copies.append((member.filename, clips[path.name]))
    return tuple(left_out_sentences(copies, others, RAVDESS.name))


def _clips_in(file: zipfile.ZipFile, archive: Path) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member, path in _sound_files_in(file):
        if not is_clip_name(path.stem):
            continue
        twin = members.setdefault(path.name, member)
        if (twin.CRC, twin.file_size) != (member.CRC, member.file_size):
            raise SerError(
                f'{archive} holds two different clips {path.name} ({twin.filename} and {member.filename}); '
                f'give the official {ARCHIVE}'
            )
    if not members:
        raise SerError(f'{archive} holds no RAVDESS speech clip; give {ARCHIVE}, or a folder or table of clips')
    return members


def _sound_files_in(file: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    for member in file.infolist():
        path = PurePosixPath(member.filename)
        if not member.is_dir() and path.suffix.lower() in SUFFIXES and not any(map(is_hidden, path.parts)):
            yield member, path


def _fingerprint(members: dict[str, zipfile.ZipInfo]) -> str:
    contents = sorted((name, member.CRC, member.file_size) for name, member in members.items())
    return hashlib.sha256(repr(contents).encode()).hexdigest()[:16]


def _unpack(file: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], folder: Path) -> None:
    partial = folder.with_suffix('.partial')
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        for name, member in tqdm(members.items(), desc='unpacking', unit='clip'):
            # Only the file name, without the member's folders, so that nothing can be written outside.
            with file.open(member) as packed, (partial / name).open('wb') as unpacked:
                shutil.copyfileobj(packed, unpacked)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
