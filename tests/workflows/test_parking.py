"""Steps that cannot go on are shown, go on by themselves, and at once when a person says so."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from core.domain.statuses import OrderStatus
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING
from tests.workflows.platform import HANDLING, SkippingPlatform
from workflows import search_attributes, workflow_ids
from workflows.checkout import CheckoutWorkflow
from workflows.messages import Resolution

TOTAL = PRICE + SHIPPING
TRIES = timedelta(seconds=4)
"""Longer than the pauses between the four tries of a call."""
BY_A_PERSON = Resolution(actor="staff:usr_1", reason="the provider says it is back")


async def waiting(skipping: SkippingPlatform, order_id: str, what: str) -> dict[str, Any]:
    """Wait until the order shows what it waits for; return that."""

    async def look() -> dict[str, Any] | None:
        if await skipping.shop.status(order_id) is None:
            return None
        mark: dict[str, Any] | None = (await skipping.shop.order(order_id))["waiting_for"]
        return mark

    mark = await eventually(look, lambda mark: mark is not None and mark["what"] == what)
    assert mark is not None
    return mark


async def attempts(skipping: SkippingPlatform, order_id: str, what: str, number: int) -> None:
    """Wait until the step has been parked so often."""

    async def look() -> int:
        return int((await waiting(skipping, order_id, what))["attempts"])

    await eventually(look, lambda seen: seen == number)


async def parked_checkout(
    skipping: SkippingPlatform,
) -> tuple[str, asyncio.Task[Any]]:
    """A checkout whose provider is down, with the customer who waits for its answer."""
    await skipping.outside.break_down("stripe", "payment_intents.create")
    shelf = await skipping.shop.stock_up(1)
    order_id = await skipping.shop.draft(shelf)
    answer = asyncio.create_task(skipping.shop.place(order_id))
    await eventually(lambda: skipping.shop.status(order_id), lambda status: status == "pending")
    await skipping.skip(TRIES)
    await waiting(skipping, order_id, "payment authorization")
    return order_id, answer


async def marked(skipping: SkippingPlatform, order_id: str) -> str | None:
    """What Temporal's UI shows that the checkout waits for."""
    description = await skipping.shop.checkout(order_id).describe()
    return description.typed_search_attributes.get(search_attributes.WAITING_FOR)


async def test_parked_authorization_confirms_by_itself_when_the_provider_is_back(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, answer = await parked_checkout(skipping)
    mark = await waiting(skipping, order_id, "payment authorization")
    assert mark["attempts"] == 1
    assert mark["last_error"].endswith("(unavailable)")
    assert datetime.fromisoformat(mark["next_attempt_at"]) > datetime.fromisoformat(mark["since"])
    order = await shop.order(order_id)
    assert (order["status"], order["payment_status"]) == ("pending", "pending")
    # The row is written first; the attribute follows when the workflow's task is completed.
    await eventually(lambda: marked(skipping, order_id), lambda what: what == mark["what"])
    assert mark["what"] == "payment authorization"
    assert not answer.done()

    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(seconds=6))
    assert (await answer).status is OrderStatus.CONFIRMED
    order = await shop.order(order_id)
    assert (order["status"], order["waiting_for"]) == ("confirmed", None)
    assert await skipping.outside.charges(order_id) == [("requires_capture", TOTAL, 0)]
    assert await shop.events(order_id) == [
        "order.placed",
        "stock.reserved",
        "payment.unknown",
        "order.parked",
        "order.resumed",
        "payment.authorized",
        "order.confirmed",
    ]
    description = await shop.checkout(order_id).describe()
    assert description.typed_search_attributes.get(search_attributes.WAITING_FOR) is None


