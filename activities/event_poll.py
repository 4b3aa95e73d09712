"""Events that never arrived: found in the provider's list, and driven like those that did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy import RowMapping
from temporalio import activity
from temporalio.client import Client

from activities import starting
from activities.providers import gateway_of
from core.database import Database
from core.domain.payments import ProviderPayment
from core.domain.provider_books import ListedEvent, Page
from core.domain.provider_events import EventKind, EventSubject, is_news
from core.gateways.payments import PaymentGateway, ProviderEvent
from models.repositories import event_polls, webhook_inbox
from models.repositories.webhook_inbox import Novelty
from workflows.ports.event_poll import (
    EventPoll,
    EventPollActivities,
    Polled,
    PollPlan,
    PollProvider,
)
from workflows.ports.webhooks import EventRef

T = TypeVar("T")
_FILLED = Counter(
    "webhook_events_filled_total", "Events that only the poller brought to light", ["provider"]
)
_BEHIND = Gauge(
    "event_poll_behind_seconds",
    "How far the provider's events had not been looked at when the last look began",
    ["provider"],
)
_log = structlog.get_logger(__name__)


class GatewayEventPollActivities(EventPollActivities):
    def __init__(
        self, database: Database, gateways: Mapping[str, PaymentGateway], temporal: Client
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._temporal = temporal

    @activity.defn
    async def plan_polls(self, step: EventPoll) -> PollPlan:
        wanted = step.providers or self._gateways
        return PollPlan(providers=sorted(name for name in self._gateways if name in wanted))

    @activity.defn
    async def poll_provider(self, step: PollProvider) -> Polled:
        gateway = gateway_of(self._gateways, step.provider)
        now = datetime.now(UTC)
        until = now - timedelta(seconds=step.poll.min_age)
        polled = await event_polls.polled_until(self._database, step.provider)
        _BEHIND.labels(step.provider).set((now - polled).total_seconds() if polled else 0)
        since = polled or until - timedelta(seconds=step.poll.first_look)
        since -= timedelta(seconds=step.poll.overlap)
        if gateway.capabilities.events_list:
            seen, filled = await self._fill_events(gateway, since, until)
        else:
            since = min(since, until - timedelta(seconds=step.poll.payments_of))
            seen, filled = await self._fill_from_payments(gateway, since, until)
        _FILLED.labels(step.provider).inc(filled)
        await event_polls.advance(self._database, step.provider, until, filled=filled)
        return Polled(provider=step.provider, seen=seen, filled=filled)

    async def _fill_events(
        self, gateway: PaymentGateway, since: datetime, until: datetime
    ) -> tuple[int, int]:
        seen = filled = 0
        since, cursor = _where_it_stopped(since)
        async for events in _pages(lambda at: gateway.list_events(since, at), since, cursor):
            listed = {one.event_id: one for one in events if one.created_at <= until}
            seen += len(listed)
            missing = await webhook_inbox.missing(self._database, gateway.name, list(listed))
            for event_id in sorted(missing, key=lambda one: listed[one].created_at):
                event = _parsed(gateway, listed[event_id])
                if event is not None:
                    await self._take(gateway.name, event)
                    filled += 1
        return seen, filled

    async def _fill_from_payments(
        self, gateway: PaymentGateway, since: datetime, until: datetime
    ) -> tuple[int, int]:
        seen = filled = 0
        since, cursor = _where_it_stopped(since)
        async for payments in _pages(
            lambda at: gateway.list_payments(since, until, at), since, cursor
        ):
            seen += len(payments)
            named = [one for one in payments if one.order_id and one.provider_payment_id]
            known = await self._known(gateway.name, named)
            for found in named:
                row = known.get(found.provider_payment_id or "") or known.get(
                    found.payment_id or ""
                )
                status, refunded = (row["status"], row["refunded_amount"]) if row else (None, 0)
                if is_news(found, status=status, refunded=refunded):
                    novelty = await self._take(gateway.name, _event_of(found))
                    filled += novelty is Novelty.NEW
        return seen, filled

    async def _known(
        self, provider: str, payments: Sequence[ProviderPayment]
    ) -> Mapping[str, RowMapping]:
        """Our rows of the payments, by the provider's id and by ours."""
        rows = await event_polls.known_payments(
            self._database,
            provider,
            provider_payment_ids=[one.provider_payment_id or "" for one in payments],
            payment_ids=[one.payment_id or "" for one in payments],
        )
        by_ours = {row["id"]: row for row in rows}
        return by_ours | {row["provider_payment_id"]: row for row in rows}

    async def _take(self, provider: str, event: ProviderEvent) -> Novelty:
        """Store an event, and start its workflow if it tells anything new, as its webhook would."""
        novelty = await webhook_inbox.record_event(self._database, provider=provider, event=event)
        if novelty is Novelty.NEW:
            _log.warning("event never arrived", provider=provider, type=event.type)
            ref = EventRef(provider=provider, event_id=event.event_id)
            await starting.start_event(self._temporal, ref)
        return novelty


async def _pages(
    ask: Callable[[str | None], Awaitable[Page[T]]], since: datetime, cursor: str | None
) -> AsyncIterator[Sequence[T]]:
    """The pages of a list from a cursor on; the next attempt goes on where this one stopped."""
    while True:
        page = await ask(cursor)
        yield page.items
        cursor = page.next_cursor
        activity.heartbeat(since.isoformat(), cursor)
        if cursor is None:
            return


def _where_it_stopped(since: datetime) -> tuple[datetime, str | None]:
    """Where an earlier attempt came to, or the beginning: a cursor belongs to its question."""
    details = activity.info().heartbeat_details
    if not details or details[1] is None:
        return since, None
    return datetime.fromisoformat(details[0]), details[1]


def _parsed(gateway: PaymentGateway, listed: ListedEvent) -> ProviderEvent | None:
    """Read a listed event; one that cannot be read must not keep the others out."""
    try:
        return gateway.parse_event(listed.body)
    except (AttributeError, KeyError, TypeError, ValueError):
        _log.warning("listed event cannot be read", provider=gateway.name, type=listed.type)
        return None


def _event_of(found: ProviderPayment) -> ProviderEvent:
    """What an event of the payment's present state would be; the same state, the same event."""
    subject = EventSubject.REFUND if found.refunded_amount else EventSubject.PAYMENT
    state = f"{found.status}:{found.captured_amount}:{found.refunded_amount}"
    return ProviderEvent(
        event_id=f"poll:{found.provider_payment_id}:{state}",
        type="poll.payment",
        object_id=found.provider_payment_id or "",
        reference=found.order_id,
        payload={
            "order_id": found.order_id,
            "payment_id": found.payment_id,
            "status": found.status,
            "amount": found.amount,
            "captured_amount": found.captured_amount,
            "refunded_amount": found.refunded_amount,
            "currency": found.currency,
        },
        kind=EventKind(subject=subject),
    )
