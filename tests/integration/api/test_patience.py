"""When a dependency does not answer: 202 for what was promised, 503 for what was not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import httpx
import pytest
from pydantic import SecretStr

from api import checkout
from api.app import create_app
from core import temporal
from core.database import Database
from core.domain.ids import Prefix, new_id
from core.settings import PostgresSettings
from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import Shelf


@pytest.fixture
async def hasty(world: World) -> AsyncIterator[World]:
    """The same application with half a second of patience, and a queue that nobody serves."""
    settings = world.resources.settings
    api = settings.api.model_copy(update={"latency_budget_seconds": 0.5})
    settings = settings.model_copy(update={"api": api})
    resources = replace(world.resources, settings=settings)
    made = World(create_app(settings, resources), resources)
    with patch.object(checkout, "TaskQueue", SimpleNamespace(CHECKOUT="nobody-serves-this")):
        async with made.client:
            yield made


async def _buy(world: World, person: Person, shelf: Shelf, key: str) -> httpx.Response:
    return await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf),
        headers={**person.headers, "Idempotency-Key": key},
    )


async def test_slow_checkout_is_202_and_can_be_tracked(
    hasty: World, shelf: Shelf, customer: Person
) -> None:
    key = new_id(Prefix.EVENT)
    answer = await _buy(hasty, customer, shelf, key)
    again = await _buy(hasty, customer, shelf, key)
    order = await hasty.client.get(answer.headers["location"], headers=customer.headers)
    path = answer.headers["location"] + "/timeline"
    timeline = await hasty.client.get(path, headers=customer.headers)
    stranger = await hasty.person()
    elsewhere = await hasty.client.get(answer.headers["location"], headers=stranger.headers)

    assert answer.status_code == 202
    assert answer.json()["status"] == "pending"
    assert answer.json()["items"][0]["sku"] == shelf.sku
    assert (again.status_code, again.content) == (202, answer.content)
    assert order.json() == answer.json()
    assert timeline.json() == {"data": [], "waiting_for": None}
    assert elsewhere.status_code == 404


async def test_temporal_down_is_503_and_the_key_finds_the_same_order_later(
    world: World, hasty: World, shelf: Shelf, customer: Person
) -> None:
    settings = hasty.resources.settings
    away = settings.model_copy(
        update={"temporal": settings.temporal.model_copy(update={"address": "127.0.0.1:1"})}
    )
    resources = replace(hasty.resources, temporal=await temporal.connect(away, lazy=True))
    down = World(create_app(settings, resources), resources)
    key = new_id(Prefix.EVENT)

    async with down.client:
        refused = await _buy(down, customer, shelf, key)
        readiness = await down.client.get("/readyz")
    before = await world.count_rows()
    later = await _buy(hasty, customer, shelf, key)

    assert refused.status_code == 503, refused.text
    assert refused.json()["type"].endswith("/unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    assert readiness.status_code == 503
    assert readiness.json()["checks"]["temporal"]["status"] == "down"
    assert later.status_code == 202
    assert await world.count_rows() == before


async def test_database_down_is_503_everywhere(
    world: World, customer: Person, shelf: Shelf
) -> None:
    away = Database.open(PostgresSettings(url=SecretStr("postgresql://postgres@127.0.0.1:1/x")))
    resources = replace(world.resources, database=away)
    down = World(create_app(resources.settings, resources), resources)

    async with down.client:
        answers = [
            await down.client.get("/v1/products"),
            await down.client.get("/v1/orders", headers=customer.headers),
            await _buy(down, customer, shelf, new_id(Prefix.EVENT)),
            await down.client.get("/readyz"),
        ]
    await away.close()

    assert [answer.status_code for answer in answers] == [503, 503, 503, 503]
    assert answers[0].headers["retry-after"] == "1"
