"""What one request carries from the outermost layer to the innermost."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from starlette.types import Scope

from core.domain.errors import NotAuthenticatedError
from core.security import Principal

SCOPE_KEY = "perdure"
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# W3C Trace Context, section 3.2: version, trace id, parent id, flags.
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(kw_only=True, slots=True)
class RequestContext:
    """``principal`` is None without a token; ``refusal`` says why a token was not believed."""

    request_id: str
    trace_id: str
    principal: Principal | None = None
    refusal: NotAuthenticatedError | None = None


def context_of(scope: Scope) -> RequestContext:
    """Return the context of a request; a fresh one where no middleware has run."""
    context = scope.get(SCOPE_KEY)
    if not isinstance(context, RequestContext):
        context = RequestContext(request_id=fresh_id(), trace_id=fresh_id())
        scope[SCOPE_KEY] = context
    return context


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of that lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None


def request_id_of(scope: Scope) -> str:
    """Return the caller's request id if it is sane, else a fresh one."""
    given = header(scope, b"x-request-id")
    return given if given and _SANE_ID.fullmatch(given) else fresh_id()


def trace_id_of(scope: Scope) -> str:
    """Return the trace id of the caller's ``traceparent``, else a fresh one."""
    match = _TRACEPARENT.fullmatch(header(scope, b"traceparent") or "")
    return match[1] if match else fresh_id()


def fresh_id() -> str:
    return secrets.token_hex(16)
