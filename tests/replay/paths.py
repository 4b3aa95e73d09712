"""The paths whose histories are kept; collected only by ``python -m tests.replay.record``."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from core.domain.ids import Prefix, derived_id, new_id
from tests.disputing import drafted, told
from tests.eventually import eventually
from tests.replay.record import HISTORIES
from tests.workflows.conftest import outside, skipping
from tests.workflows.platform import DAY, HANDLING, Platform, SkippingPlatform
from tests.workflows.test_cancel_checkout import asked_by_the_bank
from tests.workflows.test_capture import lapsed
from tests.workflows.test_disputes import SUBMISSION, followed
from tests.workflows.test_order_changes import change, edit
from tests.workflows.test_refund import requested, started
from tests.workflows.test_returns import begun, dearer, received, sold
from tests.workflows.test_undelivered import decide, happens, shipped
from tests.workflows.test_vendor_parcels import ask, delivered, reaches
from tests.workflows.test_vendor_parcels import begun as by_hand
from workflows import workflow_ids
from workflows.checkout import CheckoutWorkflow
from workflows.dispute import DisputeWorkflow
from workflows.event_poll import EventPollWorkflow
from workflows.housekeeping import HousekeepingWorkflow
from workflows.messages import Action, CancelRequest, DecideReturn, DisputeAnswer, SendReturn
from workflows.ports.event_poll import EventPoll
from workflows.ports.housekeeping import Housekeeping
from workflows.returns import ReturnWorkflow
from workflows.stock_reservation import StockReservationWorkflow
from workflows.task_queues import TaskQueue

__all__ = ["outside", "skipping"]
CHALLENGED = "pm_card_authenticationRequired"


async def keep(skipping: Platform, workflow_id: str, path: str) -> None:
    """Write a history under its workflow's name and the path that it took."""
    handle = skipping.shop.workflow(workflow_id)
    name = (await handle.describe()).workflow_type
    history = await handle.fetch_history()
    file = HISTORIES / f"{name}-{path}.json"
    await asyncio.to_thread(file.write_text, _anonymous(history.to_json_dict()))


def _anonymous(history: dict[str, Any]) -> str:
    """The history as JSON without what names the machine; no replay reads that."""
    return json.dumps(_without(history, {"identity", "stackTrace"}), indent=1) + "\n"


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(one, names) for key, one in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(one, names) for one in value]
    return value


async def placed(skipping: SkippingPlatform, method: str = "pm_card_visa") -> str:
    order_id = await skipping.shop.draft(await skipping.shop.stock_up(5), payment_method=method)
    await skipping.shop.place(order_id)
    return order_id


async def test_checkouts_that_end_at_once(skipping: SkippingPlatform) -> None:
    for path, method in (
        ("confirmed", "pm_card_visa"),
        ("declined", "pm_card_visa_chargeDeclined"),
    ):
        order_id = await placed(skipping, method)
        await skipping.shop.checkout(order_id).result()
        await keep(skipping, workflow_ids.checkout(order_id), path)
    empty = await skipping.shop.draft(await skipping.shop.stock_up(0))
    await skipping.shop.place(empty)
    await skipping.shop.checkout(empty).result()
    await keep(skipping, workflow_ids.checkout(empty), "out_of_stock")


