"""What happens around every request: ids, errors, headers, the log line, the histogram, the limit.

Pure ASGI: a layer costs microseconds and leaves streams alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import structlog
from opentelemetry import trace
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import SCOPE_KEY, RequestContext, request_id_of, trace_id_of
from api.errors import problem
from api.metrics import REQUESTS

log = structlog.get_logger("api")

UPLOADS = "/v1/objects/"
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""A response that sets one of these itself keeps its own."""
_HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


class RequestMiddleware:
    """The outermost layer: nothing leaves without an id, and no error without a problem."""

    def __init__(self, app: ASGIApp, *, https: bool, traced: bool) -> None:
        self._app = app
        self._headers = {**_SECURITY, **(_HTTPS_ONLY if https else {})}
        self._traced = traced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = RequestContext(request_id=request_id_of(scope), trace_id=self._trace_id(scope))
        scope[SCOPE_KEY] = context
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = context.request_id
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(
            request_id=context.request_id, trace_id=context.trace_id
        ):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception:
                log.exception("unhandled error", method=scope["method"], route=_route(scope))
                if status:  # the answer has begun: only breaking the connection is honest
                    raise
                response = problem(scope, "internal-error", detail="an error of ours; it is logged")
                await response(scope, receive, send_with_headers)
            finally:
                _record(scope, context, status, time.perf_counter() - started)

    def _trace_id(self, scope: Scope) -> str:
        if self._traced:
            span = trace.get_current_span().get_span_context()
            if span.is_valid:
                return trace.format_trace_id(span.trace_id)
        return trace_id_of(scope)


def _record(scope: Scope, context: RequestContext, status: int, seconds: float) -> None:
    route = _route(scope)
    REQUESTS.labels(_method(scope), route, str(status)).observe(seconds)
    if scope["path"] in _QUIET:
        return
    details: dict[str, Any] = {}
    if context.principal is not None:
        details["user_id"] = context.principal.user_id
    log.info(
        "request",
        method=_method(scope),
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
        **details,
    )


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in _METHODS else "OTHER"


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _route(scope: Scope) -> str:
    """Return the template of the route, never the path: its ids would make endless series."""
    fastapi_scope: Mapping[str, Any] = scope.get("fastapi") or {}
    effective = fastapi_scope.get("effective_route_context")
    route = effective or scope.get("route")
    return str(getattr(route, "path", "unmatched"))


class BodyLimitMiddleware:
    """Refuses a body over the limit: at once by its length, or while it arrives in chunks."""

    def __init__(self, app: ASGIApp, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._has_its_own_limit(scope):
            await self._app(scope, receive, send)
            return
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._max_bytes:
                await self._refuse(scope, receive, send)
                return
        seen = 0

        async def limited_receive() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self._max_bytes:
                    raise HTTPException(413, self._detail)
            return message

        await self._app(scope, limited_receive, send)

    @staticmethod
    def _has_its_own_limit(scope: Scope) -> bool:
        """The link of an upload says how much it takes, and its handler reads no more."""
        return bool(scope["method"] == "PUT" and scope["path"].startswith(UPLOADS))

    @property
    def _detail(self) -> str:
        return f"a body has at most {self._max_bytes} bytes"

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The rest of the body is not read, so the connection cannot be used again.
        headers = {"Connection": "close"}
        response = problem(scope, "payload-too-large", detail=self._detail, headers=headers)
        await response(scope, receive, send)
