# SPDX-License-Identifier: Apache-2.0
"""Downloads a large file: shows progress, continues an interrupted download, and checks the result."""

import hashlib
from http import HTTPStatus
from pathlib import Path

import requests
from filelock import FileLock
from tqdm.auto import tqdm

from ser_ros.errors import SerError
from ser_ros.training.data import ravdess
from ser_ros.training.storage.cache import CACHE_VARIABLE, cache_folder

_TIMEOUT = 30.0
"""Seconds without an answer, or without more data, after which the server counts as gone."""

_CHUNK_BYTES = 1 << 16


def download_ravdess() -> Path:
    """Return the official zip of the RAVDESS speech clips, downloaded into the cache once. Raises SerError."""
    return download(ravdess.URL, cache_folder() / ravdess.ARCHIVE, ravdess.MD5)


def download(url: str, path: Path, md5: str) -> Path:
    """Return `path` after the file at `url` has been downloaded to it and has the MD5 sum `md5` (hexadecimal).

    An existing correct file is kept. Until it is complete and correct the file is called `path` with `.part` appended;
    another call continues that one. Processes that start together wait for the first.

    Raises:
        SerError: There is no network or no disk space, or `path` or the download is another file.
    """
    part = path.with_name(f'{path.name}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f'{path.name}.lock')):
            if path.exists():
                if _md5(path) != md5:
                    raise SerError(f'{path} exists already, but is not the file of {url} (other MD5 sum); remove it')
                return path
            _fetch(url, part)
            if _md5(part) != md5:
                part.unlink()
                raise SerError(
                    f'what has come from {url} is not the right file (other MD5 sum) and was removed; '
                    f'run the same again, or {_by_hand(path)}'
                )
            part.replace(path)
    except OSError as error:
        raise SerError(
            f'{url} cannot be saved as {path} ({error.strerror or error}); free some space there, '
            f'or set {CACHE_VARIABLE} to another folder'
        ) from None
    return path


def _fetch(url: str, part: Path) -> None:
    """Append to `part` the missing rest of the file at `url`. Raises SerError for network errors."""
    have = part.stat().st_size if part.exists() else 0
    headers = {'Accept-Encoding': 'identity', **({'Range': f'bytes={have}-'} if have else {})}
    by_hand = _by_hand(part.with_suffix(''))
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
            if have and answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # it is already complete
            if not answer.ok:
                raise SerError(f'{url} answers {answer.status_code} {answer.reason}; try later, or {by_hand}')
            goes_on = answer.status_code == HTTPStatus.PARTIAL_CONTENT
            _save(answer, part, have if goes_on else 0)
    except requests.RequestException as error:
        now = part.stat().st_size if part.exists() else 0
        if now:
            raise SerError(
                f'the download of {url} broke off after {now / 1e6:.1f} MB ({_reason(error)}), which are kept; '
                f'run the same again to continue, or {by_hand}'
            ) from None
        raise SerError(f'{url} cannot be reached ({_reason(error)}); check the network, or {by_hand}') from None


def _save(answer: requests.Response, part: Path, have: int) -> None:
    left = answer.headers.get('Content-Length')
    bar = tqdm(
        desc=f'downloading {part.stem}',
        total=have + int(left) if left else None,
        initial=have,
        unit='B',
        unit_scale=True,
    )
    with bar, part.open('ab' if have else 'wb') as file:
        for chunk in answer.iter_content(_CHUNK_BYTES):
            file.write(chunk)
            bar.update(len(chunk))


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _by_hand(path: Path) -> str:
    return f'download {path.name} elsewhere and give it as the data'


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return f'no answer for {_TIMEOUT:.0f} s'
    if isinstance(error, requests.exceptions.SSLError):
        return 'its certificate is not trusted'
    return 'no connection'
