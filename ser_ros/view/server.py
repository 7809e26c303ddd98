# SPDX-License-Identifier: Apache-2.0
"""Serves the page on a thread of its own, so that the main one can wait for Ctrl-C."""

import errno
import ipaddress
import socket
import threading
import time

import uvicorn
from fastapi import FastAPI
from nicegui import ui
from starlette.middleware.trustedhost import TrustedHostMiddleware

from ser_ros.errors import SerError
from ser_ros.system_errors import why
from ser_ros.view.link import Link
from ser_ros.view.page import show_page

DEFAULT_PORT = 8080
_PORTS_TRIED = 20
"""From the default one on, where none is asked for."""
_START_TIMEOUT = 60.0
_STOP_TIMEOUT = 5.0
_STEP = 0.05


def listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens on `host` and `port`, without one on the first free port from 8080 on.

    Raises SerError.
    """
    ports = [port] if port is not None else range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED)
    for tried in ports:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, tried, type=socket.SOCK_STREAM)[0]
            return _bound(family, kind, protocol, address)
        except socket.gaierror as error:
            raise SerError(
                f'--host {host} cannot be resolved ({error.strerror}); give an address such as 127.0.0.1'
            ) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SerError(f'--host {host}, --port {tried}: {why(error)}; give others') from None
    raise SerError(
        f'another program listens on {host}, port {ports[-1]}; give a free one with --port, or end that program'
    )


def _bound(family: int, kind: int, protocol: int, address: tuple) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def is_local(host: str) -> bool:
    """Return whether only programs on this machine reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


class PageServer:
    """Serves the page of a link to any number of browsers; one in a process, as NiceGUI wants it."""

    def __init__(self, link: Link, host: str, listening: socket.socket):
        """Prepare to serve on `listening`, which is on `host`."""
        self._socket = listening
        port = listening.getsockname()[1]
        self.address = f'http://{f"[{host}]" if ":" in host else host}:{port}'
        app = FastAPI(openapi_url=None)
        if is_local(host):
            # Or a page from elsewhere, whose name has come to mean this machine, could read and set what this one can.
            app.add_middleware(TrustedHostMiddleware, allowed_hosts=['localhost', '127.0.0.1', '[::1]'])
        ui.page('/', title=f'{link.followed.name}: what it hears', language='en-US')(lambda: show_page(link))
        ui.run_with(app, show_welcome_message=False)
        config = uvicorn.Config(app, log_level='warning', timeout_graceful_shutdown=1, ws_max_size=1 << 20)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name='server', daemon=True)

    def start(self) -> None:
        """Start, and return once the page can be opened. Raises SerError."""
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise SerError('the page could not be served; what the server wrote is above')
            time.sleep(_STEP)

    def wait(self) -> None:
        """Wait until it ends, which it does by itself only after a fault."""
        while self._thread.is_alive():
            self._thread.join(_STEP * 10)

    def stop(self) -> None:
        """End; whoever still looks sees that the connection is lost."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT)
        self._socket.close()
