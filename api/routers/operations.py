"""For those who run the platform."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api import engine
from api.dependencies import Res, SearchDep
from api.json_route import JsonResponse
from api.schemas.operations import Alive, Readiness
from core.cache import CACHE_ERRORS
from core.domain.errors import UnavailableError
from core.resources import Resources

api = APIRouter(tags=["operations"])

_PATIENCE_SECONDS = 2.0


@api.get("/healthz", response_model=Alive)
async def healthz() -> Response:
    """Say that the process is up."""
    return JsonResponse({"status": "ok"})


@api.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(resources: Res, index: SearchDep) -> Response:
    """Say whether this process can serve: 503 if something that it needs is down."""
    checks = dict(
        zip(
            ("postgresql", "redis", "temporal", "search"),
            await asyncio.gather(
                _check(resources.database.ping, required=True),
                _check(lambda: _ping_redis(resources), required=False),
                _check(lambda: engine.ping(resources.temporal), required=True),
                # Who knows what they want can still buy it.
                _check(index.ping, required=False),
            ),
            strict=True,
        )
    )
    ready = all(check["status"] == "up" or not check["required"] for check in checks.values())
    return JsonResponse(
        {"status": "ready" if ready else "not_ready", "checks": checks}, 200 if ready else 503
    )


@api.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    """Expose this process's figures to Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _ping_redis(resources: Resources) -> None:
    await resources.cache.ping()


async def _check(ping: Callable[[], Awaitable[None]], *, required: bool) -> dict[str, Any]:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await ping()
    except (UnavailableError, *CACHE_ERRORS):
        status = "down"
    else:
        status = "up"
    milliseconds = round((time.perf_counter() - started) * 1000, 2)
    return {"status": status, "latency_ms": milliseconds, "required": required}
