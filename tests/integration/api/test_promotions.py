"""Promotions by staff, and what they do to quotes and orders."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api import checkout
from core.domain.ids import Prefix, new_id
from models import TaxRule
from models.repositories import audit
from models.repositories.catalogue import cart_snapshot
from tests.integration.api.conftest import Person, World, checkout_body
from tests.promotions import promote, uses
from tests.shop import ADDRESS, Shelf


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


def terms(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Ten off",
        "code": new_id(Prefix.PROMOTION),
        "kind": "percent",
        "basis_points": 1000,
        "starts_at": "2026-01-01T00:00:00Z",
        **changes,
    }


async def create(world: World, staff: Person, key: str = "", **changes: Any) -> httpx.Response:
    return await world.client.post(
        "/v1/admin/promotions",
        json=terms(**changes),
        headers={**staff.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)},
    )


async def quote(world: World, shelf: Shelf, code: str | None, **changes: Any) -> httpx.Response:
    body = {
        "items": [{"sku": shelf.sku, "quantity": 2}],
        "currency": "USD",
        "shipping_address": dict(ADDRESS),
        "shipping_method": "standard",
        "promotion_code": code,
        **changes,
    }
    return await world.client.post("/v1/quotes", json=body)


def pointers(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {error["pointer"] for error in answer.json()["errors"]}


async def order(world: World, customer: Person, shelf: Shelf, code: str | None) -> httpx.Response:
    return await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, promotion_code=code),
        headers={**customer.headers, "Idempotency-Key": new_id(Prefix.EVENT)},
    )


async def test_created_promotion_is_shown_listed_and_written_down(
    world: World, staff: Person
) -> None:
    key = new_id(Prefix.EVENT)
    body = terms(minimum_amounts=[{"amount": 2000, "currency": "USD"}], reason="spring")

    made = await create(world, staff, key, **body)
    again = await create(world, staff, key, **body)

    assert made.status_code == 201, made.text
    assert (again.content, again.headers["Idempotency-Replayed"]) == (made.content, "true")
    promotion = made.json()
    assert made.headers["Location"] == f"/v1/admin/promotions/{promotion['id']}"
    assert promotion["code"] == body["code"]
    assert promotion["minimum_amounts"] == [{"amount": 2000, "currency": "USD"}]
    assert (promotion["used"], promotion["active"], promotion["scope"]) == (0, True, "order")
    assert promotion["starts_at"] == "2026-01-01T00:00:00Z"
    found = await world.client.get(made.headers["Location"], headers=staff.headers)
    assert (found.json(), found.headers["ETag"]) == (promotion, '"0"')
    page = await world.client.get("/v1/admin/promotions?limit=1", headers=staff.headers)
    assert page.json()["data"] == [promotion]
    entries = await audit.list_entries(world.database, limit=9, target=promotion["id"])
    assert [(entry.action, entry.actor, entry.reason) for entry in entries] == [
        ("promotion.created", f"staff:{staff.user_id}", "spring")
    ]


async def test_change_needs_the_version_that_was_seen(world: World, staff: Person) -> None:
    path = (await create(world, staff)).headers["Location"]

    def change(body: dict[str, Any], tag: str) -> Any:
        return world.client.patch(path, json=body, headers={**staff.headers, "If-Match": tag})

    changed = await change({"active": False, "ends_at": "2026-12-01T00:00:00Z"}, '"0"')
    stale = await change({"active": True}, '"0"')

    assert changed.status_code == 200, changed.text
    assert (changed.json()["active"], changed.headers["ETag"]) == (False, '"1"')
    assert (stale.status_code, stale.json()["type"].rsplit("/", 1)[1]) == (
        412,
        "precondition-failed",
    )
    shown = await world.client.get(path, headers=staff.headers)
    assert (shown.json()["active"], shown.json()["basis_points"]) == (False, 1000)
    entries = await audit.list_entries(world.database, limit=9, target=path.rsplit("/", 1)[1])
    assert [entry.action for entry in entries] == ["promotion.changed", "promotion.created"]
    assert entries[0].before == {"active": True, "ends_at": None}
    assert entries[0].after == {"active": False, "ends_at": "2026-12-01T00:00:00Z"}


async def test_change_to_what_it_is_already_writes_nothing(world: World, staff: Person) -> None:
    path = (await create(world, staff)).headers["Location"]

    same = await world.client.patch(path, json={"active": True}, headers=staff.headers)

    assert (same.status_code, same.headers["ETag"]) == (200, '"0"')


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"basis_points": None}, {"/basis_points"}),
        ({"amounts": [{"amount": 1, "currency": "USD"}]}, {"/amounts"}),
        ({"kind": "fixed"}, {"/basis_points", "/amounts"}),
        ({"kind": "free_shipping", "buy_quantity": 2}, {"/basis_points", "/buy_quantity"}),
        ({"kind": "buy_x_get_y", "buy_quantity": 2}, {"/get_quantity"}),
        ({"scope": "category"}, {"/target_ids"}),
        ({"target_ids": ["cat_1"]}, {"/target_ids"}),
        ({"scope": "product", "target_ids": ["prd_1"]}, {"/target_ids/0"}),
        ({"minimum_amounts": [{"amount": 1, "currency": "USD"}] * 2}, {"/minimum_amounts"}),
        ({"ends_at": "2026-01-01T00:00:00Z"}, {"/ends_at"}),
        ({"starts_at": "2026-01-01T00:00:00"}, {"/starts_at"}),
        ({"usage_limit": 0, "more": 1}, {"/usage_limit", "/more"}),
    ],
)
async def test_terms_that_make_no_sense_are_named(
    world: World, staff: Person, changes: dict[str, Any], faults: set[str]
) -> None:
    assert pointers(await create(world, staff, **changes)) == faults


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": None}, "/name"),
        ({"basis_points": None}, "/basis_points"),
        ({"kind": "fixed"}, "/kind"),
        ({"usage_limit": 1}, "/usage_limit"),
    ],
)
async def test_change_that_makes_no_sense_changes_nothing(
    world: World, staff: Person, change: dict[str, Any], fault: str
) -> None:
    made = await create(world, staff)
    async with world.database.transaction() as session:
        await session.execute(
            text("UPDATE promotions SET used = 2 WHERE id = :id"), {"id": made.json()["id"]}
        )

    answer = await world.client.patch(made.headers["Location"], json=change, headers=staff.headers)

    assert pointers(answer) == {fault}
    shown = await world.client.get(made.headers["Location"], headers=staff.headers)
    assert shown.json() == made.json() | {"used": 2}


async def test_second_promotion_with_a_code_is_a_conflict(world: World, staff: Person) -> None:
    first = (await create(world, staff)).json()
    other = (await create(world, staff)).headers["Location"]

    made = await create(world, staff, code=first["code"].upper())
    changed = await world.client.patch(other, json={"code": first["code"]}, headers=staff.headers)

    assert (made.status_code, changed.status_code) == (409, 409)
    assert changed.json()["type"].endswith("/conflict")


@pytest.mark.parametrize("role", ["customer", "vendor"])
async def test_others_have_no_promotions(world: World, role: str) -> None:
    person = await world.person(role)
    one = f"/v1/admin/promotions/{new_id(Prefix.PROMOTION)}"

    for method, path in (("GET", one), ("GET", "/v1/admin/promotions"), ("PATCH", one)):
        answer = await world.client.request(method, path, json={}, headers=person.headers)
        assert answer.status_code == 403
    assert (await create(world, person)).status_code == 403


async def test_promotion_that_is_not_there_is_not_found(world: World, staff: Person) -> None:
    one = f"/v1/admin/promotions/{new_id(Prefix.PROMOTION)}"

    assert (await world.client.get(one, headers=staff.headers)).status_code == 404
    assert (await world.client.patch(one, json={}, headers=staff.headers)).status_code == 404


async def test_quote_shows_what_a_code_takes_off(world: World, staff: Person, shelf: Shelf) -> None:
    code = (await create(world, staff)).json()["code"]

    answer = await quote(world, shelf, code.lower())

    assert answer.status_code == 200, answer.text
    document = answer.json()
    amounts = {
        name: document[name]["amount"]
        for name in ("subtotal", "discount", "shipping", "tax", "included_tax", "total")
    }
    assert amounts == {
        "subtotal": 3998,
        "discount": 400,
        "shipping": 500,
        "tax": 328,  # 8 % of 4098
        "included_tax": 0,
        "total": 4426,
    }
    assert document["items"][0]["discount"]["amount"] == 400
    assert document["promotions"] == [
        {"code": code, "name": "Ten off", "amount": {"amount": 400, "currency": "USD"}}
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"active": False},
        {"starts_at": "2100-01-01T00:00:00Z"},
        {"starts_at": "2025-01-01T00:00:00Z", "ends_at": "2025-01-02T00:00:00Z"},
        {"minimum_amounts": [{"amount": 3999, "currency": "USD"}]},
        {"minimum_amounts": [{"amount": 1, "currency": "EUR"}]},
    ],
)
async def test_code_that_does_not_apply_is_pointed_to(
    world: World, staff: Person, shelf: Shelf, changes: dict[str, Any]
) -> None:
    made = await create(world, staff, active=True)
    path = made.headers["Location"]
    await world.client.patch(path, json=changes, headers=staff.headers)

    assert pointers(await quote(world, shelf, made.json()["code"])) == {"/promotion_code"}


async def test_country_with_included_tax_adds_none(world: World, shelf: Shelf) -> None:
    async with world.database.transaction() as session:
        await session.merge(TaxRule(country="TW", basis_points=500, prices_include_tax=True))
    address = {**ADDRESS, "country": "TW"}

    document = (await quote(world, shelf, None, shipping_address=address)).json()

    assert document["total"]["amount"] == 3998 + 500
    assert document["tax"]["amount"] == 0
    assert document["included_tax"]["amount"] == 214  # 4498 * 5 / 105


async def test_rate_of_a_region_goes_before_that_of_its_country(world: World, shelf: Shelf) -> None:
    async with world.database.transaction() as session:
        await session.merge(TaxRule(country="US", region="WA", basis_points=1000))
    address = {**ADDRESS, "region": "wa"}

    document = (await quote(world, shelf, None, shipping_address=address)).json()

    assert document["tax"]["amount"] == 450


@pytest.mark.usefixtures("workers")
async def test_order_keeps_its_discount_and_uses_the_code_once(
    world: World, staff: Person, customer: Person, shelf: Shelf
) -> None:
    made = (await create(world, staff, usage_limit_per_customer=1)).json()

    answer = await order(world, customer, shelf, made["code"])
    second = await order(world, customer, shelf, made["code"])

    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert document["discount"] == {"amount": 200, "currency": "USD"}
    assert document["items"][0]["discount"] == {"amount": 200, "currency": "USD"}
    assert document["total"]["amount"] == 1999 - 200 + 500 + 184  # 8 % of 2299
    assert [(one["code"], one["amount"]["amount"]) for one in document["promotions"]] == [
        (made["code"], 200)
    ]
    assert (second.status_code, second.json()["type"].rsplit("/", 1)[1]) == (409, "conflict")
    assert made["code"] in second.json()["detail"]
    shown = await world.client.get(f"/v1/admin/promotions/{made['id']}", headers=staff.headers)
    assert shown.json()["used"] == 1


@pytest.mark.usefixtures("workers")
async def test_code_taken_by_another_meanwhile_is_a_conflict_that_names_it(
    world: World, customer: Person, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = await promote(world.database, usage_limit=1)
    before = await world.shop.levels(shelf)

    async def priced_before_it_was_used_up(*args: Any, **kwargs: Any) -> Any:
        found = await cart_snapshot(*args, **kwargs)
        await world.database.statement(
            text("UPDATE promotions SET active = false WHERE id = :id"), {"id": last.promotion_id}
        )
        return found

    monkeypatch.setattr(checkout, "cart_snapshot", priced_before_it_was_used_up)

    answer = await order(world, customer, shelf, last.code)

    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "conflict")
    assert str(last.code) in answer.json()["detail"]
    assert await uses(world.database, last) == (0, [])
    assert await world.shop.levels(shelf) == before
