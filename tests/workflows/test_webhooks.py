"""Events that come early, late, twice, in reverse, or never: the order ends as if none had."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, derived_id, new_id
from core.domain.statuses import OrderStatus
from core.gateways.payments import PaymentGateway, ProviderEvent
from core.settings import Settings
from models.repositories.webhook_inbox import Novelty, record_event
from tests.eventually import eventually
from tests.shop import PRICE, SHIPPING
from tests.workflows.outside import Outside
from tests.workflows.platform import Platform, running_platform, tuned
from tests.workflows.test_refund import requested, started
from workflows import incoming, workflow_ids
from workflows.checkout import CheckoutWorkflow
from workflows.event_poll import EventPollWorkflow
from workflows.messages import Action, CancelRequest, Resolution
from workflows.ports.event_poll import EventPoll, Polled
from workflows.ports.webhooks import EventRef
from workflows.refund import RefundWorkflow
from workflows.task_queues import TaskQueue

TOTAL = 2 * PRICE + SHIPPING
REFUND = 500
CREATE = "payment_intents.create"
PERSON = "staff:usr_1"
MODES = ["orderly", "early", "late", "duplicate", "reordered", "replayed", "unknown", "dropped"]
POLL = EventPoll(min_age=0, overlap=60, first_look=0)


@pytest.fixture
async def busy(settings: Settings, outside: Outside) -> AsyncIterator[Platform]:
    """All pools; parcels leave at once."""
    quick = tuned(settings, fulfillment={"handling_seconds": 0})
    async with running_platform(quick, outside) as platform:
        yield platform
        assert await platform.broken_promises() == {}


@dataclass(frozen=True, kw_only=True)
class Post:
    """Brings events as the route does, and knows which of an order there are."""

    platform: Platform

    @property
    def gateway(self) -> PaymentGateway:
        return self.platform.resources.payments["stripe"]

    async def of(self, order_id: str) -> list[ProviderEvent]:
        """What the provider has to tell of an order, the oldest first."""
        attempts = {row["id"] for row in await self.platform.outside.attempts(order_id)}
        since, cursor, found = datetime.now(UTC) - timedelta(minutes=5), None, []
        while True:
            page = await self.gateway.list_events(since, cursor)
            read = [self.gateway.parse_event(one.body) for one in page.items]
            found += [one for one in read if one.object_id in attempts]
            cursor = page.next_cursor
            if cursor is None:
                return found[::-1]

    async def bring(self, events: Sequence[ProviderEvent]) -> None:
        """Store each and start its workflow, unless it tells nothing new."""
        temporal = self.platform.resources.temporal
        for event in events:
            novelty = await record_event(
                self.platform.shop.database, provider="stripe", event=event
            )
            ref = EventRef(provider="stripe", event_id=event.event_id)
            start = incoming.start_of(ref)
            if novelty is Novelty.NEW:
                await temporal.start_workflow(
                    start.workflow, ref, id=start.workflow_id, task_queue=start.task_queue
                )

    async def are_read(self) -> bool:
        rows = await self.platform.shop.database.statement(
            text("SELECT count(*) AS waiting FROM webhook_events WHERE processed_at IS NULL"), {}
        )
        return bool(rows[0]["waiting"] == 0)


async def life(platform: Platform, mode: str) -> str:
    """An order that is bought, sent, paid and refunded in part, with its events brought so."""
    shop, post = platform.shop, Post(platform=platform)
    order_id = await shop.draft(await shop.stock_up(5), 2)
    if mode == "early":
        await platform.outside.fault(
            "stripe", CREATE, "timeout_after_effect", latency_ms=1500, order_id=order_id
        )
    placing = asyncio.create_task(shop.place(order_id))
    if mode == "early":
        await post.bring(await eventually(lambda: post.of(order_id)))
    assert (await placing).status is OrderStatus.CONFIRMED
    await _step(post, order_id, mode)
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    await _step(post, order_id, mode)
    refund_id = await requested(shop, order_id, REFUND)
    await (await started(shop, order_id, refund_id)).result()
    await _step(post, order_id, mode)
    events = await post.of(order_id)
    assert len(events) >= 4, [one.type for one in events]
    match mode:
        case "late":
            await post.bring(events)
        case "reordered":
            await post.bring(events[::-1])
        case "replayed":
            await post.bring([replace(one, event_id=new_id(Prefix.EVENT)) for one in events])
    return order_id


async def _step(post: Post, order_id: str, mode: str) -> None:
    """What arrives after each step of the order's life."""
    if mode in {"orderly", "early", "duplicate", "replayed", "unknown"}:
        await post.bring(await post.of(order_id))
    if mode == "duplicate":
        again = await post.of(order_id)
        await asyncio.gather(post.bring(again), post.bring(again))
    if mode == "unknown":
        of_order = (await post.of(order_id))[0]
        for name in ("payment_intent.invented", "charge.invented", "made.up"):
            body = {**of_order.payload, "object": {"id": of_order.object_id}}
            event = {"id": new_id(Prefix.EVENT), "type": name, "created": 1, "data": body}
            await post.bring([post.gateway.parse_event(event)])


