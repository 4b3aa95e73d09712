"""Staff change stock: once for each key, in the books, and never below what is promised."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from tests.integration.api.conftest import Person, World
from tests.shop import Shelf

NOWHERE = "whs_01jd7x9k2me8kv1qzr5t0w3y4b"


class Office:
    """A member of staff at their desk."""

    def __init__(self, world: World, person: Person) -> None:
        self.world = world
        self.person = person

    async def post(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        sent: dict[str, Any] = {"content": body} if isinstance(body, str) else {"json": body}
        headers = {**self.person.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)}
        if isinstance(body, str):
            headers["Content-Type"] = "text/csv; charset=utf-8"
        return await self.world.client.post(f"/v1/admin/{path}", headers=headers, **sent)

    async def get(self, path: str) -> Any:
        answer = await self.world.client.get(f"/v1/admin/{path}", headers=self.person.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def audited(self, target: str) -> list[tuple[str, str]]:
        entries = (await self.get(f"audit-log?target={target}"))["data"]
        return [(entry["action"], entry["actor"]) for entry in entries]


@pytest.fixture
async def office(world: World) -> Office:
    return Office(world, await world.person("staff"))


def adjustment(shelf: Shelf, delta: int) -> dict[str, Any]:
    return {
        "warehouse_id": shelf.warehouse_id,
        "sku": shelf.sku,
        "delta": delta,
        "reason": "found",
    }


async def reserve(world: World, shelf: Shelf, units: int) -> None:
    """Promise units to an order of another test's making."""
    await world.database.statement(
        text(
            "WITH s AS (UPDATE stock SET reserved = reserved + :units WHERE sku = :sku"
            " RETURNING warehouse_id, sku)"
            " INSERT INTO reservation_lines (order_id, warehouse_id, sku, quantity, status)"
            " SELECT :order_id, warehouse_id, sku, :units, 'held' FROM s"
        ),
        {"units": units, "sku": shelf.sku, "order_id": new_id(Prefix.ORDER)},
    )


async def test_adjustment_counts_once_for_its_key_and_is_in_the_books(
    world: World, office: Office
) -> None:
    shelf = await world.shop.stock_up(5)
    key = new_id(Prefix.EVENT)

    first, second = await asyncio.gather(
        *(office.post("stock-adjustments", adjustment(shelf, 7), key=key) for _ in range(2))
    )

    assert (first.status_code, first.content) == (201, second.content)
    assert first.json() == {
        **adjustment(shelf, 7),
        "on_hand": 12,
        "reserved": 0,
        "available": 12,
        "served_orders": [],
    }
    found = await office.get(f"stock-movements?sku={shelf.sku}")
    actor = f"staff:{office.person.user_id}"
    assert [(m["delta"], m["reason"]) for m in found["data"]] == [(7, "found"), (5, "initial")]
    assert found["data"][0]["actor"] == actor
    assert await office.audited(f"{shelf.warehouse_id}:{shelf.sku}") == [("stock.adjusted", actor)]
    seen = await world.client.get(f"/v1/stock/{shelf.sku}", headers=office.person.headers)
    assert seen.json()["by_warehouse"][0]["on_hand"] == 12


async def test_adjustment_below_what_is_promised_is_refused_for_good(
    world: World, office: Office
) -> None:
    shelf = await world.shop.stock_up(5)
    await reserve(world, shelf, 3)
    key = new_id(Prefix.EVENT)

    refused = await office.post("stock-adjustments", adjustment(shelf, -3), key=key)
    replayed = await office.post("stock-adjustments", adjustment(shelf, -3), key=key)
    taken = await office.post("stock-adjustments", adjustment(shelf, -2))

    assert refused.status_code == 409
    assert refused.json()["type"].endswith("invalid-state")
    assert refused.json()["state"] == "5 on hand, 3 reserved"
    assert refused.json()["allowed"] == ["from -2 to 1999999995"]
    assert replayed.content == refused.content
    assert taken.json()["available"] == 0
    assert await world.shop.levels(shelf) == (3, 3)


