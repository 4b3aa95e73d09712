"""Staff set taxes and fees; the next cart is priced by them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from core.domain.ids import Prefix, new_id
from models.catalogue import EVERYWHERE
from models.repositories import audit
from tests.integration.api.conftest import Person, World
from tests.shop import ADDRESS, PRICE, Shelf

OPTION = {
    "method": "pigeon",
    "zone_id": EVERYWHERE,
    "currency": "USD",
    "from_grams": 0,
    "amount": 700,
}


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


async def put(world: World, staff: Person, what: str, body: dict[str, Any]) -> httpx.Response:
    return await world.client.put(f"/v1/admin/{what}", json=body, headers=staff.headers)


async def read_all(world: World, staff: Person, what: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        answer = await world.client.get(f"/v1/admin/{what}", params=query, headers=staff.headers)
        assert answer.status_code == 200, answer.text
        rows += answer.json()["data"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return rows


async def test_rule_and_fee_that_are_set_price_the_next_cart(
    world: World, staff: Person, shelf: Shelf
) -> None:
    rule = {"country": "PE", "region": "lima", "basis_points": 1800, "prices_include_tax": True}

    first = await put(world, staff, "tax-rules", {**rule, "basis_points": 0})
    second = await put(world, staff, "tax-rules", {**rule, "reason": "January"})
    same = await put(world, staff, "tax-rules", rule)
    fee = await put(world, staff, "shipping-options", {**OPTION, "reason": "doves"})

    assert (first.status_code, second.status_code, same.status_code) == (200, 200, 200)
    assert (fee.status_code, fee.json()) == (200, {**OPTION, "etag": fee.headers["ETag"]})
    assert second.json() == {**rule, "region": "LIMA", "etag": second.headers["ETag"]}
    assert second.json() in await read_all(world, staff, "tax-rules")
    assert fee.json() in await read_all(world, staff, "shipping-options")
    quote = await world.client.post(
        "/v1/quotes",
        json={
            "items": [{"sku": shelf.sku, "quantity": 1}],
            "currency": "USD",
            "shipping_address": {**ADDRESS, "country": "PE", "region": "Lima"},
            "shipping_method": "pigeon",
        },
    )
    assert quote.status_code == 200, quote.text
    assert quote.json()["total"]["amount"] == PRICE + 700
    assert quote.json()["included_tax"]["amount"] == 412  # 2699 * 18 / 118
    entries = await audit.list_entries(world.database, limit=9, target="tax_rules/PE/LIMA")
    assert [(entry.reason, entry.before and entry.before["basis_points"]) for entry in entries] == [
        ("January", 0),
        ("", None),
    ]


@pytest.mark.parametrize(
    ("what", "body", "changed"),
    [
        ("tax-rules", {"country": "CL", "basis_points": 1900}, {"basis_points": 1800}),
        ("shipping-options", {**OPTION, "currency": "CLP"}, {"amount": 900}),
    ],
)
async def test_terms_that_others_have_changed_are_not_set(
    world: World, staff: Person, what: str, body: dict[str, Any], changed: dict[str, Any]
) -> None:
    async def matching(tag: str, wanted: dict[str, Any]) -> httpx.Response:
        return await world.client.put(
            f"/v1/admin/{what}", json=wanted, headers={**staff.headers, "If-Match": tag}
        )

    absent = await matching("*", body)
    made = await put(world, staff, what, body)
    first = await matching(made.headers["ETag"], {**body, **changed})
    second = await matching(made.headers["ETag"], body)

    assert [one.status_code for one in (absent, made, first, second)] == [412, 200, 200, 412]
    assert first.json() in await read_all(world, staff, what)


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        ("tax-rules", {"country": "PE", "basis_points": 10_001}, "/basis_points"),
        ("tax-rules", {"country": "*", "basis_points": 1}, "/country"),
        ("shipping-options", {**OPTION, "zone_id": new_id(Prefix.ZONE)}, "/zone_id"),
        ("shipping-options", {**OPTION, "amount": -1}, "/amount"),
    ],
)
async def test_terms_at_fault_are_named_and_not_written(
    world: World, staff: Person, what: str, body: dict[str, Any], pointer: str
) -> None:
    before = await read_all(world, staff, what)

    answer = await put(world, staff, what, body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert await read_all(world, staff, what) == before


@pytest.mark.parametrize("what", ["tax-rules", "shipping-options"])
async def test_others_neither_see_nor_set_terms(world: World, what: str) -> None:
    person = await world.person("vendor")

    seen = await world.client.get(f"/v1/admin/{what}", headers=person.headers)
    answer = await put(world, person, what, {})

    assert (seen.status_code, answer.status_code) == (403, 403)
