"""uvicorn with two additions: the application may drop a connection, and learns of a shutdown."""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

DROP_EXTENSION = "perdure.drop_connection"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
GRACE_SECONDS = 5


class DroppableProtocol(HttpToolsProtocol):
    """HTTP whose ASGI scope carries a function that ends the connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {DROP_EXTENSION: {"drop": self.drop}}

    def drop(self, *, reset: bool) -> None:
        """Close at once, with a TCP reset when `reset`, else with an orderly end of stream."""
        if reset:
            connected: socket.socket | None = self.transport.get_extra_info("socket")
            if connected is not None:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self.transport.abort()
        else:
            self.transport.close()


class SandboxServer(uvicorn.Server):
    """Lets held requests go as soon as a shutdown begins, so that draining ends in time."""

    def __init__(self, config: uvicorn.Config, on_shutdown: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._on_shutdown = on_shutdown

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller: uvicorn would raise them again after a clean end."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._on_shutdown()
        await super().shutdown(sockets)


def create_server(app: Starlette, *, host: str, port: int) -> SandboxServer:
    """A server for the application of `create_app`; run it with ``await server.serve()``.

    It handles no signals; it drains and ends when ``should_exit`` is set.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=DroppableProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=60,
        server_header=False,
    )
    return SandboxServer(config, app.state.sandbox.begin_shutdown)


def drop_connection(scope: Any, *, reset: bool) -> None:
    """End the connection of a request without an answer.

    Raises:
        RuntimeError: The server was not made by `create_server` and cannot do it.
    """
    extension = scope.get("extensions", {}).get(DROP_EXTENSION)
    if extension is None:
        raise RuntimeError("only a server made by create_server can drop connections")
    extension["drop"](reset=reset)