async def test_adjustment_makes_the_row_of_a_new_place(world: World, office: Office) -> None:
    shelf = await world.shop.stock_up(1)
    made = await office.post(
        "warehouses", {"name": "New", "country": "DE", "latitude": 52.5, "longitude": 13.4}
    )
    body = adjustment(shelf, -1) | {"warehouse_id": made.json()["id"]}

    assert (await office.post("stock-adjustments", body)).status_code == 409
    added = await office.post("stock-adjustments", body | {"delta": 4})

    assert added.json()["on_hand"] == 4
    movements = await office.get(f"stock-movements?warehouse_id={made.json()['id']}")
    assert [(m["sku"], m["delta"]) for m in movements["data"]] == [(shelf.sku, 4)]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"warehouse_id": NOWHERE}, "/warehouse_id"),
        ({"sku": "NO-SUCH-SKU"}, "/sku"),
        ({"delta": 0}, ""),
        ({"delta": 1.5}, "/delta"),
        ({"delta": 10_000_001}, "/delta"),
        ({"reason": ""}, "/reason"),
        ({"actor": "me"}, "/actor"),
    ],
)
async def test_bad_adjustment_is_refused_with_a_pointer(
    world: World, office: Office, shelf: Shelf, changes: dict[str, Any], pointer: str
) -> None:
    before = await world.shop.levels(shelf)

    answer = await office.post("stock-adjustments", adjustment(shelf, 1) | changes)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await world.shop.levels(shelf) == before


async def test_movements_are_paged_the_newest_first(world: World, office: Office) -> None:
    shelf = await world.shop.stock_up(1)
    for delta in (2, 3):
        await office.post("stock-adjustments", adjustment(shelf, delta))

    first = await office.get(f"stock-movements?sku={shelf.sku}&limit=2")
    cursor = first["next_cursor"]
    rest = await office.get(f"stock-movements?sku={shelf.sku}&limit=2&cursor={cursor}")

    assert [m["delta"] for m in first["data"]] == [3, 2]
    assert [m["delta"] for m in rest["data"]] == [1]
    assert rest["next_cursor"] is None


async def test_transfer_leaves_is_on_no_shelf_and_arrives_once(
    world: World, office: Office
) -> None:
    shelf = await world.shop.stock_up(5)
    other = await world.shop.stock_up_elsewhere(shelf, 1)
    await reserve(world, shelf, 1)  # one in each place
    body = {
        "from_warehouse_id": shelf.warehouse_id,
        "to_warehouse_id": other.warehouse_id,
        "items": [{"sku": shelf.sku, "quantity": 5}],
        "reason": "balance",
    }

    short = await office.post("stock-transfers", body)
    sent = await office.post(
        "stock-transfers", body | {"items": [{"sku": shelf.sku, "quantity": 3}]}
    )

    assert (short.status_code, short.json()["allowed"]) == (409, [f"4 of {shelf.sku}"])
    assert sent.status_code == 201
    transfer = sent.json()
    assert sent.headers["location"] == f"/v1/admin/stock-transfers/{transfer['id']}"
    assert transfer["status"] == "in_transit"
    assert await world.shop.levels(shelf) == (2, 1)
    assert await world.shop.levels(other) == (1, 1)

    path = f"stock-transfers/{transfer['id']}"
    key = new_id(Prefix.EVENT)
    received, again = await asyncio.gather(
        *(office.post(f"{path}/receive", {}, key=key) for _ in range(2))
    )
    late = await office.post(f"{path}/cancel", {})

    assert (received.status_code, received.content) == (200, again.content)
    assert received.json()["status"] == "received"
    assert await world.shop.levels(other) == (4, 1)
    assert (late.status_code, late.json()["state"]) == (409, "received")
    listed = await office.get("stock-transfers?status=received&limit=1")
    assert listed["data"][0] == received.json() == await office.get(path)
    assert [action for action, _ in await office.audited(transfer["id"])] == [
        "stock.transfer_received",
        "stock.transfer_sent",
    ]