async def test_parked_authorization_confirms_at_once_when_a_person_says_so(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id, answer = await parked_checkout(skipping)
    before = await skipping.now()
    await skipping.outside.clear_faults()
    await shop.checkout(order_id).execute_update(CheckoutWorkflow.retry, BY_A_PERSON)

    assert (await answer).status is OrderStatus.CONFIRMED
    assert await skipping.now() - before < timedelta(seconds=5)
    (resumed,) = [e for e in await shop.timeline(order_id) if e["type"] == "order.resumed"]
    assert (resumed["actor"], resumed["detail"]) == (BY_A_PERSON.actor, BY_A_PERSON.reason)
    assert await skipping.outside.charges(order_id) == [("requires_capture", TOTAL, 0)]


async def test_retry_that_fails_again_waits_again(skipping: SkippingPlatform) -> None:
    shop = skipping.shop
    order_id, answer = await parked_checkout(skipping)
    await skipping.skip(timedelta(seconds=6))
    await skipping.skip(TRIES)
    await attempts(skipping, order_id, "payment authorization", 2)

    await shop.checkout(order_id).execute_update(CheckoutWorkflow.retry, BY_A_PERSON)
    await skipping.skip(TRIES)
    await attempts(skipping, order_id, "payment authorization", 3)
    # The third wait is 20 s: nothing is tried in its first half.
    await skipping.skip(timedelta(seconds=10))
    history = await shop.checkout(order_id).fetch_history()
    scheduled = [
        e for e in history.events if e.HasField("activity_task_scheduled_event_attributes")
    ]
    assert len(scheduled) == 3

    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(seconds=11))
    assert (await answer).status is OrderStatus.CONFIRMED
    (resumed,) = [e for e in await shop.timeline(order_id) if e["type"] == "order.resumed"]
    assert resumed["actor"] == "system"


async def test_retry_of_a_checkout_that_does_not_wait_is_refused(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id = await shop.draft(
        await shop.stock_up(1), payment_method="pm_card_authenticationRequired"
    )
    await shop.place(order_id)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await shop.checkout(order_id).execute_update(CheckoutWorkflow.retry, BY_A_PERSON)
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "invalid-state"


async def shipped_without(
    skipping: SkippingPlatform, service: str, operation: str, what: str
) -> str:
    """An order whose shipping is parked for want of one call."""
    shop = skipping.shop
    order_id = await shop.draft(await shop.stock_up(1))
    assert (await shop.place(order_id)).status is OrderStatus.CONFIRMED
    await eventually(lambda: shop.fulfillment_started(order_id))
    await skipping.outside.break_down(service, operation)
    await skipping.skip(HANDLING + TRIES)
    await skipping.skip(TRIES)
    await waiting(skipping, order_id, what)
    return order_id


@pytest.mark.parametrize("by_a_person", [False, True], ids=["by_itself", "by_a_person"])
@pytest.mark.parametrize(
    ("service", "operation", "what", "reached"),
    [
        ("stripe", "payment_intents.capture", "payment capture", ("packed", 0)),
        ("carrier", "shipments.create", "carrier booking", ("planned", 0)),
        ("carrier", "shipments.hand_over", "hand-over", ("packed", TOTAL)),
    ],
)
async def test_parked_shipping_goes_on(
    skipping: SkippingPlatform,
    service: str,
    operation: str,
    what: str,
    reached: tuple[str, int],
    *,
    by_a_person: bool,
) -> None:
    shop = skipping.shop
    order_id = await shipped_without(skipping, service, operation, what)
    assert await shop.status(order_id) == "processing"
    (parcel,) = await shop.shipments(order_id)
    ((_, _, captured),) = await skipping.outside.charges(order_id)
    assert (parcel["status"], captured) == reached

    await skipping.outside.clear_faults()
    if by_a_person:
        payment_id = (await shop.payment(order_id))["id"]
        workflow_id = (
            workflow_ids.capture(payment_id, 1)
            if what == "payment capture"
            else workflow_ids.shipment(parcel["id"])
        )
        await shop.workflow(workflow_id).execute_update("retry", BY_A_PERSON)
    else:
        await skipping.skip(timedelta(seconds=20))

    await eventually(
        lambda: shop.order(order_id),
        lambda order: (order["status"], order["waiting_for"]) == ("shipped", None),
    )
    assert await skipping.outside.charges(order_id) == [("succeeded", TOTAL, TOTAL)]
    events = await shop.events(order_id)
    assert events.count("order.parked") == events.count("order.resumed") == 1
    (resumed,) = [e for e in await shop.timeline(order_id) if e["type"] == "order.resumed"]
    assert resumed["actor"] == (BY_A_PERSON.actor if by_a_person else "system")
