# SPDX-License-Identifier: Apache-2.0
"""The files of a Hugging Face model folder: only plain ones of sane size are read, and only data is taken from them."""

import json
import os
from pathlib import Path
from typing import Any

from ser_ros.errors import SerError, reason
from ser_ros.files import check_plain, read_plain

CONFIG = 'config.json'
EXTRACTION = 'preprocessor_config.json'
PROCESSOR = 'processor_config.json'
"""Holds the content of EXTRACTION too where transformers saved more than a feature extractor."""

WEIGHTS = 'model.safetensors'
WEIGHTS_INDEX = 'model.safetensors.index.json'
"""Names the files of weights that were too large for one."""

CURE = 'give a complete Hugging Face audio-classification folder'

_ADAPTER = 'adapter_config.json'
_PROCESSOR_KEYS = ('feature_extractor', 'audio_processor')

_MOST_JSON = 16 << 20
"""Bytes. The names of 4000 labels take 0.2 MB, the index of a sharded model of 2000 weights as much."""


def read_config(folder: Path) -> dict[str, Any]:
    """Return the content of config.json. Raises SerError."""
    values = read_json(folder / CONFIG)
    if values is None:
        raise SerError(f'{folder} holds no {CONFIG}; {CURE}')
    return values


def read_extraction(folder: Path) -> dict[str, Any]:
    """Return the settings of the feature extractor. Raises SerError."""
    processor = read_json(folder / PROCESSOR) or {}
    for values in (processor.get(key) for key in _PROCESSOR_KEYS):
        if isinstance(values, dict):
            return values
    values = read_json(folder / EXTRACTION)
    if values is None:
        raise SerError(f'{folder} holds no {EXTRACTION}; {CURE}')
    return values


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights, all of them plain ones.

    Raises:
        SerError: There are none, a file is missing or not plain, or there is an adapter, without which they are not
            the model.
    """
    if os.path.lexists(folder / _ADAPTER):
        raise SerError(
            f'{folder} holds an adapter for another model ({_ADAPTER}), which is never fetched; '
            'merge them with `merge_and_unload` of peft and save the result with save_pretrained'
        )
    if os.path.lexists(folder / WEIGHTS):
        files = [folder / WEIGHTS]
    elif (index := read_json(folder / WEIGHTS_INDEX)) is not None:
        files = [folder / name for name in _shards(folder, index)]
    else:
        raise SerError(
            f'{folder} holds no {WEIGHTS}, and pickled weights are never loaded; '
            'save the model again with save_pretrained of a current transformers'
        )
    for file in files:
        try:
            check_plain(file)
        except OSError as error:
            raise SerError(f'{file} cannot be read ({error.strerror}); {CURE}') from None
    return files


def source_files(folder: Path) -> list[Path]:
    """Return all files that decide what the model in `folder` answers, by name."""
    settings = [folder / name for name in (CONFIG, EXTRACTION, PROCESSOR, WEIGHTS_INDEX)]
    return sorted([*folder.glob('*.safetensors'), *(path for path in settings if os.path.lexists(path))])


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in the JSON file `path`; None if there is no such file.

    Raises SerError if it cannot be read, is damaged, or gives one of its keys twice.
    """
    try:
        values = json.loads(read_plain(path, _MOST_JSON).decode('utf-8-sig'), object_pairs_hook=_object)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SerError(f'{path} cannot be read ({error.strerror}); {CURE}') from None
    except (ValueError, RecursionError) as error:
        raise SerError(f'{path} is damaged ({reason(error)}); {CURE}') from None
    if not isinstance(values, dict):
        raise SerError(f'{path} holds no object of JSON; {CURE}')
    return values


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f'the key {twice!r} is given twice')
    return values


def _shards(folder: Path, index: dict[str, Any]) -> list[str]:
    names = index.get('weight_map')
    names = set(names.values()) if isinstance(names, dict) and names else {None}
    for name in names:
        is_name = isinstance(name, str) and Path(name).name == name and name.endswith('.safetensors')
        if not is_name:
            raise SerError(
                f'{folder / WEIGHTS_INDEX} names {name!r} as a file of weights, which is no .safetensors file in that '
                f'folder; {CURE}'
            )
    return sorted(str(name) for name in names)
