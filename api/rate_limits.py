"""Who asks, and whether they ask too often."""

from __future__ import annotations

import time
from typing import Any

import structlog
from limits import RateLimitItem, parse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import context_of, header
from api.errors import problem_of
from api.metrics import LIMITED, LIMITER_DOWN
from core.api_keys import MARK
from core.cache import CACHE_ERRORS, CacheClient
from core.domain.errors import DomainError, NotAuthenticatedError, RateLimitedError
from core.limits_storage import LimitsStorage
from core.resources import Resources
from core.security import AccessTokens
from core.settings import Settings
from models.repositories import api_keys
from models.repositories.impersonation import is_alive

log = structlog.get_logger("api")

_UNLIMITED = ("/healthz", "/readyz", "/metrics", "/v1/webhooks/")
_PAUSE_SECONDS = 1.0
"""After a failure Redis is left alone for so long, so that nobody waits for it."""
_LOG_EVERY_SECONDS = 30.0


class Limiter:
    """Fixed windows that start at whole multiples of their length: one round trip says all.

    The reset of such a window is known without asking, so that the headers of the IETF draft
    (draft-ietf-httpapi-ratelimit-headers) cost nothing.
    """

    def __init__(self, cache: CacheClient) -> None:
        self._storage = LimitsStorage(cache)
        self._resume_at = 0.0
        self._log_at = 0.0

    async def hit(self, item: RateLimitItem, who: str) -> tuple[int, int] | None:
        """Count a request; return how many are left and the seconds to the next window.

        None when Redis does not answer: limits protect the platform, and must not stop it.
        A negative remainder means that this request is one too many.
        """
        now = time.time()
        if now < self._resume_at:
            LIMITER_DOWN.inc()
            return None
        length = item.get_expiry()
        window, into = divmod(now, length)
        try:
            count = await self._storage.incr(item.key_for(who, str(int(window))), length)
        except CACHE_ERRORS as error:
            self._on_failure(now, error)
            return None
        return item.amount - count, max(1, int(length - into))

    def _on_failure(self, now: float, error: Exception) -> None:
        LIMITER_DOWN.inc()
        self._resume_at = now + _PAUSE_SECONDS
        if now >= self._log_at:
            self._log_at = now + _LOG_EVERY_SECONDS
            log.warning("rate limits are off: no answer from Redis", error=type(error).__name__)


class RateLimitMiddleware:
    """Reads the access token once for all layers, then counts by account or by address."""

    def __init__(self, app: ASGIApp, *, settings: Settings, tokens: AccessTokens) -> None:
        self._app = app
        self._tokens = tokens
        self._default = parse(settings.api.rate_limit)
        self._of_key = parse(settings.api.key_rate_limit)
        self._login = parse(settings.api.login_rate_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_UNLIMITED):
            await self._app(scope, receive, send)
            return
        try:
            await self._authenticate(scope)
        except DomainError as error:  # a key cannot be looked up now
            response = problem_of(scope, error)
            await response(scope, receive, send)
            return
        policy, item, who = self._policy(scope)
        limiter: Limiter = scope["app"].state.limiter
        result = await limiter.hit(item, who)
        fields = {"RateLimit-Policy": f'"{policy}";q={item.amount};w={item.get_expiry()}'}
        if result is not None:
            remaining, reset = result
            fields["RateLimit"] = f'"{policy}";r={max(0, remaining)};t={reset}'

        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(fields)
            await send(message)

        if result is not None and result[0] < 0:
            LIMITED.labels(policy).inc()
            response = problem_of(scope, RateLimitedError(retry_after_seconds=result[1]))
            await response(scope, receive, send_with_fields)
            return
        await self._app(scope, receive, send_with_fields)

    async def _authenticate(self, scope: Scope) -> None:
        authorization = header(scope, b"authorization")
        if authorization is None:
            return
        context = context_of(scope)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            context.refusal = NotAuthenticatedError("the Authorization header has no Bearer token")
            return
        token = token.strip()
        resources: Resources = scope["app"].state.resources
        if token.startswith(MARK):
            context.principal = await api_keys.principal_of(resources.database, token)
            if context.principal is None:
                context.refusal = NotAuthenticatedError("the API key is not valid")
            return
        try:
            principal = self._tokens.read(token)
        except NotAuthenticatedError as error:
            context.refusal = error
            return
        staff_id = principal.impersonator_id
        if staff_id and not await is_alive(resources.database, principal.session_id, staff_id):
            context.refusal = NotAuthenticatedError("acting for somebody else has ended")
            return
        context.principal = principal

    def _policy(self, scope: Scope) -> tuple[str, RateLimitItem, str]:
        client: Any = scope.get("client")
        address = f"address:{client[0] if client else 'unknown'}"
        if scope["path"].startswith("/v1/auth/"):
            return "login", self._login, f"login:{address}"
        principal = context_of(scope).principal
        if principal and principal.api_key_id:
            return "key", self._of_key, f"key:{principal.api_key_id}"
        who = f"account:{principal.user_id}" if principal else address
        return "default", self._default, who
