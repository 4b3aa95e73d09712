"""Routes that read and write JSON by orjson."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute


class JsonRequest(Request):
    """Refuses what the standard library lets pass: NaN, invalid UTF-8, lone surrogates, bombs."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


class JsonRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_json(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_json


def router(tag: str) -> APIRouter:
    """Return a router under ``/v1`` whose routes are ``JsonRoute``."""
    return APIRouter(prefix="/v1", tags=[tag], route_class=JsonRoute)


class JsonResponse(Response):
    """JSON by orjson; moments end in ``Z``."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else to_json(content)


def to_json(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_UTC_Z)
