"""Returns over HTTP: whose they are, who decides, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.returns import Return, ReturnPage
from core.domain.ids import Prefix, new_id
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World
from tests.returning import Sold, delivered
from tests.shop import PRICE, SHIPPING, Shop

pytestmark = pytest.mark.usefixtures("workers")


class Counter:
    """One customer's delivered order of two units, and the staff who looks after it."""

    def __init__(self, world: World, customer: Person, staff: Person, sold: Sold) -> None:
        self.world, self.customer, self.staff, self.sold = world, customer, staff, sold

    async def post(
        self, who: Person, path: str, body: Any = None, key: str | None = None
    ) -> httpx.Response:
        headers = {**who.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)}
        return await self.world.client.post(f"/v1{path}", json=body, headers=headers)

    async def get(self, who: Person, path: str) -> httpx.Response:
        return await self.world.client.get(f"/v1{path}", headers=who.headers)

    async def ask(self, key: str | None = None, **changes: Any) -> httpx.Response:
        item = {"item_id": self.sold.items[0], "quantity": 1, "reason": "changed_mind"}
        path = f"/orders/{self.sold.order_id}/returns"
        return await self.post(self.customer, path, {"items": [item | changes]}, key)

    def item(self, quantity: int, condition: str = "sellable") -> dict[str, Any]:
        return {"item_id": self.sold.items[0], "quantity": quantity, "condition": condition}


@pytest.fixture
async def counter(world: World, customer: Person) -> Counter:
    shop = Shop(world.database, world.resources.temporal)
    shop.customer_id = customer.user_id
    shelf = await shop.stock_up(2)
    sold = await delivered(world.resources, shop, shelf, 2, at_the_provider=True)
    return Counter(world, customer, await world.person("staff"), sold)


async def test_return_goes_from_the_request_to_the_refund(counter: Counter) -> None:
    asked = await counter.ask(key := new_id(Prefix.EVENT), reason="damaged", quantity=2)
    assert asked.status_code == 201, asked.text
    return_ = Return.model_validate_json(asked.content)
    assert asked.headers["location"] == f"/v1/returns/{return_.id}"
    assert (return_.status, return_.items[0].quantity) == ("requested", 2)
    again = await counter.ask(key, reason="damaged", quantity=2)
    assert (again.content, again.headers["idempotency-replayed"]) == (asked.content, "true")

    path = f"/admin/returns/{return_.id}"
    approved = await counter.post(counter.staff, f"{path}/approve")
    assert (approved.status_code, approved.json()["status"]) == (200, "approved"), approved.text
    shipped = await counter.post(
        counter.customer, f"/returns/{return_.id}/shipped", {"tracking_number": "1Z999"}
    )
    assert (shipped.status_code, shipped.json()["status"]) == (200, "in_transit"), shipped.text
    received = await counter.post(
        counter.staff,
        f"{path}/receive",
        {"items": [counter.item(1), counter.item(1, "damaged")]},
    )
    assert received.status_code == 200, received.text
    assert received.json()["refund"] == {"amount": 2 * PRICE + SHIPPING, "currency": "USD"}

    async def status() -> str:
        seen = await counter.get(counter.customer, f"/returns/{return_.id}")
        return str(seen.json()["status"])

    await eventually(status, lambda seen: seen == "refunded")
    rejected = await counter.post(counter.staff, f"{path}/reject", {"reason": "too late"})
    assert rejected.status_code == 409
    assert (rejected.json()["state"], rejected.json()["allowed"]) == ("refunded", [])
    audit = await counter.world.database.statement(
        text("SELECT action FROM audit_log WHERE target = :id ORDER BY id"), {"id": return_.id}
    )
    assert [row["action"] for row in audit] == ["return.approved", "return.received"]


async def test_of_two_members_of_staff_one_decides(counter: Counter) -> None:
    return_id = (await counter.ask()).json()["id"]
    path = f"/admin/returns/{return_id}"
    both = await asyncio.gather(
        counter.post(counter.staff, f"{path}/reject", {"reason": "worn"}),
        counter.post(await counter.world.person("staff"), f"{path}/reject", {"reason": "old"}),
    )

    assert sorted(answer.status_code for answer in both) == [200, 409]
    (refused,) = [answer.json() for answer in both if answer.status_code != 200]
    assert (refused["state"], refused["allowed"]) == ("rejected", [])
    assert (await counter.ask(quantity=2)).status_code == 201


