"""Prices, those that hold for a time too, from whoever sets them to whoever pays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from models import PricePeriod
from models.repositories import audit, price_periods
from tests.integration.api.conftest import Person, World, checkout_body
from tests.integration.api.selling import Seller, pointers, quoted, usd
from tests.shop import Shelf

SOON = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
async def seller(world: World) -> Seller:
    return await Seller.new(world)


async def priced(seller: Seller) -> tuple[dict[str, Any], str]:
    """A product on sale with stock, and the path of its variant."""
    product = await seller.product()
    await seller.stock_up(product["variants"][0]["sku"])
    return product, f"/variants/{product['variants'][0]['id']}"


def period(amount: int, **times: str | None) -> dict[str, Any]:
    return {**usd(amount), **times}


async def rows(world: World, sku: str) -> Sequence[dict[str, Any]]:
    found = await world.database.statement(
        text("""SELECT t.amount, t.told, t.ends_at <= now() AS over FROM price_periods t
                JOIN variants v ON v.id = t.variant_id WHERE v.sku = :sku ORDER BY t.id"""),
        {"sku": sku},
    )
    return [dict(row) for row in found]


async def test_price_that_holds_now_is_shown_quoted_and_charged_everywhere(
    world: World, seller: Seller, customer: Person, workers: None
) -> None:
    product, path = await priced(seller)
    sku = product["variants"][0]["sku"]
    sale = {"prices": [usd(1999)], "periods": [period(1499, ends_at="2100-01-01T00:00:00Z")]}

    put = await seller.call("PUT", f"{path}/prices", sale, If_Match='"1"')

    assert (put.status_code, put.headers["ETag"]) == (200, '"2"')
    shown = (await world.client.get(f"/v1/products/{product['id']}")).json()
    listed = (await world.client.get(f"/v1/products?vendor_id={seller.vendor_id}")).json()
    own = (await seller.call("GET", path)).json()
    assert shown["variants"][0]["price"] == usd(1499)
    assert listed["data"][0]["variants"][0]["price"] == usd(1499)
    assert (own["price"], own["prices"]) == (usd(1499), [usd(1999)])
    assert (await quoted(world, sku)).json()["subtotal"] == usd(1499)
    cart = await world.client.post(
        "/v1/carts",
        json={"currency": "USD", "items": [{"sku": sku, "quantity": 2}]},
        headers=customer.headers,
    )
    assert cart.json()["items"][0]["unit_price"] == usd(1499)
    order = await world.client.post(
        "/v1/checkouts",
        json=checkout_body(
            Shelf(sku=sku, variant_id="", vendor_id=seller.vendor_id, warehouse_id="")
        ),
        headers={**customer.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )
    assert order.status_code == 201, order.text
    assert order.json()["items"][0]["unit_price"] == usd(1499)

    ended = await seller.call("PUT", f"{path}/prices", {"prices": [usd(2099)]})
    assert ended.json()["periods"] == []
    assert (await quoted(world, sku)).json()["subtotal"] == usd(2099)
    assert await rows(world, sku) == [{"amount": 1499, "told": 2, "over": True}]


async def test_price_to_come_is_not_charged_and_one_that_runs_is_kept(
    world: World, seller: Seller
) -> None:
    product, path = await priced(seller)
    sku = product["variants"][0]["sku"]
    future = period(99, starts_at="2099-01-01T00:00:00Z", ends_at=None)
    first = await seller.call(
        "PUT",
        f"{path}/prices",
        {"prices": [usd(1999)], "periods": [period(1499, ends_at="2098-01-01T00:00:00Z"), future]},
    )
    running = first.json()["periods"][0]
    longer = {**running, "ends_at": "2099-01-01T00:00:00Z"}
    del longer["id"]

    kept = await seller.call("PUT", f"{path}/prices", {"prices": [usd(1999)], "periods": [longer]})
    same = await seller.call("PUT", f"{path}/prices", {"prices": [usd(1999)], "periods": [longer]})

    assert (await quoted(world, sku)).json()["subtotal"] == usd(1499)
    assert kept.json()["periods"] == [{**longer, "id": running["id"]}]
    assert (same.json(), same.headers["ETag"]) == (kept.json(), kept.headers["ETag"])
    assert await rows(world, sku) == [{"amount": 1499, "told": 1, "over": False}]
    variant_id = path.rpartition("/")[2]
    entries = await audit.list_entries(world.database, limit=9, target=variant_id)
    assert [entry.action for entry in entries] == ["variant.prices_changed"] * 2


@pytest.mark.parametrize(
    ("periods", "wrong"),
    [
        ([{"amount": 1, "currency": "EUR"}], "/periods/0/currency"),
        ([period(1, ends_at="2001-01-01T00:00:00Z")], "/periods/0/ends_at"),
        (
            [period(1, starts_at="2099-01-02T00:00:00Z", ends_at="2099-01-02T00:00:00Z")],
            "/periods/0/ends_at",
        ),
        ([period(1), period(2, starts_at="2099-01-01T00:00:00Z")], "/periods/1/starts_at"),
        ([period(1, starts_at="2099-01-01T00:00:00")], "/periods/0/starts_at"),
    ],
)
async def test_prices_at_fault_change_nothing(
    seller: Seller, periods: list[dict[str, Any]], wrong: str
) -> None:
    _, path = await priced(seller)

    answer = await seller.call("PUT", f"{path}/prices", {"prices": [usd(5)], "periods": periods})

    assert pointers(answer) == [wrong]
    shown = await seller.call("GET", f"{path}/prices")
    assert (shown.json()["prices"], shown.json()["version"]) == ([usd(1999)], 1)


async def test_beginning_and_end_are_told_once_each(world: World, seller: Seller) -> None:
    product, path = await priced(seller)
    now = datetime.now(UTC)
    begun = PricePeriod(
        id=new_id(Prefix.PRICE),
        variant_id=path.rpartition("/")[2],
        currency="USD",
        amount=1499,
        starts_at=now - timedelta(hours=1),
        ends_at=SOON,
    )
    async with world.database.transaction() as session:
        session.add(begun)

    told = [await price_periods.tell_due(world.database) for _ in range(2)]
    version = (await seller.call("GET", f"{path}/prices")).json()["version"]
    await world.database.statement(
        text("UPDATE price_periods SET ends_at = :now WHERE id = :id"),
        {"now": now, "id": begun.id},
    )
    told += [await price_periods.tell_due(world.database) for _ in range(2)]

    assert (told, version) == ([1, 0, 1, 0], 2)
    assert (await seller.call("GET", f"{path}/prices")).json()["version"] == 3
    assert (await world.client.get(f"/v1/products/{product['id']}")).json()["variants"][0][
        "price"
    ] == usd(1999)


async def test_product_that_is_being_changed_is_told_of_in_the_next_round(
    world: World, seller: Seller
) -> None:
    product, path = await priced(seller)
    due = PricePeriod(
        id=new_id(Prefix.PRICE),
        variant_id=path.rpartition("/")[2],
        currency="USD",
        amount=1499,
        starts_at=datetime.now(UTC) - timedelta(hours=1),
    )
    async with world.database.transaction() as session:
        session.add(due)

    async with world.database.transaction() as session:
        await session.execute(
            text("SELECT FROM products WHERE id = :id FOR UPDATE"), {"id": product["id"]}
        )
        meanwhile = await price_periods.tell_due(world.database)

    assert (meanwhile, await price_periods.tell_due(world.database)) == (0, 1)
