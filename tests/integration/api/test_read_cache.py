"""Anonymous answers are kept for a moment, and never longer than what they say is true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from api.app import create_app
from core.domain.ids import Prefix, new_id
from core.tagged_cache import TaggedCache
from tests.integration.api.conftest import World
from tests.shop import Shelf


@pytest.fixture
async def keeping(world: World) -> AsyncIterator[World]:
    """The application with answers that are kept for a minute."""
    settings = world.resources.settings
    api = settings.api.model_copy(update={"read_cache_seconds": 60})
    settings = settings.model_copy(update={"api": api})
    resources = replace(world.resources, settings=settings)
    kept = World(create_app(settings, resources), resources)
    async with kept.client:
        yield kept


@pytest.fixture
async def fresh_shelf(world: World) -> Shelf:
    return await world.shop.stock_up(5)


async def path_of(world: World, shelf: Shelf) -> str:
    rows = await world.database.statement(
        text("SELECT product_id FROM variants WHERE sku = :sku"), {"sku": shelf.sku}
    )
    return f"/v1/products/{rows[0]['product_id']}"


async def rename(world: World, path: str, name: str) -> None:
    await world.database.statement(
        text("UPDATE products SET name = :name WHERE id = :id"),
        {"name": name, "id": path.rpartition("/")[2]},
    )


async def name_at(client: httpx.AsyncClient, path: str, **headers: str) -> Any:
    return (await client.get(path, headers=headers)).json()["name"]


async def test_answer_is_kept_for_strangers_and_made_anew_for_who_signs_in(
    keeping: World, fresh_shelf: Shelf
) -> None:
    path = await path_of(keeping, fresh_shelf)
    customer = await keeping.person()
    first = await keeping.client.get(path)
    await rename(keeping, path, "New name")

    again = await keeping.client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304
    assert await name_at(keeping.client, path) == "Thing"
    assert await name_at(keeping.client, path, **customer.headers) == "New name"
    assert await name_at(keeping.client, f"{path}?currency=EUR") == "New name"


async def test_edit_through_the_api_is_seen_at_once(keeping: World, fresh_shelf: Shelf) -> None:
    path = await path_of(keeping, fresh_shelf)
    staff = await keeping.person("staff")
    before = (await keeping.client.get(path)).json()["variants"][0]["available"]

    adjusted = await keeping.client.post(
        "/v1/admin/stock-adjustments",
        json={
            "warehouse_id": fresh_shelf.warehouse_id,
            "sku": fresh_shelf.sku,
            "delta": 2,
            "reason": "counted",
        },
        headers=staff.headers | {"Idempotency-Key": new_id(Prefix.EVENT)},
    )

    assert adjusted.is_success, adjusted.text
    after = (await keeping.client.get(path)).json()["variants"][0]["available"]
    assert (before, after) == (5, 7)


async def test_refused_edit_makes_nobody_forget(keeping: World, fresh_shelf: Shelf) -> None:
    path = await path_of(keeping, fresh_shelf)
    await name_at(keeping.client, path)
    await rename(keeping, path, "New name")

    refused = await keeping.client.post("/v1/admin/stock-adjustments", json={})

    assert refused.status_code == 401
    assert await name_at(keeping.client, path) == "Thing"


async def test_lists_are_kept_by_their_question(keeping: World, fresh_shelf: Shelf) -> None:
    path = await path_of(keeping, fresh_shelf)
    mine = f"/v1/products?vendor_id={fresh_shelf.vendor_id}"
    first = (await keeping.client.get(mine)).json()["data"][0]["name"]
    await rename(keeping, path, "New name")

    assert first == "Thing"
    assert (await keeping.client.get(mine)).json()["data"][0]["name"] == "Thing"
    other = (await keeping.client.get(f"{mine}&limit=2")).json()["data"][0]["name"]
    assert other == "New name"


async def test_what_is_not_there_is_looked_for_again(keeping: World, fresh_shelf: Shelf) -> None:
    path = await path_of(keeping, fresh_shelf)
    status = text("UPDATE products SET status = :status WHERE id = :id")
    id_ = path.rpartition("/")[2]
    await keeping.database.statement(status, {"status": "draft", "id": id_})
    assert (await keeping.client.get(path)).status_code == 404

    await keeping.database.statement(status, {"status": "published", "id": id_})

    assert (await keeping.client.get(path)).status_code == 200


async def test_without_redis_every_answer_is_the_truth(keeping: World, fresh_shelf: Shelf) -> None:
    path = await path_of(keeping, fresh_shelf)
    nobody = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    resources = replace(keeping.resources, cache=nobody, reads=TaggedCache(nobody))
    app = create_app(resources.settings, resources)
    alone = World(app, resources)
    async with alone.client:
        assert await name_at(alone.client, path) == "Thing"
        await rename(keeping, path, "New name")
        assert await name_at(alone.client, path) == "New name"
    await nobody.aclose()