async def test_canceled_transfer_is_back_where_it_left(world: World, office: Office) -> None:
    shelf = await world.shop.stock_up(5)
    other = await world.shop.stock_up_elsewhere(shelf, 1)
    body = {
        "from_warehouse_id": shelf.warehouse_id,
        "to_warehouse_id": other.warehouse_id,
        "items": [{"sku": shelf.sku, "quantity": 3}],
        "reason": "balance",
    }
    transfer = (await office.post("stock-transfers", body)).json()

    ended = await office.post(f"stock-transfers/{transfer['id']}/cancel", {})

    assert ended.json()["status"] == "canceled"
    assert await world.shop.levels(shelf) == (5, 0)
    assert await world.shop.levels(other) == (1, 0)


async def test_transfer_of_what_is_not_there_is_refused_with_pointers(
    office: Office, shelf: Shelf
) -> None:
    body = {
        "from_warehouse_id": NOWHERE,
        "to_warehouse_id": shelf.warehouse_id,
        "items": [{"sku": "NO-SUCH-SKU", "quantity": 3}],
        "reason": "balance",
    }

    answer = await office.post("stock-transfers", body)

    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert (answer.status_code, pointers) == (422, ["/from_warehouse_id", "/items/0/sku"])
    missing = await office.post(f"stock-transfers/{new_id(Prefix.TRANSFER)}/receive", {})
    assert missing.status_code == 404


async def test_stock_taking_is_rehearsed_then_done_once(world: World, office: Office) -> None:
    shelf = await world.shop.stock_up(5)
    other = await world.shop.stock_up_elsewhere(shelf, 4)
    third = await world.shop.stock_up(9)
    body = (
        "warehouse_id,sku,counted\n"
        f"{shelf.warehouse_id},{shelf.sku},8\n"
        f"{other.warehouse_id},{other.sku},0\n"
        f"{third.warehouse_id},{third.sku},9\n"
    )
    summary = {"rows": 3, "changed": 2, "units": -1}
    key = new_id(Prefix.EVENT)

    rehearsed = await office.post("stock-takes?dry_run=true", body, key=key)
    untouched = await world.shop.levels(shelf)
    done = await office.post("stock-takes", body, key=key)
    await office.post("stock-adjustments", adjustment(shelf, 1))
    again = await office.post("stock-takes", body, key=key)

    assert (rehearsed.status_code, rehearsed.json()) == (200, {"dry_run": True, **summary})
    assert untouched == (5, 0)
    assert (done.status_code, done.json()) == (201, {"dry_run": False, **summary})
    assert again.content == done.content
    assert await world.shop.levels(shelf) == (9, 0)
    assert await world.shop.levels(other) == (0, 0)
    newest = (await office.get(f"stock-movements?sku={shelf.sku}"))["data"][1:3]
    assert {(m["delta"], m["reason"]) for m in newest} == {
        (3, "stock_taking"),
        (-4, "stock_taking"),
    }


async def test_one_bad_row_refuses_the_whole_stock_taking(world: World, office: Office) -> None:
    shelf = await world.shop.stock_up(5)
    promised = await world.shop.stock_up(5)
    await reserve(world, promised, 4)
    body = (
        "warehouse_id,sku,counted\n"
        f"{shelf.warehouse_id},{shelf.sku},8\n"
        f"{promised.warehouse_id},{promised.sku},3\n"
        f"{NOWHERE},NO-SUCH-SKU,3\n"
    )

    for path in ("stock-takes?dry_run=true", "stock-takes"):
        answer = await office.post(path, body)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {
                "pointer": "/lines/3/counted",
                "detail": "4 units are promised to orders: fewer cannot lie there",
            },
            {"pointer": "/lines/4/warehouse_id", "detail": "there is no such warehouse"},
            {"pointer": "/lines/4/sku", "detail": "there is no such SKU"},
        ]
    assert await world.shop.levels(shelf) == (5, 0)


