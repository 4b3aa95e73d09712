"""Events that never arrived: listed by the provider, or told by the state of its payments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment

from activities.event_poll import GatewayEventPollActivities
from activities.webhooks import PostgresWebhookActivities
from core.domain.ids import Prefix, derived_id, new_id
from core.domain.payments import ProviderPayment
from core.domain.provider_books import ListedEvent, Page
from core.domain.statuses import PaymentStatus
from core.gateways.payments import PaymentGateway, ProviderEvent
from tests.integration.activities.test_money_twice import Books, books
from tests.integration.activities.test_twice import twice
from workflows import workflow_ids
from workflows.ports.event_poll import EventPoll, Polled, PollPlan, PollProvider
from workflows.ports.refunds import RefundRef
from workflows.ports.webhooks import SettlementRef

__all__ = ["books"]

OF_PAYMENT = text("SELECT type, outcome FROM webhook_events WHERE object_id = :id ORDER BY type")


@dataclass
class Listing:
    """A provider that lists its events in pages, or only its payments."""

    real: Any
    name: str
    events_list: bool = True
    pages: list[list[ListedEvent]] = field(default_factory=list)
    payments: list[ProviderPayment] = field(default_factory=list)
    asked: list[tuple[datetime, str | None]] = field(default_factory=list)

    @property
    def capabilities(self) -> Any:
        return replace(self.real.capabilities, events_list=self.events_list)

    def parse_event(self, body: Mapping[str, Any]) -> ProviderEvent:
        event: ProviderEvent = self.real.parse_event(body)
        return event

    async def list_events(self, since: datetime, cursor: str | None = None) -> Page[ListedEvent]:
        self.asked.append((since, cursor))
        number = int(cursor or 0)
        following = str(number + 1) if number + 1 < len(self.pages) else None
        return Page(items=self.pages[number], next_cursor=following)

    async def list_payments(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderPayment]:
        assert since < until
        self.asked.append((since, cursor))
        return Page(items=self.payments)


@pytest.fixture
def listing(books: Books) -> Listing:
    # A provider of its own, so that nobody else's look is behind it.
    return Listing(real=books.resources.payments["stripe"], name=new_id(Prefix.EVENT))


def steps(books: Books, gateway: Any) -> GatewayEventPollActivities:
    gateways: dict[str, PaymentGateway] = {gateway.name: gateway}
    return GatewayEventPollActivities(books.shop.database, gateways, books.shop.temporal)


def listed(kind: str, *, object_id: str, age: int = 60) -> ListedEvent:
    event_id = new_id(Prefix.EVENT)
    body = {
        "id": event_id,
        "type": kind,
        "created": 1,
        "data": {"object": {"id": object_id, "object": "payment_intent", "metadata": {}}},
    }
    created_at = datetime.now(UTC) - timedelta(seconds=age)
    return ListedEvent(event_id=event_id, type=kind, created_at=created_at, body=body)


async def found(books: Books, object_id: str) -> list[str]:
    rows = await books.shop.database.statement(OF_PAYMENT, {"id": object_id})
    return [row["type"] for row in rows]


async def stop(books: Books, provider: str) -> int:
    """End the runs that were started: no pool of these tests would. How many there were."""
    rows = await books.shop.database.statement(
        text(
            "SELECT event_id FROM webhook_events WHERE provider = :p AND outcome IS DISTINCT FROM"
            " 'ignored'"
        ),
        {"p": provider},
    )
    for row in rows:
        handle = books.shop.workflow(workflow_ids.webhook(provider, row["event_id"]))
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await handle.terminate()
    return len(rows)


async def test_missed_events_are_stored_and_driven_once_and_the_young_are_left_alone(
    books: Books, listing: Listing
) -> None:
    payment = new_id(Prefix.EVENT)
    listing.pages = [
        [listed("payment_intent.succeeded", object_id=payment)],
        [
            listed("payment_intent.canceled", object_id=payment, age=1),
            listed("charge.refunded", object_id=payment),
            ListedEvent(event_id="e", type="", created_at=datetime.now(UTC), body={}),
            ListedEvent(
                event_id="x", type="x", created_at=datetime(2026, 1, 1, tzinfo=UTC), body={}
            ),
            listed("made.up", object_id=payment),
        ],
    ]
    polls = steps(books, listing)
    step = PollProvider(provider=listing.name, poll=EventPoll())
    beats: list[Any] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: beats.append(details)

    first = await environment.run(polls.poll_provider, step)
    again = await ActivityEnvironment().run(polls.poll_provider, step)

    assert (first, again.filled) == (Polled(provider=listing.name, seen=4, filled=3), 0)
    assert await found(books, payment) == ["charge.refunded", "made.up", "payment_intent.succeeded"]
    assert await stop(books, listing.name) == 2
    assert [cursor for _, cursor in beats] == ["1", None]
    (since, _), *_, (later, _) = listing.asked
    assert timedelta(minutes=61) > later - since > timedelta(minutes=59)


async def test_look_that_was_interrupted_goes_on_where_it_stopped(
    books: Books, listing: Listing
) -> None:
    payment = new_id(Prefix.EVENT)
    listing.pages = [
        [listed("payment_intent.succeeded", object_id=payment)],
        [listed("charge.refunded", object_id=payment)],
    ]
    began = datetime(2026, 11, 22, tzinfo=UTC)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_details=[began.isoformat(), "1"])
    step = PollProvider(provider=listing.name, poll=EventPoll())

    await environment.run(steps(books, listing).poll_provider, step)

    assert listing.asked == [(began, "1")]
    assert await found(books, payment) == ["charge.refunded"]
    assert await stop(books, listing.name) == 1


async def test_provider_without_a_list_of_events_is_asked_for_its_payments(
    books: Books, listing: Listing
) -> None:
    order_id = await books.confirmed()
    (row,) = await books.shop.payments(order_id)
    await books.shop.database.statement(
        text("UPDATE payments SET provider = :p WHERE id = :id"),
        {"p": listing.name, "id": row["id"]},
    )
    ours = ProviderPayment(
        provider_payment_id=row["provider_payment_id"],
        status=PaymentStatus.AUTHORIZED,
        currency="USD",
        amount=row["amount"],
        authorized_amount=row["amount"],
        order_id=order_id,
        payment_id=row["id"],
    )
    unknown = replace(
        ours,
        provider_payment_id=new_id(Prefix.EVENT),
        payment_id=derived_id(Prefix.PAYMENT, order_id, "another"),
    )
    listing.events_list = False
    listing.payments = [
        ours,
        unknown,
        replace(unknown, provider_payment_id="a", status=PaymentStatus.FAILED),
        replace(unknown, provider_payment_id="b", order_id=None),
    ]
    step = PollProvider(provider=listing.name, poll=EventPoll())
    polls = steps(books, listing)

    first = await ActivityEnvironment().run(polls.poll_provider, step)
    listing.payments.append(replace(ours, refunded_amount=1))
    second = await ActivityEnvironment().run(polls.poll_provider, step)
    third = await ActivityEnvironment().run(polls.poll_provider, step)

    assert [one.filled for one in (first, second, third)] == [1, 1, 0]
    assert await found(books, unknown.provider_payment_id or "") == ["poll.payment"]
    assert await found(books, ours.provider_payment_id or "") == ["poll.payment"]
    assert await stop(books, listing.name) == 2


async def test_only_the_providers_that_were_named_are_asked(books: Books) -> None:
    gateways = books.resources.payments
    polls = GatewayEventPollActivities(books.shop.database, gateways, books.shop.temporal)
    assert await twice(polls.plan_polls, EventPoll()) == PollPlan(providers=sorted(gateways))
    named = EventPoll(providers=["stripe", "nobody"])
    assert await twice(polls.plan_polls, named) == PollPlan(providers=["stripe"])


async def test_what_an_event_tells_others_is_told_once(books: Books) -> None:
    webhooks = PostgresWebhookActivities(books.shop.database, books.shop.temporal)
    refund = RefundRef(order_id=new_id(Prefix.ORDER), refund_id=new_id(Prefix.REFUND))
    settlement = SettlementRef(settlement_id=new_id(Prefix.SETTLEMENT))
    await twice(webhooks.resume_refund, refund)
    await twice(webhooks.tell_settlement, settlement)

    for workflow_id in (
        workflow_ids.refund(refund.refund_id),
        workflow_ids.settlement(settlement.settlement_id),
    ):
        handle = books.shop.workflow(workflow_id)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await handle.terminate()
