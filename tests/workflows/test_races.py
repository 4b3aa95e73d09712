"""Two who want opposite things at once: one wins, the other is told what is possible instead."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from core.domain.errors import InvalidStateError
from tests.eventually import eventually
from tests.returning import requested
from tests.shop import PRICE, SHIPPING, Shop
from tests.workflows.platform import DAY, HANDLING, SkippingPlatform
from tests.workflows.test_order_changes import (
    cancel_units,
    change,
    confirmed,
    edit,
    has_ended,
    items,
)
from tests.workflows.test_refund import requested as refund_requested
from tests.workflows.test_refund import started as refund_started
from tests.workflows.test_returns import begun as return_begun
from tests.workflows.test_returns import received, sold
from tests.workflows.test_undelivered import decide, happens, refunds, shipped
from tests.workflows.test_vendor_parcels import ask, begun, reaches, waits
from workflows import workflow_ids
from workflows.messages import Action, CancelRequest, DecideReturn, Resolution
from workflows.ports.shipments import PackedItem
from workflows.returns import ReturnWorkflow

MARGIN = timedelta(seconds=5)
TOTAL = 2 * PRICE + SHIPPING
CUSTOMER = CancelRequest(actor="customer:usr_1", reason="changed my mind")
STAFF = "staff:usr_2"


async def outcomes(*asked: Awaitable[Any]) -> tuple[list[Any], list[ApplicationError]]:
    """Ask for everything at once; what was done, and what was refused."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refusals = [one.cause for one in answers if isinstance(one, WorkflowUpdateFailedError)]
    done = [one for one in answers if not isinstance(one, BaseException)]
    assert len(done) + len(refusals) == len(answers), answers
    return done, [one for one in refusals if isinstance(one, ApplicationError)]


def tells_what_is_possible(refused: ApplicationError) -> bool:
    return refused.type == "invalid-state" and set(refused.details[0]) >= {"state", "allowed"}


async def packed(skipping: SkippingPlatform) -> tuple[str, Any]:
    """An order whose parcel is packed and waits for its vendor to hand it over."""
    order_id, shelf, _ = await begun(skipping)
    await ask(skipping, order_id, "accept")
    await ask(skipping, order_id, "pack")
    return order_id, shelf


async def assert_one_end(skipping: SkippingPlatform, order_id: str, shelf: Any) -> str:
    """The order has left and is paid for, or it is canceled and nothing is held: never both."""
    shop = skipping.shop
    status = await eventually(
        lambda: shop.status(order_id), lambda status: status in {"shipped", "canceled"}
    )
    ends: dict[Any, Any] = {
        "shipped": ([("succeeded", TOTAL, TOTAL)], (3, 0)),
        "canceled": ([("canceled", TOTAL, 0)], (5, 0)),
    }
    assert (await skipping.outside.charges(order_id), await shop.levels(shelf)) == ends[status]
    return str(status)


async def test_cancel_and_dispatch_at_once_have_one_winner(skipping: SkippingPlatform) -> None:
    order_id, shelf = await packed(skipping)
    done, refused = await outcomes(
        change(skipping, order_id, "cancel", CUSTOMER), ask(skipping, order_id, "hand_over")
    )
    end = await assert_one_end(skipping, order_id, shelf)
    if end == "canceled":
        assert "canceled" in done
    else:
        assert [one.status for one in done] == ["handed_over"]
        assert tells_what_is_possible(refused[0])


async def test_cancel_before_the_claim_wins_and_the_hand_over_finds_it_canceled(
    skipping: SkippingPlatform,
) -> None:
    order_id, shelf = await packed(skipping)
    assert await change(skipping, order_id, "cancel", CUSTOMER) == "canceled"
    (parcel,) = await reaches(skipping, order_id, "canceled")
    await skipping.shop.workflow(workflow_ids.shipment(parcel["id"])).result()
    assert await assert_one_end(skipping, order_id, shelf) == "canceled"


