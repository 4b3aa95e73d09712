"""Staff answer disputes over HTTP, vendors see what is held back; evidence stays in its row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.disputes import Dispute, DisputedSalePage, DisputePage
from api.schemas.oversight import StaffOrderDetail
from core.domain.ids import Prefix, new_id
from tests.contract.sandbox import Control
from tests.disputing import FIELDS, dispute_status, sold_by, told
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World
from tests.integration.api.test_parcels import headers_of_vendor
from tests.integration.api.test_payments import TOTAL, paid, refund
from tests.shop import PRICE

pytestmark = pytest.mark.usefixtures("workers")


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[Control]:
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http:
        yield Control(http=http)


async def disputed(world: World, customer: Person, control: Control) -> tuple[str, str]:
    """An order whose bank disputes it, with its vendor."""
    order: dict[str, Any] = await paid(world, customer)
    order_id = str(order["id"])
    goods = 2 * PRICE
    vendor_id = await sold_by(world.shop, order_id, goods=goods, shipping=TOTAL - goods)
    intent = (await world.shop.payment(order_id))["provider_payment_id"]
    found = await control.dispute(intent)
    await told(world.shop, intent, found)
    await eventually(lambda: dispute_status(world.shop, order_id))
    return order_id, vendor_id


async def post(
    world: World, who: Person, path: str, body: Any, key: str | None = None, **headers: str
) -> httpx.Response:
    key = key or new_id(Prefix.EVENT)
    return await world.client.post(
        f"/v1/admin/disputes/{path}",
        json=body,
        headers={**who.headers, "Idempotency-Key": key, **headers},
    )


async def listed(world: World, who: Person, **query: str) -> DisputePage:
    answer = await world.client.get("/v1/admin/disputes", params=query, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return DisputePage.model_validate_json(answer.content)


async def test_staff_submits_evidence_once_and_the_bank_decides(
    world: World, customer: Person, staff: Person, control: Control
) -> None:
    order_id, _ = await disputed(world, customer, control)
    (found,) = (await listed(world, staff, order_id=order_id, status="needs_response")).data
    due_at = found.evidence_due_at
    assert due_at is not None
    for moment, ids in ((due_at, []), (due_at + timedelta(seconds=1), [found.id])):
        due = await listed(world, staff, order_id=order_id, due_before=moment.isoformat())
        assert [one.id for one in due.data] == ids
    path = f"/v1/admin/disputes/{found.id}"
    shown = await world.client.get(path, headers=staff.headers)
    assert (shown.status_code, shown.headers["ETag"]) == (200, '"1"')

    stale = await post(world, staff, f"{found.id}/evidence", FIELDS, **{"If-Match": '"9"'})
    assert stale.status_code == 412
    key = new_id(Prefix.EVENT)
    sent = await post(world, staff, f"{found.id}/evidence", FIELDS, key, **{"If-Match": '"1"'})
    assert sent.status_code == 200, sent.text
    after = Dispute.model_validate_json(sent.content)
    assert (after.status, after.submitted_by) == ("under_review", f"staff:{staff.user_id}")
    assert after.evidence is not None
    assert after.evidence.customer_name == FIELDS["customer_name"]
    again = await post(world, staff, f"{found.id}/evidence", FIELDS, key, **{"If-Match": '"1"'})
    assert (again.content, again.headers["Idempotency-Replayed"]) == (sent.content, "true")
    second = await post(world, staff, f"{found.id}/evidence", FIELDS)
    assert (second.status_code, second.json()["state"]) == (
        409,
        "under_review, evidence submitted",
    )
    given_up = await post(world, staff, f"{found.id}/accept", {"reason": "too late"})
    assert given_up.status_code == 409
    refused = await refund(world, staff, order_id, amount=1)
    assert refused.status_code == 409
    assert "is in dispute or lost in one" in refused.json()["detail"]

    await control.decide_dispute(found.provider_dispute_id, "won")
    payment = await world.shop.payment(order_id)
    await told(world.shop, payment["provider_payment_id"], found.provider_dispute_id, "closed")
    await eventually(lambda: dispute_status(world.shop, order_id), lambda status: status == "won")
    detail = await world.client.get(f"/v1/admin/orders/{order_id}", headers=staff.headers)
    order = StaffOrderDetail.model_validate_json(detail.content)
    assert (order.payment_status, [one.status for one in order.disputes]) == ("captured", ["won"])


async def test_staff_gives_a_dispute_up_and_says_why(
    world: World, customer: Person, staff: Person, control: Control
) -> None:
    order_id, vendor_id = await disputed(world, customer, control)
    vendor = headers_of_vendor(world, vendor_id)
    before = await world.client.get("/v1/vendor/disputes", headers=vendor)
    (sale,) = DisputedSalePage.model_validate_json(before.content).data
    assert (sale.order_id, sale.status, sale.held.amount) == (order_id, "needs_response", 2 * PRICE)
    stranger = headers_of_vendor(world, new_id(Prefix.VENDOR))
    theirs = await world.client.get("/v1/vendor/disputes", headers=stranger)
    assert theirs.json() == {"data": [], "next_cursor": None}

    lost = await post(world, staff, f"{sale.id}/accept", {"reason": "never sent"})
    assert (lost.status_code, lost.json()["status"]) == (200, "lost")
    entries = await world.database.statement(
        text("SELECT actor, reason FROM audit_log WHERE target = :id"), {"id": sale.id}
    )
    assert [tuple(entry.values()) for entry in entries] == [
        (f"staff:{staff.user_id}", "never sent")
    ]


async def test_evidence_that_comes_too_late_is_not_kept(
    world: World, customer: Person, staff: Person, control: Control
) -> None:
    order_id, _ = await disputed(world, customer, control)
    (found,) = (await listed(world, staff, order_id=order_id)).data
    await control.decide_dispute(found.provider_dispute_id, "lost")
    payment = await world.shop.payment(order_id)
    await told(world.shop, payment["provider_payment_id"], found.provider_dispute_id, "closed")
    await eventually(lambda: dispute_status(world.shop, order_id), lambda status: status == "lost")

    late = await post(world, staff, f"{found.id}/evidence", FIELDS)
    assert (late.status_code, late.json()["state"]) == (409, "lost")
    rows = await world.database.statement(
        text("SELECT evidence::text AS evidence FROM disputes WHERE id = :id"), {"id": found.id}
    )
    assert FIELDS["explanation"] not in str(rows[0]["evidence"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/explanation"),
        ({"explanation": "x", "shipping_date": "soon"}, "/shipping_date"),
        ({"explanation": "x\u0000"}, "/explanation"),
        ({"explanation": "x", "card": "4242"}, "/card"),
    ],
)
async def test_evidence_that_nobody_could_read_is_refused(
    world: World, staff: Person, body: dict[str, Any], pointer: str
) -> None:
    answer = await post(world, staff, f"{new_id(Prefix.DISPUTE)}/evidence", body)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_dispute_that_is_not_there_is_not_found(world: World, staff: Person) -> None:
    dispute_id = new_id(Prefix.DISPUTE)
    shown = await world.client.get(f"/v1/admin/disputes/{dispute_id}", headers=staff.headers)
    sent = await post(world, staff, f"{dispute_id}/accept", {"reason": "x"})

    assert (shown.status_code, sent.status_code) == (404, 404)
