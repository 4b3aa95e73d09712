"""The platform under test: every pool, real PostgreSQL, the real sandbox, and a Temporal server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.testservice.v1 import SleepRequest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from core.resources import Resources, open_resources
from core.settings import Settings
from models.repositories.invariants import INVARIANTS, rows_that_break
from tests.eventually import eventually
from tests.shop import Shop
from tests.workflows.outside import Outside
from workers.runtime import running_pools
from workflows import search_attributes
from workflows.task_queues import TaskQueue

TEST_SERVER = Path(sys.executable).with_name("temporal-test-server")
DAY = timedelta(days=1)
HANDLING = timedelta(hours=1)
STARTS = 3
LONGEST_SKIP = timedelta(minutes=3)
"""How long, in real time, the platform may take to live through a skipped time."""

TIMES: Mapping[str, Mapping[str, Any]] = {
    "fulfillment": {"handling_seconds": int(HANDLING.total_seconds())},
    # A pool that is told to stop leaves: what runs in it is tried again by the next one.
    "worker": {"drain_seconds": 0},
}


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What a test asks, does and looks at."""

    resources: Resources
    shop: Shop
    outside: Outside

    async def broken_promises(self) -> dict[str, list[dict[str, Any]]]:
        """The rows that break an invariant, by its name."""
        found = {one.name: await rows_that_break(self.shop.database, one) for one in INVARIANTS}
        return {name: rows for name, rows in found.items() if rows}


@dataclass(frozen=True, kw_only=True)
class SkippingPlatform(Platform):
    """On a Temporal server whose clock jumps, but only in the two methods that say so."""

    environment: WorkflowEnvironment

    async def skip(self, duration: timedelta) -> None:
        """Let the time pass at once, and every timer in it fire.

        No fulfilment may end meanwhile: the test server would stand still for good after the end
        of a child whose parent is closed. ``skip_to_the_end`` is for that.
        """
        passing = SleepRequest()
        passing.duration.FromTimedelta(duration)
        # All that the workflows do meanwhile is done within this one call.
        await self.environment.client.test_service.unlock_time_skipping_with_sleep(
            passing, timeout=LONGEST_SKIP
        )

    async def skip_to_the_end(self, workflow_id: str, duration: timedelta) -> Any:
        """Let the time pass in which the workflow ends; return its result."""
        skipping = asyncio.create_task(self.skip(duration))
        workflow = self.shop.workflow(workflow_id)

        async def ended() -> bool:
            return (await workflow.describe()).close_time is not None

        try:
            await eventually(ended)
        finally:
            skipping.cancel()
            await asyncio.gather(skipping, return_exceptions=True)
        return await workflow.result()

    async def now(self) -> datetime:
        """The Temporal server's time."""
        return await self.environment.get_current_time()


def with_sections(settings: Settings, sections: Mapping[str, Mapping[str, Any]]) -> Settings:
    """The settings with some values of some sections changed."""
    return settings.model_copy(
        update={
            name: getattr(settings, name).model_copy(update=values)
            for name, values in sections.items()
        }
    )


def tuned(settings: Settings, **sections: Mapping[str, Any]) -> Settings:
    """The tests' times, and what one test changes besides."""
    return with_sections(with_sections(settings, TIMES), sections)


@asynccontextmanager
async def running_platform(settings: Settings, outside: Outside) -> AsyncIterator[Platform]:
    """All pools on the development server."""
    async with (
        open_resources(settings, for_worker=True) as resources,
        running_pools(resources, list(TaskQueue)),
    ):
        shop = Shop(resources.database, resources.temporal)
        yield Platform(resources=resources, shop=shop, outside=outside)


@asynccontextmanager
async def skipping_platform(
    settings: Settings, outside: Outside
) -> AsyncIterator[SkippingPlatform]:
    """All pools on a time-skipping server of their own, whose clock starts at the real time."""
    async with (
        skipping_resources(settings) as (resources, environment),
        running_pools(resources, list(TaskQueue)),
    ):
        yield SkippingPlatform(
            resources=resources,
            shop=Shop(resources.database, resources.temporal),
            outside=outside,
            environment=environment,
        )


async def _time_skipping_server() -> WorkflowEnvironment:
    """Start one; the SDK waits five seconds for it, which a busy machine may need twice."""
    for _ in range(STARTS - 1):
        try:
            return await _started()
        except RuntimeError as error:
            if "did not start" not in str(error):
                raise
    return await _started()


async def _started() -> WorkflowEnvironment:
    return await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(TEST_SERVER))


@asynccontextmanager
async def skipping_resources(
    settings: Settings,
) -> AsyncIterator[tuple[Resources, WorkflowEnvironment]]:
    """A time-skipping server, and resources with a client of it that never moves its clock."""
    async with (
        open_resources(settings) as resources,
        await _time_skipping_server() as environment,
    ):
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes={
                    key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
                    for key in search_attributes.ALL
                },
            )
        )
        client = await Client.connect(environment.client.service_client.config.target_host)
        yield replace(resources, temporal=client), environment
