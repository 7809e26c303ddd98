# SPDX-License-Identifier: Apache-2.0
"""Whatever models are read from, it is not the network."""

import socket

import pytest


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Fail whatever opens a connection or looks a host up."""

    def refuse(*args, **options):
        pytest.fail(f'touched the network: {args}')

    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(socket.socket, 'connect_ex', refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
