# SPDX-License-Identifier: Apache-2.0
"""Whatever models are read from, it is not the network."""

import shutil
import socket
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Fail whatever opens a connection or looks a host up."""

    def refuse(*args, **options):
        pytest.fail(f'touched the network: {args}')

    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(socket.socket, 'connect_ex', refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)


@pytest.fixture
def copy(models, tmp_path):
    """Return copy(family): a folder of one's own to spoil."""

    def of(family='wav2vec2-layer') -> Path:
        return Path(shutil.copytree(models / family, tmp_path / family))

    return of
