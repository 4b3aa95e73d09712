"""Run the pools of some queues until told to stop, then drain."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from core.resources import Resources, open_resources
from core.settings import Settings
from workers.health import serve_health
from workers.interceptors import ActivityInterceptor
from workers.registry import POOLS, activities_of
from workers.schedules import ensure_schedules, ensure_syncs
from workflows.task_queues import TaskQueue

PASSED_THROUGH = (
    "core.domain",
    "workflows.asks",
    "workflows.incoming",
    "workflows.messages",
    "workflows.order_changes",
    "workflows.parcel",
    "workflows.parking",
    "workflows.policies",
    "workflows.ports",
    "workflows.saga",
    "workflows.search_attributes",
    "workflows.steps",
    "workflows.task_queues",
    "workflows.undelivered",
    "workflows.vendor_parcel",
    "workflows.waiting",
    "workflows.workflow_ids",
)
"""What the workflow sandbox does not load afresh for each run: declarations and the mechanisms that
workflows share. Every module that defines a workflow stays inside (docs/adr/0006)."""

_log = structlog.get_logger(__name__)


def make_worker(client: Client, resources: Resources, queue: TaskQueue) -> Worker:
    """The worker of one queue, as the registry says."""
    pool = POOLS[queue]
    settings = resources.settings
    return Worker(
        client,
        task_queue=queue,
        workflows=pool.workflows,
        activities=activities_of(pool.activities(resources)),
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
        ),
        interceptors=[ActivityInterceptor()],
        max_cached_workflows=settings.temporal.max_cached_workflows,
        max_concurrent_activities=pool.max_concurrent_activities if pool.calls_providers else None,
        max_concurrent_local_activities=pool.max_concurrent_local_activities,
        no_remote_activities=not pool.calls_providers,
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(pool.workflow_pollers),
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(pool.activity_pollers),
        graceful_shutdown_timeout=timedelta(seconds=settings.worker.drain_seconds),
    )


@asynccontextmanager
async def running_pools(
    resources: Resources, queues: Sequence[TaskQueue]
) -> AsyncIterator[list[Worker]]:
    """Poll the queues while the block runs; leaving it drains what is under way."""
    async with AsyncExitStack() as stack:
        workers = [make_worker(resources.temporal, resources, queue) for queue in queues]
        for worker in workers:
            await stack.enter_async_context(worker)
        yield workers


async def run(settings: Settings, queues: Sequence[TaskQueue], stop: asyncio.Event) -> None:
    """Run the pools of ``queues`` in this process until ``stop`` is set."""
    sdk_metrics_address = _free_address()
    runtime = Runtime(
        telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=sdk_metrics_address))
    )
    async with (
        open_resources(settings, runtime=runtime, for_worker=True) as resources,
        running_pools(resources, queues) as workers,
        serve_health(
            resources,
            port=settings.worker.metrics_port,
            sdk_metrics_address=sdk_metrics_address,
            running=lambda: all(worker.is_running for worker in workers),
        ),
    ):
        if TaskQueue.MAINTENANCE in queues:
            await ensure_schedules(resources.temporal, settings, resources.payments)
        if TaskQueue.SEARCH in queues:
            await ensure_syncs(resources.temporal)
        _log.info("polling", queues=[str(queue) for queue in queues])
        await stop.wait()
        _log.info("draining", seconds=settings.worker.drain_seconds)


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
