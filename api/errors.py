"""Every error as a problem (RFC 9457, ``application/problem+json``)."""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from api.context import context_of
from core.domain.errors import (
    DomainError,
    FieldError,
    InvalidRequestError,
    RateLimitedError,
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "https://perdure.dev/problems/"
RETRY_AFTER_SECONDS = 1
_MAX_ERRORS = 100
_MAX_POINTER = 200

log = structlog.get_logger("api")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProblemKind:
    status: int
    title: str


KINDS: Mapping[str, ProblemKind] = {
    "validation-error": ProblemKind(status=422, title="The request is not valid"),
    "not-authenticated": ProblemKind(status=401, title="Not authenticated"),
    "totp-required": ProblemKind(status=401, title="A code of the authenticator is needed"),
    "forbidden": ProblemKind(status=403, title="The role does not allow this"),
    "not-found": ProblemKind(status=404, title="Not found"),
    "method-not-allowed": ProblemKind(status=405, title="Method not allowed"),
    "conflict": ProblemKind(status=409, title="Conflict"),
    "out-of-stock": ProblemKind(status=409, title="Out of stock"),
    "payment-declined": ProblemKind(status=402, title="The payment was declined"),
    "invalid-state": ProblemKind(status=409, title="The present state does not allow this"),
    "idempotency-key-missing": ProblemKind(status=400, title="An Idempotency-Key is needed"),
    "idempotency-key-reused": ProblemKind(
        status=422, title="The Idempotency-Key was used for another request"
    ),
    "precondition-failed": ProblemKind(status=412, title="The resource has changed"),
    "rate-limited": ProblemKind(status=429, title="Too many requests"),
    "payload-too-large": ProblemKind(status=413, title="The body is too large"),
    "invalid-signature": ProblemKind(status=400, title="The signature is not valid"),
    "invalid-cursor": ProblemKind(status=400, title="The cursor is not valid"),
    "bad-request": ProblemKind(status=400, title="Bad request"),
    "unavailable": ProblemKind(status=503, title="Temporarily unavailable"),
    "internal-error": ProblemKind(status=500, title="Internal error"),
}
_BY_STATUS = {
    400: "bad-request",
    401: "not-authenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "payload-too-large",
    503: "unavailable",
}


def problem_body(
    scope: Scope,
    code: str,
    *,
    detail: str,
    status: int | None = None,
    extra: Mapping[str, object] | None = None,
) -> bytes:
    """Return the JSON of a problem; ``code`` is a slug of ``KINDS``."""
    kind = KINDS[code]
    return orjson.dumps(
        {
            "type": TYPE_BASE + code,
            "title": kind.title,
            "status": status or kind.status,
            "detail": detail,
            "instance": scope["path"].encode("utf-8", "replace").decode(),
            "request_id": context_of(scope).request_id,
            **(extra or {}),
        }
    )


def problem(
    scope: Scope,
    code: str,
    *,
    detail: str,
    status: int | None = None,
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem as a response."""
    return Response(
        problem_body(scope, code, detail=detail, status=status, extra=extra),
        status_code=status or KINDS[code].status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def problem_of(scope: Scope, error: DomainError) -> Response:
    """Translate an error of the domain; this and ``activities.errors`` are the two translators."""
    code = error.code if error.code in KINDS else "internal-error"
    headers: dict[str, str] = {}
    if KINDS[code].status == http.HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="perdure"'
        if context_of(scope).refusal is not None:
            headers["WWW-Authenticate"] += ', error="invalid_token"'
    if isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        log.warning("unavailable", detail=str(error), cause=type(error.__cause__).__name__)
    return problem(scope, code, detail=str(error), extra=error.extra(), headers=headers)


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error of the application, and of Starlette itself, with a problem."""
    app.add_exception_handler(DomainError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101  # registered for this class only
    return problem_of(request.scope, error)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    return problem_of(request.scope, InvalidRequestError(field_errors(error.errors())))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    code = _BY_STATUS.get(error.status_code, "internal-error")
    detail = str(error.detail or http.HTTPStatus(error.status_code).phrase)
    return problem(
        request.scope, code, detail=detail, status=error.status_code, headers=error.headers
    )


def field_errors(errors: Sequence[Mapping[str, object]]) -> list[FieldError]:
    """Turn pydantic's errors into JSON pointers; only the first hundred are told."""
    return [
        FieldError(pointer=pointer_of(error["loc"]), detail=_words(error))
        for error in errors[:_MAX_ERRORS]
    ]


def pointer_of(location: object) -> str:
    """Return the JSON pointer (RFC 6901) of a pydantic location.

    A field of the body is pointed to from the body's root; anything else starts with where it
    stands: ``/query/limit``, ``/path/id``, ``/header/idempotency-key``.
    """
    parts = list(location) if isinstance(location, (list, tuple)) else [location]
    if parts and parts[0] == "body":
        parts = parts[1:]
    text = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return text[:_MAX_POINTER].encode("utf-8", "replace").decode()


def _words(error: Mapping[str, object]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "unknown field"
        case "missing":
            return "required"
        case "json_invalid":
            return "not valid JSON"
    return str(error["msg"]).removeprefix("Value error, ")[:500]