async def test_checkouts_with_a_challenge(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await placed(skipping, CHALLENGED)
    intent = await skipping.outside.intent(order_id)
    await skipping.outside.answer_challenge(intent, "succeeded")
    await shop.receive_event("stripe", "payment_intent.amount_capturable_updated", object_id=intent)
    await shop.checkout(order_id).result()
    await keep(skipping, workflow_ids.checkout(order_id), "challenge_passed")

    canceled = await placed(skipping, CHALLENGED)
    await asked_by_the_bank(skipping, canceled)
    await shop.checkout(canceled).execute_update(
        CheckoutWorkflow.cancel, CancelRequest(reason="changed my mind")
    )
    await keep(skipping, workflow_ids.checkout(canceled), "canceled")

    expired = await placed(skipping, CHALLENGED)
    await skipping.skip(timedelta(minutes=16))
    await shop.checkout(expired).result()
    await keep(skipping, workflow_ids.checkout(expired), "challenge_expired")


async def test_checkout_that_was_parked(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    await skipping.outside.break_down("stripe", "payment_intents.create")
    order_id = await shop.draft(await shop.stock_up(1))
    answer = asyncio.create_task(shop.place(order_id))
    await eventually(lambda: shop.status(order_id))
    await skipping.skip(timedelta(seconds=4))
    await eventually(lambda: shop.order(order_id), lambda order: order["waiting_for"])
    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(seconds=6))
    await answer
    await shop.checkout(order_id).result()
    await keep(skipping, workflow_ids.checkout(order_id), "parked")


async def test_holds(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    shelf = await shop.stock_up(9)
    expired, _ = await shop.hold(shelf, 1)
    await skipping.skip(timedelta(minutes=11))
    released, _ = await shop.hold(shelf, 1)
    await shop.workflow(workflow_ids.hold(released)).execute_update(
        StockReservationWorkflow.release
    )
    consumed, _ = await shop.hold(shelf, 1)
    order_id = await shop.draft(shelf, 1, hold_id=consumed)
    await shop.place(order_id)
    for path, hold_id in (("expired", expired), ("released", released), ("consumed", consumed)):
        await shop.workflow(workflow_ids.hold(hold_id)).result()
        await keep(skipping, workflow_ids.hold(hold_id), path)
    await keep(skipping, workflow_ids.checkout(order_id), "with_a_hold")


async def test_an_order_to_its_completion(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await placed(skipping)
    await eventually(lambda: shop.fulfillment_started(order_id))
    await skipping.skip(HANDLING + timedelta(seconds=5))
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    (parcel,) = await shop.shipments(order_id)
    await skipping.outside.tracked(parcel["carrier_shipment_id"], "delivered")
    before = await event_ids(skipping)
    event = new_id(Prefix.EVENT)
    await shop.receive_event("carrier", event, object_id=parcel["carrier_shipment_id"])
    ((provider, event_id),) = await event_ids(skipping) - before
    await keep(skipping, workflow_ids.webhook(provider, event_id), "about_a_parcel")
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    await shop.workflow(workflow_ids.shipment(parcel["id"])).result()
    fulfillment = workflow_ids.fulfillment(order_id)
    await skipping.skip_to_the_end(fulfillment, 15 * DAY)
    await keep(skipping, fulfillment, "completed")
    await keep(skipping, workflow_ids.shipment(parcel["id"]), "delivered")
    payment_id = (await shop.payment(order_id))["id"]
    await keep(skipping, workflow_ids.capture(payment_id, 1), "captured")


async def test_an_order_canceled_before_it_ships(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await placed(skipping)
    await eventually(lambda: shop.fulfillment_started(order_id))
    await shop.fulfillment(order_id).execute_update("cancel", CancelRequest(reason="a mistake"))
    await keep(skipping, workflow_ids.fulfillment(order_id), "canceled")


async def test_an_order_edited_and_sent_by_hand(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, shelf, _ = await by_hand(skipping)
    await change(skipping, order_id, "edit", edit(shelf.sku, 1))
    for move in ("accept", "pack", "hand_over"):
        await ask(skipping, order_id, move)
    await delivered(skipping, order_id)
    await eventually(lambda: shop.status(order_id), lambda status: status == "delivered")
    (parcel,) = await shop.shipments(order_id)
    await shop.workflow(workflow_ids.shipment(parcel["id"])).result()
    await keep(skipping, workflow_ids.shipment(parcel["id"]), "sent_by_hand")
    fulfillment = workflow_ids.fulfillment(order_id)
    await skipping.skip_to_the_end(fulfillment, 15 * DAY)
    await keep(skipping, fulfillment, "edited")


async def test_a_parcel_lost_and_replaced(skipping: SkippingPlatform) -> None:
    order_id, _ = await shipped(skipping)
    await happens(skipping, order_id, 1, "lost")
    await decide(skipping, order_id, "lost parcel 1", Action.RETRY)
    lost = workflow_ids.shipment((await skipping.shop.shipments(order_id))[0]["id"])
    await skipping.shop.workflow(lost).result()
    await keep(skipping, lost, "lost_and_replaced")
    await reaches(skipping, order_id, "delivery_failed", "handed_over")


async def test_events_and_housekeeping(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await placed(skipping)
    await shop.checkout(order_id).result()
    intent = await skipping.outside.intent(order_id)
    before = await event_ids(skipping)
    await shop.receive_event("stripe", "payment_intent.canceled", object_id=intent)
    await shop.receive_event("carrier", "shipment.lost", object_id="cshp_unknown")
    for provider, event_id in await event_ids(skipping) - before:
        path = "recorded" if provider == "stripe" else "about_nobody"
        await keep(skipping, workflow_ids.webhook(provider, event_id), path)
    await shop.temporal.execute_workflow(
        HousekeepingWorkflow.run,
        Housekeeping(),
        id="housekeeping",
        task_queue=TaskQueue.MAINTENANCE,
    )
    await keep(skipping, "housekeeping", "tidied")
    await shop.temporal.execute_workflow(
        EventPollWorkflow.run,
        EventPoll(),
        id="event-poll",
        task_queue=TaskQueue.MAINTENANCE,
    )
    await keep(skipping, "event-poll", "polled")


async def test_returns(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    of, _ = await sold(skipping, 2)
    other = await dearer(skipping)
    decision = DecideReturn(actor="staff:usr_test", reason="fine")
    rejected = await begun(skipping, of)
    await rejected.execute_update(ReturnWorkflow.reject, decision)
    await rejected.result()
    await keep(skipping, rejected.id, "rejected")

    refunded = await begun(skipping, of)
    await refunded.execute_update(ReturnWorkflow.approve, decision)
    sent = SendReturn(actor="customer:usr_test", tracking_number="1Z999")
    await refunded.execute_update(ReturnWorkflow.ship, sent)
    await received(refunded, of, sellable=1)
    await refunded.result()
    await keep(skipping, refunded.id, "refunded")

    exchanged = await begun(skipping, of, exchange_sku=other.sku)
    await exchanged.execute_update(ReturnWorkflow.approve, decision)
    await received(exchanged, of, damaged=1)
    await exchanged.result()
    await keep(skipping, exchanged.id, "exchanged")
    await eventually(
        lambda: shop.shipments(of.order_id),
        lambda parcels: [one["status"] for one in parcels] == ["delivered", "handed_over"],
    )


async def event_ids(skipping: SkippingPlatform) -> set[tuple[str, str]]:
    rows = await skipping.shop.database.statement(
        text("SELECT provider, event_id FROM webhook_events"), {}
    )
    return {(row["provider"], row["event_id"]) for row in rows}


async def test_money_taken_again_and_given_back(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id = await lapsed(skipping)
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    capture_id = workflow_ids.capture(derived_id(Prefix.PAYMENT, order_id, 1), 1)
    await shop.workflow(capture_id).result()
    await keep(skipping, capture_id, "renewed")

    refund_id = await requested(shop, order_id, 1000)
    await (await started(shop, order_id, refund_id)).result()
    await keep(skipping, workflow_ids.refund(refund_id), "succeeded")


async def test_disputes(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    won = await followed(skipping)
    await drafted(shop, won.order_id, won.provider_dispute_id, SUBMISSION)
    answer = DisputeAnswer(actor="staff:usr_1", submission_id=SUBMISSION)
    await won.workflow(shop).execute_update(DisputeWorkflow.answer, answer)
    await skipping.outside.decide_dispute(won.provider_dispute_id, "won")
    await told(shop, won.intent, won.provider_dispute_id, "closed")
    await won.workflow(shop).result()
    await keep(skipping, won.workflow_id, "won")

    lost = await followed(skipping, evidence_seconds=86_400)
    await skipping.skip(DAY + timedelta(hours=1))
    await skipping.outside.decide_dispute(lost.provider_dispute_id, "lost")
    await skipping.skip_to_the_end(lost.workflow_id, DAY)
    await keep(skipping, lost.workflow_id, "lost")