async def end_of(platform: Platform, order_id: str) -> dict[str, Any]:
    """Everything that has to be the same."""
    order = await platform.shop.order(order_id)
    shown = ("status", "purpose", "authorized_amount", "captured_amount", "refunded_amount")
    kinds = await platform.shop.events(order_id)
    return {
        "order": (order["status"], order["payment_status"], order["fulfillment_status"]),
        "waits": await platform.shop.waits(order_id),
        "payments": [
            {name: row[name] for name in shown} for row in await platform.shop.payments(order_id)
        ],
        "provider": [
            (row["status"], row["amount"], row["captured"], row["refunded"])
            for row in await platform.outside.attempts(order_id)
        ],
        # An early event needs an answer that is late.
        "timeline": sorted(kind for kind in kinds if kind != "payment.unknown"),
    }


async def poll(platform: Platform) -> Polled:
    """Run the poller once, as its Schedule does."""
    done = await platform.resources.temporal.execute_workflow(
        EventPollWorkflow.run,
        replace(POLL, providers=["stripe"]),
        id=f"event-poll-{new_id(Prefix.EVENT)}",
        task_queue=TaskQueue.MAINTENANCE,
    )
    (polled,) = done.polled
    return polled


async def test_whatever_becomes_of_the_events_the_order_ends_the_same(busy: Platform) -> None:
    post = Post(platform=busy)
    orders = dict(
        zip(MODES, await asyncio.gather(*(life(busy, mode) for mode in MODES)), strict=True)
    )
    await eventually(post.are_read, bool)
    polled = await poll(busy)
    assert polled.filled >= len(await post.of(orders["dropped"]))
    assert (await poll(busy)).filled == 0
    await eventually(post.are_read, bool)

    ends = {mode: await end_of(busy, order_id) for mode, order_id in orders.items()}

    assert ends["orderly"]["provider"] == [("succeeded", TOTAL, TOTAL, REFUND)]
    assert ends["orderly"]["order"] == ("shipped", "partially_refunded", "shipped")
    assert {mode: end for mode, end in ends.items() if end != ends["orderly"]} == {}


async def test_provider_that_is_down_is_asked_again_by_the_next_look(busy: Platform) -> None:
    await busy.outside.break_down("stripe", "events.list")
    assert await poll(busy) == Polled(provider="stripe", failed=True)
    await busy.outside.clear_faults()
    assert not (await poll(busy)).failed


async def test_payment_of_an_order_that_failed_meanwhile_is_let_go_by_its_event(
    busy: Platform,
) -> None:
    shop, post = busy.shop, Post(platform=busy)
    order_id = await shop.draft(await shop.stock_up(0))
    await shop.place(order_id)
    await made(busy, order_id, derived_id(Prefix.PAYMENT, order_id, 1))

    await post.bring(await post.of(order_id))
    await eventually(post.are_read, bool)

    assert [row["status"] for row in await busy.outside.attempts(order_id)] == ["canceled"]
    assert (await shop.order(order_id))["status"] == "failed"


async def test_payment_of_another_amount_parks_the_checkout_and_is_never_captured(
    busy: Platform,
) -> None:
    shop = busy.shop
    shelf = await shop.stock_up(5)
    order_id = await shop.draft(shelf, 2)
    await made(busy, order_id, derived_id(Prefix.PAYMENT, order_id, 1), amount=1)
    await busy.outside.fault("stripe", CREATE, "down", order_id=order_id)
    placing = asyncio.create_task(shop.place(order_id))
    await eventually(lambda: shop.waits(order_id))

    mark = await eventually(lambda: shop.order(order_id), lambda order: order["waiting_for"])
    assert mark["waiting_for"]["what"] == "payment authorization"
    assert "it is of 1 USD instead of 4498" in mark["waiting_for"]["last_error"]
    assert (mark["status"], mark["payment_status"]) == ("pending", "pending")
    cancel = CancelRequest(actor=PERSON, reason="somebody tampered with it")
    await shop.checkout(order_id).execute_update(CheckoutWorkflow.cancel, cancel)

    assert (await placing).status is OrderStatus.CANCELED
    assert await busy.outside.charges(order_id) == [("canceled", 1, 0)]
    assert await shop.levels(shelf) == (5, 0)


