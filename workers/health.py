"""A worker's port: readiness and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.domain.errors import UnavailableError
from core.resources import Resources
from workers import catalogue_metrics, reconciliation_metrics


@asynccontextmanager
async def serve_health(
    resources: Resources, *, port: int, sdk_metrics_address: str, running: Callable[[], bool]
) -> AsyncIterator[None]:
    """Serve ``/readyz`` and ``/metrics`` on loopback-or-pod ``port`` while the block runs.

    Args:
        resources: what readiness asks.
        port: 0 takes any free one.
        sdk_metrics_address: where the SDK's core serves its own metrics; they are added to ours.
        running: tells whether every pool polls.
    """

    async def readyz(_request: Request) -> Response:
        ready = running() and await _database_answers(resources)
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    async def metrics(_request: Request) -> Response:
        await reconciliation_metrics.COLLECTOR.refresh(resources.database)
        await catalogue_metrics.COLLECTOR.refresh(resources.database)
        async with httpx.AsyncClient(timeout=2) as client:
            core = await client.get(f"http://{sdk_metrics_address}/metrics")
        return Response(generate_latest() + core.content, media_type=CONTENT_TYPE_LATEST)

    app = Starlette(routes=[Route("/readyz", readyz), Route("/metrics", metrics)])
    config = uvicorn.Config(
        app,
        host=resources.settings.worker.metrics_host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
    )
    async with _Server(config).serving():
        yield


async def _database_answers(resources: Resources) -> bool:
    try:
        await resources.database.ping()
    except UnavailableError:
        return False
    return True


class _Server(uvicorn.Server):
    """uvicorn inside another program's loop: signals are not its business."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        config = self.config
        config.load()
        self.lifespan = config.lifespan_class(config)
        await self.startup()
        try:
            yield
        finally:
            await self.shutdown()
