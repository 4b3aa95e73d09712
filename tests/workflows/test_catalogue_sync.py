"""The workflows that keep the readers of the catalogue right, on the real Temporal server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.service import RPCError

from core.domain.ids import Prefix, new_id
from deploy.cli.reindex import reindex
from deploy.local.errors import StackError
from search.backends import open_index
from search.index import SearchIndex
from search.queries import SearchQuery
from tests.eventually import eventually
from tests.workflows.platform import Platform
from workers.schedules import ensure_syncs
from workflows import workflow_ids
from workflows.catalogue_upkeep import CatalogueUpkeepWorkflow
from workflows.ports.catalogue_sync import Consumer
from workflows.ports.index import Compared, ReindexProgress, Upkeep
from workflows.task_queues import TaskQueue

SEARCHABLE_SECONDS = 5


@asynccontextmanager
async def ended_followers(platform: Platform) -> AsyncIterator[None]:
    """Whatever follows ends with the block: the ids are everybody's on this server."""
    client = platform.resources.temporal
    try:
        yield
    finally:
        for consumer in Consumer:
            with suppress(RPCError):
                await client.get_workflow_handle(workflow_ids.catalogue_sync(consumer)).terminate()


def index_of(platform: Platform) -> SearchIndex:
    return open_index(platform.resources.settings, platform.resources.database)


async def named_product(platform: Platform, name: str) -> str:
    shelf = await platform.shop.stock_up(1)
    rows = await platform.shop.database.statement(
        text("""UPDATE products SET name = :name
            WHERE id = (SELECT product_id FROM variants WHERE sku = :sku) RETURNING id"""),
        {"name": name, "sku": shelf.sku},
    )
    return str(rows[0]["id"])


async def found(index: SearchIndex, words: str) -> list[str]:
    return list((await index.search(SearchQuery(text=words))).product_ids)


async def test_change_is_searchable_within_seconds_and_followers_start_once(
    platform: Platform,
) -> None:
    index = index_of(platform)
    client = platform.resources.temporal
    async with ended_followers(platform):
        await ensure_syncs(client)
        handles = [client.get_workflow_handle(workflow_ids.catalogue_sync(c)) for c in Consumer]
        runs = [(await handle.describe()).run_id for handle in handles]
        await ensure_syncs(client)
        assert [(await handle.describe()).run_id for handle in handles] == runs
        for name in ("Zinnober lamp", "Zinnober chair"):
            product_id = await named_product(platform, name)
            await eventually(
                lambda: found(index, name),  # noqa: B023  # looked at within the turn
                lambda ids: ids == [product_id],  # noqa: B023  # as above
                within_seconds=SEARCHABLE_SECONDS,
            )


async def test_index_is_rebuilt_by_command_with_progress(platform: Platform) -> None:
    index = index_of(platform)
    ids = sorted([await named_product(platform, "Zinnober") for _ in range(3)])
    told: list[ReindexProgress] = []

    products = await reindex(platform.resources, reason="test", tell=told.append)

    assert products == 3
    assert sorted(await found(index, "zinnober")) == ids
    assert all(one.filled <= one.total for one in told)


async def given_up(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild that somebody else gives up before its swap."""
    index = index_of(platform)
    swap = type(index).swap

    async def too_late(self: SearchIndex, rebuild: str) -> None:
        await self.abandon(rebuild)
        await swap(self, rebuild)

    with monkeypatch.context() as patch:
        patch.setattr(type(index), "swap", too_late)
        with pytest.raises(StackError, match="The index was not rebuilt"):
            await reindex(platform.resources, reason="test", tell=lambda _: None)


async def test_rebuild_that_is_given_up_leaves_the_old_index(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = index_of(platform)
    product_id = await named_product(platform, "Zinnober")
    await reindex(platform.resources, reason="test", tell=lambda _: None)
    await named_product(platform, "Zinnober")

    await given_up(platform, monkeypatch)

    assert await found(index, "zinnober") == [product_id]


async def test_upkeep_mends_what_no_event_told(platform: Platform) -> None:
    index = index_of(platform)
    product_id = await named_product(platform, "Zinnober")
    client = platform.resources.temporal
    async with ended_followers(platform):
        compared = await client.execute_workflow(
            CatalogueUpkeepWorkflow.run,
            Upkeep(compare=True),
            id=new_id(Prefix.EVENT),
            task_queue=TaskQueue.SEARCH,
        )
        statuses = [
            (await client.get_workflow_handle(workflow_ids.catalogue_sync(one)).describe()).status
            for one in Consumer
        ]

    assert statuses == [WorkflowExecutionStatus.RUNNING] * 2
    assert compared is not None
    assert compared.products == 1
    assert compared in {
        Compared(products=1, missing=1, stale=0, surplus=0),
        Compared(products=1, missing=0, stale=0, surplus=0),
    }
    assert await found(index, "zinnober") == [product_id]


async def test_follower_that_is_canceled_ends(platform: Platform) -> None:
    client = platform.resources.temporal
    async with ended_followers(platform):
        await ensure_syncs(client)
        follower = client.get_workflow_handle(workflow_ids.catalogue_sync(Consumer.SEARCH))
        await follower.cancel()

        with pytest.raises(WorkflowFailureError):
            await follower.result()
