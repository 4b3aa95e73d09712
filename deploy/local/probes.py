"""Ask a server whether it serves, over bare streams: the supervisor stays small and starts fast."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

HTTP_OK = 200


async def exchange(host: str, port: int, request: bytes) -> bytes:
    """Send ``request`` and return the first line of the answer.

    Raises:
        OSError: nobody listens, or the connection broke.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        await writer.drain()
        return await reader.readline()
    finally:
        writer.close()


async def http_ok(url: str) -> bool:
    """Whether a GET of ``url`` is answered with 200."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    status_line = (await exchange(host, port, request.encode())).split()
    return len(status_line) > 1 and status_line[1] == str(HTTP_OK).encode()


async def redis_pong(host: str, port: int) -> bool:
    """Whether a server of the Redis protocol answers PING; false while it loads its file."""
    return await exchange(host, port, b"PING\r\n") == b"+PONG\r\n"