@pytest.mark.parametrize("mode", ["latency", "timeout_after_effect"])
async def test_cancel_while_the_capture_is_under_way_is_refused(
    skipping: SkippingPlatform, mode: str
) -> None:
    shop = skipping.shop
    order_id, shelf = await packed(skipping)
    await skipping.outside.fault("stripe", "payment_intents.capture", mode, latency_ms=300)
    handing_over = asyncio.create_task(ask(skipping, order_id, "hand_over"))
    await eventually(
        lambda: shop.shipments(order_id), lambda rows: rows[0]["dispatching_at"] is not None
    )
    _, refused = await outcomes(
        change(skipping, order_id, "cancel", CUSTOMER),
        change(skipping, order_id, "cancel", await cancel_units(skipping, order_id, 1)),
    )
    assert [tells_what_is_possible(one) for one in refused] == [True, True]
    await skipping.skip(timedelta(seconds=10))
    assert (await handing_over).status == "handed_over"
    assert await assert_one_end(skipping, order_id, shelf) == "shipped"


async def test_units_canceled_and_edited_at_once_add_up(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await confirmed(skipping)
    await outcomes(
        change(skipping, order_id, "cancel", await cancel_units(skipping, order_id, 1)),
        change(skipping, order_id, "edit", edit(shelf.sku, 3)),
    )
    (item,) = await items(skipping, order_id)
    # The edit says how many there shall be; the cancellation how many fewer.
    assert item["quantity"] in {2, 3}
    total = item["quantity"] * PRICE + SHIPPING
    assert (await shop.order(order_id))["total_amount"] == total
    assert await shop.levels(shelf) == (5, item["quantity"])
    await skipping.skip(HANDLING + MARGIN)
    await reaches(skipping, order_id, "handed_over")
    charged = await skipping.outside.charges(order_id)
    assert sum(captured for _, _, captured in charged) == total


async def test_many_cancels_at_once_cancel_once(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await confirmed(skipping)
    done, refused = await outcomes(
        *(change(skipping, order_id, "cancel", CUSTOMER) for _ in range(4)),
        change(skipping, order_id, "cancel", await cancel_units(skipping, order_id, 2)),
    )
    assert set(done) == {"canceled"}
    assert all(tells_what_is_possible(one) for one in refused)
    assert await assert_one_end(skipping, order_id, shelf) == "canceled"
    events = await shop.events(order_id)
    assert events.count("order.cancel_requested") == events.count("order.canceled") == 1


async def test_two_members_of_staff_decide_about_one_lost_parcel(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf = await shipped(skipping)
    await happens(skipping, order_id, 1, "lost")
    await waits(skipping, order_id, "lost parcel 1")
    (parcel,) = await shop.shipments(order_id)
    shipment = shop.workflow(workflow_ids.shipment(parcel["id"]))
    done, refused = await outcomes(
        *(
            shipment.execute_update(
                "resolve",
                Resolution(actor=actor, action=action, what="lost parcel 1", reason="decided"),
            )
            for actor, action in (("staff:usr_1", Action.RETRY), ("staff:usr_2", Action.REFUND))
        )
    )
    assert done == [None]
    assert [tells_what_is_possible(one) for one in refused] == [True]
    await shipment.result()
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    resent = len(await shop.shipments(order_id)) - 1
    paid_back = await refunds(skipping, order_id)
    assert (resent, [amount for amount, _ in paid_back]) in [(1, []), (0, [2 * PRICE])]
    if resent:
        await reaches(skipping, order_id, "delivery_failed", "handed_over")
        assert await shop.levels(shelf) == (1, 0)
    else:
        await eventually(
            lambda: refunds(skipping, order_id), lambda rows: rows[0][1] == "succeeded"
        )


async def test_same_unit_returned_twice_at_once_comes_back_once(
    skipping: SkippingPlatform,
) -> None:
    of, _ = await sold(skipping)
    answers = await asyncio.gather(
        *(requested(skipping.shop.database, of) for _ in range(2)), return_exceptions=True
    )
    (refusal,) = [one for one in answers if isinstance(one, BaseException)]
    assert isinstance(refusal, InvalidStateError)
    assert set(refusal.extra()) >= {"state", "allowed"}


async def test_refund_by_staff_and_by_return_never_exceed_what_was_taken(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    of, _ = await sold(skipping)
    handle = await return_begun(skipping, of)
    await eventually(lambda: _return_is(shop, handle.id, "requested"))
    await handle.execute_update(ReturnWorkflow.approve, DecideReturn(actor=STAFF))
    almost_all = PRICE + SHIPPING - 100

    async def by_staff() -> None:
        refund_id = await refund_requested(shop, of.order_id, almost_all)
        await (await refund_started(shop, of.order_id, refund_id)).result()

    await asyncio.gather(by_staff(), received(handle, of, sellable=1), return_exceptions=True)
    await handle.result()
    given = [row["refunded"] for row in await skipping.outside.attempts(of.order_id)]
    payment = await shop.payment(of.order_id)
    assert given == [payment["refunded_amount"]]
    assert given[0] in {PRICE, PRICE + SHIPPING}


async def _return_is(shop: Shop, workflow_id: str, *statuses: str) -> bool:
    return await shop.workflow(workflow_id).query("get_status") in statuses


async def test_vendor_too_late_to_hand_over_is_called_back(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf = await packed(skipping)
    await skipping.skip(2 * DAY + MARGIN)
    await waits(skipping, order_id, "vendor to hand over parcel 1")
    await decide(skipping, order_id, "vendor to hand over parcel 1", Action.CANCEL)
    await reaches(skipping, order_id, "canceled")
    await eventually(lambda: shop.status(order_id), lambda status: status == "canceled")
    assert await shop.levels(shelf) == (5, 0)
    assert [(row[0], row[2]) for row in await skipping.outside.charges(order_id)] == [
        ("canceled", 0)
    ]


async def test_replacement_that_its_vendor_rejects_is_refunded(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, _ = await packed(skipping)
    await ask(skipping, order_id, "hand_over")
    await happens(skipping, order_id, 1, "lost")
    await decide(skipping, order_id, "lost parcel 1", Action.RETRY)
    _, second = await reaches(skipping, order_id, "delivery_failed", "planned")
    await eventually(lambda: _looked(shop, second["id"]))
    await ask(skipping, order_id, "reject", 2, reason="out of business")
    await decide(skipping, order_id, "stock for parcel 2", Action.CANCEL, 2)
    await eventually(
        lambda: refunds(skipping, order_id), lambda rows: rows == [(2 * PRICE, "succeeded")]
    )
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    order = await shop.order(order_id)
    assert (order["payment_status"], order["fulfillment_status"]) == (
        "partially_refunded",
        "delivered",
    )


async def test_returned_parcel_is_decided_about_though_the_other_is_canceled(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await begun(skipping, 3)
    await ask(skipping, order_id, "accept")
    (item,) = await items(skipping, order_id)
    one = [PackedItem(item_id=item["id"], quantity=1)]
    await ask(skipping, order_id, "pack", items=one)
    await ask(skipping, order_id, "hand_over")
    _, rest = await reaches(skipping, order_id, "handed_over", "planned")
    await eventually(lambda: _looked(shop, rest["id"]))
    await ask(skipping, order_id, "accept", 2)
    await ask(skipping, order_id, "pack", 2)
    await skipping.outside.break_down("carrier", "shipments.hand_over")
    handing_over = asyncio.create_task(ask(skipping, order_id, "hand_over", 2))
    await eventually(
        lambda: shop.shipments(order_id), lambda rows: rows[1]["dispatching_at"] is not None
    )
    await skipping.skip(timedelta(seconds=20))
    await happens(skipping, order_id, 1, "returned")
    await waits(skipping, order_id, "hand-over", "returned parcel 1")

    await decide(skipping, order_id, "hand-over", Action.CANCEL, 2)
    assert (await handing_over).status == "canceled"
    await eventually(
        lambda: refunds(skipping, order_id),
        lambda rows: [status for _, status in rows] == ["succeeded"],
    )
    assert not await has_ended(skipping, workflow_ids.fulfillment(order_id))
    await decide(skipping, order_id, "returned parcel 1", Action.REFUND)
    await eventually(
        lambda: refunds(skipping, order_id),
        lambda rows: [status for _, status in rows] == ["succeeded", "succeeded"],
    )
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    order = await shop.order(order_id)
    assert (order["total_amount"], order["fulfillment_status"]) == (PRICE + 167, "returned")
    # It still has its return window before it.
    assert not await has_ended(skipping, workflow_ids.fulfillment(order_id))
    assert await shop.levels(shelf) == (4, 0)


async def _looked(shop: Shop, shipment_id: str) -> bool:
    try:
        return bool(await shop.workflow(workflow_ids.shipment(shipment_id)).query("get_status"))
    except RPCError:
        return False
