"""The application: routes, layers and what they share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from api.account_page import install_account_pages
from api.admission import Admission
from api.cursors import Cursors
from api.docs_page import install_docs
from api.errors import install_error_handlers
from api.event_stream import OrderEvents
from api.feature_flags import FeatureFlags
from api.middleware import BodyLimitMiddleware, RequestMiddleware
from api.openapi import install_openapi, operation_id
from api.rate_limits import Limiter, RateLimitMiddleware
from api.read_cache import ForgetMiddleware
from api.routers import ROUTERS
from api.sign_in_guard import SignInGuard
from core.guest_tokens import OrderTokens
from core.resources import Resources, open_resources
from core.security import AccessTokens, Passwords
from core.settings import Settings
from search.backends import open_index

VERSION = "1.0.0"
_NO_NATIVE_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
}


def create_app(settings: Settings, resources: Resources | None = None) -> FastAPI:
    """Make the application.

    Args:
        settings: the whole tree.
        resources: what is open already; without it the application opens and closes its own.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if resources is not None:
            yield
            return
        async with open_resources(settings) as opened:
            share(app, opened)
            yield
            app.state.order_events.close()
            await app.state.search.close()

    tokens = AccessTokens.of(settings.auth)
    app = FastAPI(
        title="Perdure",
        summary="An order platform in which every promise is a durable workflow.",
        version=VERSION,
        lifespan=lifespan,
        servers=[{"url": settings.api.public_url}],
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_NATIVE_TELEMETRY,
    )
    app.state.tokens = tokens
    app.state.passwords = Passwords(failure_seconds=settings.auth.failed_sign_in_seconds)
    app.state.admission = Admission(settings.api.checkouts_at_once)
    app.state.cursors = Cursors(settings.auth.cursor_key.get_secret_value())
    app.state.order_tokens = OrderTokens(settings.auth.tracking_key.get_secret_value())
    for router in ROUTERS:
        app.include_router(router)
    install_error_handlers(app)
    install_openapi(app)
    install_docs(app)
    install_account_pages(app)
    # The last one added is the outermost.
    app.add_middleware(ForgetMiddleware)
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.api.max_body_bytes)
    app.add_middleware(RateLimitMiddleware, settings=settings, tokens=tokens)
    traced = settings.telemetry.otlp_endpoint is not None
    https = settings.api.public_url.startswith("https://")
    app.add_middleware(RequestMiddleware, https=https, traced=traced)
    if traced:
        _trace(app)
    if resources is not None:
        share(app, resources)
    return app


def share(app: FastAPI, resources: Resources) -> None:
    """Give the handlers what they use."""
    app.state.resources = resources
    app.state.search = open_index(resources.settings, resources.database)
    app.state.limiter = Limiter(resources.cache)
    app.state.sign_in_guard = SignInGuard(resources.cache, resources.settings.throttle)
    app.state.flags = FeatureFlags(resources.database)
    app.state.order_events = OrderEvents(
        resources.database,
        poll_seconds=resources.settings.api.sse_poll_seconds,
        heartbeat_seconds=resources.settings.api.sse_heartbeat_seconds,
    )


def _trace(app: FastAPI) -> None:
    from opentelemetry.instrumentation.fastapi import (  # noqa: PLC0415  # loaded by those who trace
        FastAPIInstrumentor,
    )

    FastAPIInstrumentor.instrument_app(app, excluded_urls="healthz,readyz,metrics")