async def test_what_cannot_be_returned_is_refused(counter: Counter) -> None:
    more = await counter.ask(quantity=3)
    assert more.status_code == 409
    assert more.json()["errors"] == [
        {"pointer": "/items/0/quantity", "detail": "2 of 2 delivered can be returned"}
    ]
    assert (more.json()["state"], more.json()["allowed"]) == (
        "delivered",
        [f"return up to 2 of {counter.sold.items[0]}"],
    )
    assert (await counter.ask(quantity=2)).status_code == 201
    assert (await counter.ask()).status_code == 409


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"item_id": "itm_01jd7x9k2me8kv1qzr5t0w3y4b"}, "/items/0/item_id"),
        ({"exchange_sku": "NOT-SOLD"}, "/items/0/exchange_sku"),
        ({"quantity": 0}, "/items/0/quantity"),
        ({"reason": ""}, "/items/0/reason"),
    ],
)
async def test_request_that_makes_no_sense_is_422(
    counter: Counter, changes: dict[str, Any], pointer: str
) -> None:
    answer = await counter.ask(**changes)

    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_receipt_of_what_was_not_asked_for_is_422(counter: Counter) -> None:
    return_id = (await counter.ask()).json()["id"]
    path = f"/admin/returns/{return_id}/receive"
    for body, pointer in (
        ({"items": [counter.item(2)]}, "/items/0/quantity"),
        ({"items": [counter.item(1), counter.item(1, "damaged")]}, "/items/1/quantity"),
        ({"items": [counter.item(1) | {"item_id": "itm_x"}]}, "/items/0/item_id"),
        ({"items": [counter.item(1)], "warehouse_id": "whs_x"}, "/warehouse_id"),
    ):
        answer = await counter.post(counter.staff, path, body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
    early = await counter.post(counter.staff, path, {"items": [counter.item(1)]})
    assert early.status_code == 409
    assert early.json()["allowed"] == ["approved", "expired", "rejected"]


async def test_goods_refused_at_their_inspection_are_told(counter: Counter) -> None:
    return_id = (await counter.ask()).json()["id"]
    path = f"/admin/returns/{return_id}"
    await counter.post(counter.staff, f"{path}/approve", {"reason": "let us see"})
    refused = await counter.post(
        counter.staff,
        f"{path}/receive",
        {
            "items": [counter.item(1, "damaged")],
            "refusal": {"reason": "worn", "goods": "sent_back"},
        },
    )

    assert (refused.status_code, refused.json()["status"]) == (200, "rejected"), refused.text
    assert refused.json()["rejection_reason"] == "worn (goods sent_back)"
    assert refused.json()["refund"] is None


async def test_returns_are_their_customers_and_decisions_are_staffs(counter: Counter) -> None:
    return_id = (await counter.ask()).json()["id"]
    other = await counter.world.person()
    order = f"/orders/{counter.sold.order_id}/returns"
    item = {"item_id": counter.sold.items[0], "quantity": 1, "reason": "damaged"}
    answers = [
        await counter.post(other, order, {"items": [item]}),
        await counter.get(other, order),
        await counter.get(other, f"/returns/{return_id}"),
        await counter.post(other, f"/returns/{return_id}/shipped", {"tracking_number": "1"}),
        await counter.post(counter.staff, "/admin/returns/ret_x/approve"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    forbidden = [
        await counter.get(counter.customer, "/admin/returns"),
        *[
            await counter.post(counter.customer, f"/admin/returns/{return_id}/{what}", body)
            for what, body in (
                ("approve", None),
                ("reject", {"reason": "no"}),
                ("receive", {"items": [counter.item(1)]}),
            )
        ],
    ]
    assert [answer.status_code for answer in forbidden] == [403] * 4

    own = await counter.get(counter.customer, order)
    assert [one.id for one in ReturnPage.model_validate_json(own.content).data] == [return_id]
    listed = await counter.get(counter.staff, "/admin/returns?status=requested&limit=1")
    page = ReturnPage.model_validate_json(listed.content)
    assert [one.id for one in page.data] == [return_id]