async def test_stock_taking_that_is_no_csv_is_refused(office: Office) -> None:
    answer = await office.post("stock-takes", {"warehouse_id": NOWHERE})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/header/content-type"


async def test_warehouse_is_added_once_and_changed_by_who_has_seen_it(
    world: World, office: Office
) -> None:
    key = new_id(Prefix.EVENT)
    wanted = {"name": "South", "country": "US", "region": "TX", "priority": 3}
    made, again = [await office.post("warehouses", wanted, key=key) for _ in range(2)]
    path = f"/v1/admin/warehouses/{made.json()['id']}"
    headers = office.person.headers
    etag = (await world.client.get(path, headers=headers)).headers["etag"]

    changed = await world.client.patch(
        path, json={"latitude": 30, "longitude": -97.5}, headers={**headers, "If-Match": etag}
    )
    lost = await world.client.patch(
        path, json={"priority": 1}, headers={**headers, "If-Match": etag}
    )
    half = await world.client.patch(path, json={"latitude": None}, headers=headers)
    nameless = await world.client.patch(path, json={"name": None}, headers=headers)

    assert (made.status_code, made.content) == (201, again.content)
    assert changed.json() == made.json() | {"latitude": 30.0, "longitude": -97.5}
    assert lost.status_code == 412
    assert (half.status_code, half.json()["errors"][0]["pointer"]) == (422, "/latitude")
    assert (nameless.status_code, nameless.json()["errors"][0]["pointer"]) == (422, "/name")
    assert [action for action, _ in await office.audited(made.json()["id"])] == [
        "warehouse.changed",
        "warehouse.added",
    ]


async def test_policy_is_shown_with_the_product_and_kept_from_lost_changes(
    world: World, office: Office
) -> None:
    shelf = await world.shop.stock_up(5)
    path = f"/v1/admin/stock-policies/{shelf.sku}"
    headers = office.person.headers
    etag = (await world.client.get(path, headers=headers)).headers["etag"]
    wanted = {
        "backorder_policy": "preorder",
        "backorder_limit": 50,
        "promised_at": "2099-01-01T00:00:00Z",
        "low_stock_threshold": 6,
        "reason": "a new edition",
    }

    changed = await world.client.put(path, json=wanted, headers={**headers, "If-Match": etag})
    lost = await world.client.put(path, json=wanted, headers={**headers, "If-Match": etag})

    assert changed.status_code == 200
    assert lost.status_code == 412
    [row] = await world.database.statement(
        text("SELECT product_id FROM variants WHERE sku = :sku"), {"sku": shelf.sku}
    )
    product = (await world.client.get(f"/v1/products/{row['product_id']}")).json()
    variant = product["variants"][0]
    assert variant["backorder_policy"] == "preorder"
    assert variant["promised_at"] == "2099-01-01T00:00:00Z"
    assert variant["available"] == 5
    told = await world.database.statement(
        text("SELECT type FROM outbox WHERE aggregate_id = :id"), {"id": shelf.variant_id}
    )
    assert [one["type"] for one in told] == ["stock.low"]


@pytest.mark.parametrize("role", ["customer", "vendor"])
async def test_stock_is_changed_by_staff_only(world: World, shelf: Shelf, role: str) -> None:
    office = Office(world, await world.person(role))
    before = await world.shop.levels(shelf)

    for path, body in (
        ("stock-adjustments", adjustment(shelf, 1)),
        ("stock-takes", f"warehouse_id,sku,counted\n{shelf.warehouse_id},{shelf.sku},1\n"),
        ("stock-transfers", {}),
        ("warehouses", {"name": "Mine", "country": "US"}),
    ):
        assert (await office.post(path, body)).status_code == 403
    assert await world.shop.levels(shelf) == before
