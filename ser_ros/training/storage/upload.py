# SPDX-License-Identifier: Apache-2.0
"""Uploads a finished model folder to the Hugging Face Hub."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from ser_ros.errors import SerError, reason

_CONFIG = 'config.json'

_NOT_UPLOADED = ['.*', '*.csv']
"""Hidden files, and the tables of clips: they name files and speakers of the person who trained."""

_LOG_IN = '`hf auth login` or HF_TOKEN with a token that may write'


def push(folder: Path, name: str) -> str:
    """Upload the model in `folder` as `name` ('owner/name', or 'name' in the own account); return its address.

    A new repository is private, so that its owner can check the model card and the data's licence before others see it.
    An existing one keeps its visibility and gets another commit. Tables of clips are not uploaded.

    Raises:
        SerError: `folder` is not one whole model, there is no token or no network, or the Hub refuses.
    """
    _refuse_what_is_no_model(folder)
    check_account()
    api = HfApi()
    with _in_a_sentence(f'{folder} could not be uploaded as {name}'):
        repository = api.create_repo(name, private=True, exist_ok=True)
        api.upload_folder(
            repo_id=repository.repo_id,
            folder_path=folder,
            ignore_patterns=list(_NOT_UPLOADED),
            commit_message=f'Upload {folder.resolve().name}, trained with ser_ros',
        )
    return str(repository)


def check_account() -> None:
    """Raise SerError if the Hub cannot be reached or accepts no token from here; call it before a long training."""
    with _in_a_sentence('the account on the Hugging Face Hub could not be checked'):
        HfApi().whoami()


def _refuse_what_is_no_model(folder: Path) -> None:
    if (folder / _CONFIG).is_file():
        if not any(folder.glob('*.safetensors')):
            raise SerError(f'{folder} holds no .safetensors weights, so there is no model to upload; train it first')
        return
    folds = sorted(path.parent.name for path in folder.glob(f'fold-*/{_CONFIG}'))
    if folds:
        raise SerError(
            f'{folder} holds the models of {len(folds)} folds, not one; upload one of them, such as '
            f'{folder / folds[0]}, or train one on all clips with --protocol full'
        )
    if folder.is_dir():
        raise SerError(
            f'the folder {folder} holds no {_CONFIG}, so there is no model to upload; give one that train made'
        )
    raise SerError(f'there is no folder {folder}; give the model folder that train made')


@contextlib.contextmanager
def _in_a_sentence(fact: str) -> Iterator[None]:
    """Turn errors of the library into a SerError that begins with `fact`."""
    try:
        yield
    except LocalTokenNotFoundError:
        raise SerError(f'{fact}: no token of the Hugging Face Hub is on this machine; give {_LOG_IN}') from None
    except HFValidationError as error:
        raise SerError(f'{fact}: the name does not fit ({reason(error)}); write it as owner/name') from None
    except OfflineModeIsEnabled:
        raise SerError(f'{fact}: HF_HUB_OFFLINE forbids to use the network; unset it') from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        answer = error.server_message or HTTPStatus(status).phrase
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise SerError(f'{fact}: the Hub does not allow it ({status} {answer}); give {_LOG_IN}') from None
        raise SerError(f'{fact}: the Hub answers {status} {answer}; try again later') from None
    except (HTTPError, OSError, RuntimeError) as error:
        raise SerError(f'{fact}: the connection failed ({reason(error)}); check the network, try again') from None