async def test_payment_of_somebody_else_in_our_orders_name_waits_for_a_person(
    busy: Platform,
) -> None:
    shop = busy.shop
    order_id = await shop.draft(await shop.stock_up(5), 2)
    await shop.place(order_id)
    elsewhere = await made(busy, new_id(Prefix.ORDER), None)
    event = ProviderEvent(
        event_id=new_id(Prefix.EVENT),
        type="payment_intent.succeeded",
        object_id=elsewhere,
        reference=order_id,
        payload={},
        kind=Post(platform=busy)
        .gateway.parse_event({"id": "evt_1", "type": "payment_intent.succeeded", "created": 1})
        .kind,
    )
    await Post(platform=busy).bring([event])

    await eventually(
        lambda: shop.waits(order_id), lambda waits: waits == ["payment that nobody asked for"]
    )
    workflow = shop.workflow(workflow_ids.webhook("stripe", event.event_id))
    await workflow.execute_update(
        "resolve", Resolution(actor=PERSON, reason="not our business", action=Action.SKIP)
    )
    assert await workflow.result() == "done_by_hand"
    gateway = busy.resources.payments["stripe"]
    assert (await gateway.fetch(elsewhere)).status == "authorized"


async def made(
    platform: Platform, order_id: str, payment_id: str | None, amount: int = TOTAL
) -> str:
    """A payment that we did not make, authorized; its id at the provider."""
    gateway: Any = platform.resources.payments["stripe"]
    metadata = {"order_id": order_id, **({"payment_id": payment_id} if payment_id else {})}
    intent = await gateway._intents.create_async(
        {
            "amount": amount,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "capture_method": "manual",
            "confirm": True,
            "metadata": metadata,
        }
    )
    return str(intent.id)


@pytest.mark.parametrize("decision", [Action.RETRY, Action.SKIP])
async def test_refund_that_comes_back_after_it_had_gone_is_decided_by_a_person(
    busy: Platform, decision: Action
) -> None:
    shop, post = busy.shop, Post(platform=busy)
    order_id = await shop.draft(await shop.stock_up(5), 2, payment_method="pm_card_pendingRefund")
    await shop.place(order_id)
    await eventually(lambda: shop.status(order_id), lambda status: status == "shipped")
    refund_id = await requested(shop, order_id, REFUND)
    first = await started(shop, order_id, refund_id)
    (sent,) = await eventually(lambda: refunds_of(busy, order_id))
    await busy.outside.settle_refund(sent, "succeeded")
    await first.signal(RefundWorkflow.payment_changed)
    assert await first.result() == "succeeded"

    await busy.outside.settle_refund(sent, "failed")
    await post.bring(await post.of(order_id))
    mark = await eventually(lambda: shop.order(order_id), lambda order: order["waiting_for"])
    assert mark["payment_status"] == "captured"
    assert mark["waiting_for"]["what"] == "refund"
    second = shop.workflow(workflow_ids.refund(refund_id))
    await second.execute_update(
        "resolve", Resolution(actor=PERSON, reason="they called", action=decision)
    )
    if decision is Action.RETRY:
        again = await eventually(lambda: refunds_of(busy, order_id), lambda ids: len(ids) == 2)
        await busy.outside.settle_refund(again[0], "succeeded")
        await second.signal(RefundWorkflow.payment_changed)

    sent_again = decision is Action.RETRY
    assert await second.result() == ("succeeded" if sent_again else "failed")
    (payment,) = await shop.payments(order_id)
    assert payment["refunded_amount"] == (REFUND if sent_again else 0)
    assert [row["refunded"] for row in await busy.outside.attempts(order_id)] == [
        payment["refunded_amount"]
    ]
    await eventually(post.are_read, bool)


async def refunds_of(platform: Platform, order_id: str) -> list[str]:
    """The provider's refunds of an order, the newest first."""
    gateway = platform.resources.payments["stripe"]
    found = await gateway.find_refunds(await platform.outside.intent(order_id))
    return [one.provider_refund_id for one in found]
