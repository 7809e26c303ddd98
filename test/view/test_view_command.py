# SPDX-License-Identifier: Apache-2.0
"""The command `view`: what it says of addresses that it cannot have, and without its extra."""

import socket
from types import SimpleNamespace

import pytest

from ser_ros.cli import view

pytest.importorskip('nicegui')
server = pytest.importorskip('ser_ros.view.server')
page = pytest.importorskip('ser_ros.view.page')


@pytest.fixture
def busy():
    """Return a port on which another program listens."""
    with socket.create_server(('127.0.0.1', 0)) as other:
        yield other.getsockname()[1]


def test_a_busy_port_that_was_asked_for_is_refused_in_a_sentence(refuses, busy):
    with refuses('another program listens', str(busy), '--port'):
        server.listen('127.0.0.1', busy)


def test_without_one_the_next_free_port_is_taken(monkeypatch, busy):
    monkeypatch.setattr(server, 'DEFAULT_PORT', busy)
    with server.listen('127.0.0.1', None) as listening:
        assert busy < listening.getsockname()[1] < busy + 20


@pytest.mark.parametrize('host', ['256.1.1.1', 'no such host', '8.8.8.8'])
def test_an_address_that_is_none_of_this_machine_is_refused(refuses, host):
    with refuses('--host', host):
        server.listen(host, 0)


@pytest.mark.parametrize(
    ('host', 'local'), [('127.0.0.1', True), ('localhost', True), ('::1', True), ('0.0.0.0', False), ('robot', False)]
)
def test_it_knows_who_can_reach_it(host, local):
    assert server.is_local(host) is local


class Watched:
    """Stands in for a link."""

    def __init__(self):
        self.watchers = set()
        self.watch, self.unwatch = self.watchers.add, self.watchers.discard


def test_a_browser_that_has_connected_anew_is_still_there_when_its_old_connection_is_lost():
    link = Watched()
    client = SimpleNamespace(id='browser', has_socket_connection=True)
    page.note_watcher(link, client)
    page.note_watcher(link, client)  # the old connection ends while the new one is there
    assert link.watchers == {'browser'}
    client.has_socket_connection = False
    page.note_watcher(link, client)
    assert link.watchers == set()


@pytest.mark.parametrize('port', ['-1', '65536', 'http', '1.5', ''])
def test_what_is_no_port_is_refused(capsys, port):
    with pytest.raises(SystemExit):
        view.main(['--port', port])
    assert 'is not a port' in capsys.readouterr().err


def test_without_its_extra_it_says_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setattr('ser_ros.extras.find_spec', lambda module: None)
    assert view.main(['--no-browser']) == 1
    assert 'pip install nicegui' in capsys.readouterr().err


def test_a_name_that_is_none_of_a_node_ends_in_a_sentence(capsys):
    assert view.main(['--node', 'two words']) == 1
    assert 'is not the name of a node' in capsys.readouterr().err
