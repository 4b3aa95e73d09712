"""Calls of one route, of which only the beginning of the answer matters."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import orjson
from fastapi import FastAPI
from starlette.types import Message

from core.domain.ids import Prefix, new_id


@dataclass(frozen=True, kw_only=True)
class Call:
    method: str
    path: str
    body: bytes
    headers: dict[str, str]

    @classmethod
    def to(cls, route: str, values: dict[str, str], *, body: Any, headers: dict[str, str]) -> Self:
        """A call of ``METHOD /path/{id}`` with an idempotency key of its own."""
        method, _, path = route.partition(" ")
        return cls(
            method=method,
            path=path.format(**values),
            body=b"" if body is None or method in {"GET", "DELETE"} else orjson.dumps(body),
            headers={
                "host": "api.test",
                "content-type": "application/json",
                "idempotency-key": new_id(Prefix.EVENT),
                **{name.lower(): value for name, value in headers.items()},
            },
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    status: int
    text: str


async def outcome_of(app: FastAPI, call: Call) -> Outcome:
    """Call, and hang up on an answer that has no end."""
    started: asyncio.Queue[Message] = asyncio.Queue()
    left: list[Message] = [{"type": "http.request", "body": call.body, "more_body": False}]

    async def receive() -> Message:
        if left:
            return left.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        started.put_nowait(message)

    task = asyncio.create_task(app(_scope(call), receive, send))
    start = await _next(started, task)
    content_type = dict(start["headers"]).get(b"content-type", b"")
    if content_type.startswith(b"text/event-stream"):
        task.cancel()
        await asyncio.wait([task])
        return Outcome(status=start["status"], text="")
    await task
    body = b"".join(started.get_nowait().get("body", b"") for _ in range(started.qsize()))
    return Outcome(status=start["status"], text=body.decode(errors="replace"))


async def _next(queue: asyncio.Queue[Message], task: asyncio.Task[None]) -> Message:
    waiting = asyncio.create_task(queue.get())
    both: set[asyncio.Task[Any]] = {waiting, task}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done() and queue.empty():
        waiting.cancel()
        await task
        raise AssertionError("no answer")
    return await waiting


def _scope(call: Call) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": call.method,
        "scheme": "http",
        "path": call.path,
        "raw_path": call.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in call.headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("api.test", 80),
    }
