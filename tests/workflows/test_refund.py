"""Money goes back once, in as many parts as it takes, and only as much as was taken."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowHandle

from core.domain.errors import InvalidStateError
from core.domain.ids import Prefix, new_id
from core.domain.statuses import RefundStatus
from models.repositories import orders, refunds
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING, Shop
from tests.workflows.platform import HANDLING, SkippingPlatform
from workflows import workflow_ids
from workflows.messages import Action, RefundRequest, Resolution
from workflows.refund import RefundWorkflow
from workflows.task_queues import TaskQueue

TOTAL = PRICE + SHIPPING
MARGIN = timedelta(seconds=5)
SLOW = "pm_card_pendingRefund"
PERSON = "staff:usr_1"


async def paid(skipping: SkippingPlatform, payment_method: str = "pm_card_visa") -> str:
    """An order whose parcel is paid for and with the carrier."""
    shop = skipping.shop
    order_id = await shop.draft(await shop.stock_up(5), payment_method=payment_method)
    await shop.place(order_id)
    await eventually(lambda: shop.fulfillment_started(order_id))
    await skipping.skip(HANDLING + MARGIN)
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    return order_id


async def requested(shop: Shop, order_id: str, amount: int) -> str:
    """Write a refund; return its id."""
    refund_id = new_id(Prefix.REFUND)
    async with shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        await refunds.request(
            session, order, refund_id=refund_id, amount=amount, reason="late", actor=PERSON
        )
    return refund_id


async def started(shop: Shop, order_id: str, refund_id: str) -> WorkflowHandle[Any, Any]:
    return await shop.temporal.start_workflow(
        RefundWorkflow.run,
        RefundRequest(order_id=order_id, refund_id=refund_id),
        id=workflow_ids.refund(refund_id),
        task_queue=TaskQueue.PAYMENTS,
    )


async def refunded(shop: Shop, order_id: str, amount: int) -> RefundStatus:
    refund_id = await requested(shop, order_id, amount)
    status: RefundStatus = await (await started(shop, order_id, refund_id)).result()
    return status


async def given_back(skipping: SkippingPlatform, order_id: str) -> list[int]:
    return [row["refunded"] for row in await skipping.outside.attempts(order_id)]


async def refund_at_provider(skipping: SkippingPlatform, order_id: str) -> str:
    gateway = skipping.resources.payments["stripe"]
    found = await gateway.find_refunds(await skipping.outside.intent(order_id))
    return found[0].provider_refund_id


async def test_refunds_in_parts_until_nothing_is_left(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await paid(skipping)

    assert await refunded(shop, order_id, 1000) is RefundStatus.SUCCEEDED
    assert (await shop.order(order_id))["payment_status"] == "partially_refunded"
    assert await refunded(shop, order_id, TOTAL - 1000) is RefundStatus.SUCCEEDED
    assert (await shop.order(order_id))["payment_status"] == "refunded"
    assert await given_back(skipping, order_id) == [TOTAL]
    with pytest.raises(InvalidStateError):
        await requested(shop, order_id, 1)
    events = [one for one in await shop.events(order_id) if one.startswith("refund.")]
    assert events == ["refund.requested", "refund.succeeded"] * 2


async def test_refund_whose_answer_is_lost_is_found(skipping: SkippingPlatform) -> None:
    order_id = await paid(skipping)
    await skipping.outside.fault("stripe", "refunds.create", "timeout_after_effect", latency_ms=0)
    refund_id = await requested(skipping.shop, order_id, 1000)
    refund = await started(skipping.shop, order_id, refund_id)
    await skipping.skip(timedelta(seconds=2))

    assert await refund.result() == "succeeded"
    assert await given_back(skipping, order_id) == [1000]


async def test_refund_that_failed_is_tried_again_by_a_person(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await paid(skipping, SLOW)
    refund_id = await requested(shop, order_id, 1000)
    refund = await started(shop, order_id, refund_id)
    failed = await eventually(
        lambda: _refund_id(skipping, order_id), lambda found: found is not None
    )
    assert failed is not None
    await skipping.outside.settle_refund(failed, "failed")
    intent = await skipping.outside.intent(order_id)
    assert await shop.receive_event("stripe", "refund.failed", object_id=intent) == "record"
    mark = await eventually(lambda: shop.order(order_id), lambda order: order["waiting_for"])
    assert mark["waiting_for"]["last_error"] == (
        "the provider could not give the money back: expired_or_canceled_card"
    )

    again = Resolution(actor=PERSON, reason="they have a new card")
    await refund.execute_update(RefundWorkflow.resolve, again)
    second = await eventually(
        lambda: _refund_id(skipping, order_id), lambda found: found not in {None, failed}
    )
    assert second is not None
    await skipping.outside.settle_refund(second, "succeeded")
    await shop.receive_event("stripe", "refund.updated", object_id=intent)
    assert await refund.result() == "succeeded"
    assert (await shop.order(order_id))["payment_status"] == "partially_refunded"
    assert await given_back(skipping, order_id) == [1000]


async def test_refund_that_a_person_gives_up_has_failed_and_can_be_asked_for_again(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id = await paid(skipping)
    await skipping.outside.break_down("stripe", "refunds.create")
    refund_id = await requested(shop, order_id, TOTAL)
    refund = await started(shop, order_id, refund_id)
    await skipping.skip(timedelta(seconds=4))
    await eventually(lambda: shop.waits(order_id), lambda waits: waits == ["refund"])
    skip = Resolution(actor=PERSON, reason="sent by bank transfer", action=Action.SKIP)
    await refund.execute_update(RefundWorkflow.resolve, skip)

    assert await refund.result() == "failed"
    order = await shop.order(order_id)
    assert (order["payment_status"], order["waiting_for"]) == ("captured", None)
    await skipping.outside.clear_faults()
    assert await refunded(shop, order_id, TOTAL) is RefundStatus.SUCCEEDED


async def test_refund_made_at_the_provider_is_recorded_by_its_event(
    skipping: SkippingPlatform,
) -> None:
    order_id = await paid(skipping)
    intent = await skipping.outside.intent(order_id)
    service = skipping.resources.payments["stripe"]
    await service._refunds.create_async(  # type: ignore[attr-defined]  # as the provider's own pages do
        {"payment_intent": intent, "amount": 250}
    )
    for _ in range(2):
        await skipping.shop.receive_event("stripe", "charge.refunded", object_id=intent)
    (payment,) = await skipping.shop.payments(order_id)
    assert (payment["status"], payment["refunded_amount"]) == ("partially_refunded", 250)


async def test_ten_people_who_want_half_of_it_get_it_twice(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await paid(skipping)
    half = TOTAL // 2
    asked = await asyncio.gather(
        *(requested(shop, order_id, half) for _ in range(10)), return_exceptions=True
    )
    granted = [one for one in asked if isinstance(one, str)]
    refused = [one for one in asked if isinstance(one, InvalidStateError)]
    assert (len(granted), len(refused)) == (2, 8)
    for refund_id in granted:
        assert await (await started(shop, order_id, refund_id)).result() == "succeeded"
    assert await given_back(skipping, order_id) == [2 * half]


async def test_stray_charge_of_an_ended_order_is_given_back(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await shop.draft(await shop.stock_up(0))
    await shop.place(order_id)
    gateway = skipping.resources.payments["stripe"]
    payment = await stray(gateway, order_id)
    for _ in range(2):
        routed = await shop.receive_event(
            "stripe", "payment_intent.succeeded", object_id=payment, reference=order_id
        )
        assert routed == "stray"
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
    assert await given_back(skipping, order_id) == [TOTAL]
    rows = await shop.database.statement(text("SELECT count(*) AS n FROM refunds"), {})
    assert rows[0]["n"] == 0


async def stray(gateway: Any, order_id: str) -> str:
    """A payment that nobody here knows of, taken already; the provider's id."""
    intent = await gateway._intents.create_async(  # as another system would
        {
            "amount": TOTAL,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "confirm": True,
            "metadata": {"order_id": order_id},
        }
    )
    return str(intent.id)


async def _refund_id(skipping: SkippingPlatform, order_id: str) -> str | None:
    gateway = skipping.resources.payments["stripe"]
    found = await gateway.find_refunds(await skipping.outside.intent(order_id))
    return found[0].provider_refund_id if found else None
