# SPDX-License-Identifier: Apache-2.0
"""A download goes on where it broke off, is checked, and is never taken for whole before."""

import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ser_ros.training.data import ravdess
from ser_ros.training.data.download import download, download_ravdess

CONTENT = bytes(range(256)) * 4000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `content` on this machine; breaks off after `breaks_after` bytes of an answer; notes what it sent."""

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.content = CONTENT
        self.knows_ranges = True
        self.breaks_after = None
        self.status = None
        self.sent = []

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_port}/files/clips.zip?download=1'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        start = 0
        if 'Range' in self.headers and server.knows_ranges:
            start = int(self.headers['Range'].removeprefix('bytes=').removesuffix('-'))
        if server.status or start >= len(server.content):
            self.send_response(server.status or 416)
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(server.content) - 1}/{len(server.content)}')
        self.send_header('Content-Length', str(len(server.content) - start))
        self.end_headers()
        answer = server.content[start:][: server.breaks_after]
        server.sent.append(len(answer))
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ('no_proxy', 'NO_PROXY'):
        monkeypatch.setenv(name, '127.0.0.1')
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'data' / 'clips.zip'


def left_by(path):
    """Return what lies beside `path`, but for the lock."""
    return sorted(item.name for item in path.parent.iterdir() if item.suffix != '.lock')


def test_what_is_served_is_saved_once(server, path, capsys):
    for _ in range(2):
        assert download(server.url, path, MD5) == path
    assert path.read_bytes() == CONTENT and left_by(path) == ['clips.zip']
    assert server.sent == [len(CONTENT)]
    assert 'downloading clips.zip: 100%' in capsys.readouterr().err


@pytest.mark.parametrize('knows_ranges', [True, False])
def test_a_download_that_broke_off_goes_on(server, path, refuses, knows_ranges):
    server.breaks_after = 300_000
    with refuses('broke off after 0.3 MB', 'run the same again'):
        download(server.url, path, MD5)
    assert left_by(path) == ['clips.zip.part']
    kept = path.with_name('clips.zip.part').stat().st_size
    assert 0 < kept <= 300_000
    server.breaks_after = None
    server.knows_ranges = knows_ranges
    assert download(server.url, path, MD5).read_bytes() == CONTENT
    assert left_by(path) == ['clips.zip']
    assert server.sent == [300_000, len(CONTENT) - (kept if knows_ranges else 0)]


def test_a_download_that_was_killed_before_its_check_is_checked(server, path):
    path.parent.mkdir()
    path.with_name('clips.zip.part').write_bytes(CONTENT)
    assert download(server.url, path, MD5).read_bytes() == CONTENT
    assert server.sent == [] and left_by(path) == ['clips.zip']


def test_another_file_is_removed(server, path, refuses):
    path.parent.mkdir()
    path.with_name('clips.zip.part').write_bytes(b'what was served last year')
    with refuses('not the right file', 'was removed', 'run the same again'):
        download(server.url, path, MD5)
    assert left_by(path) == []
    assert download(server.url, path, MD5).read_bytes() == CONTENT


def test_a_file_that_is_there_but_another_is_never_touched(server, path, refuses):
    path.parent.mkdir()
    path.write_bytes(b'thesis')
    with refuses('exists already', 'remove it'):
        download(server.url, path, MD5)
    assert path.read_bytes() == b'thesis' and server.sent == []


@pytest.mark.parametrize('status', [404, 503])
def test_a_server_that_refuses_is_told(server, path, refuses, status):
    server.status = status
    with refuses(f'answers {status}', 'give it as the data'):
        download(server.url, path, MD5)
    assert left_by(path) == []


def test_no_server_is_told(path, refuses):
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    with refuses('cannot be reached', 'check the network', 'download clips.zip elsewhere'):
        download(f'http://127.0.0.1:{port}/clips.zip', path, MD5)
    assert left_by(path) == []


def test_a_server_that_falls_silent_is_told(path, refuses, monkeypatch):
    monkeypatch.setattr('ser_ros.training.data.download._TIMEOUT', 0.05)
    with socket.create_server(('127.0.0.1', 0)) as silent:
        url = f'http://127.0.0.1:{silent.getsockname()[1]}/clips.zip'
        with refuses('cannot be reached', 'no answer for'):
            download(url, path, MD5)


def test_a_disk_without_room_is_told(server, path, refuses, disk_without_room):
    with disk_without_room(), refuses('cannot be saved', str(path), 'free some space'):
        download(server.url, path, MD5)
    assert left_by(path) == ['clips.zip.part']
    assert download(server.url, path, MD5).read_bytes() == CONTENT


def test_ravdess_comes_into_the_cache(server, cache, monkeypatch):
    monkeypatch.setattr(ravdess, 'URL', server.url)
    monkeypatch.setattr(ravdess, 'MD5', MD5)
    assert download_ravdess() == cache / 'Audio_Speech_Actors_01-24.zip'
    assert (cache / 'Audio_Speech_Actors_01-24.zip').read_bytes() == CONTENT
