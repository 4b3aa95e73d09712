"""A reconciliation page by page: what the provider lists, then what is written here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from activities.inspection import Inspector
from core.domain.payments import ProviderPayment
from core.domain.provider_books import ProviderMovement
from core.domain.reconciliation import DifferenceKind
from core.domain.reconciliation_others import (
    compare_balance,
    compare_dispute,
    compare_transfer,
    event_finding,
    lost_workflow,
    missing_transfer,
)
from core.domain.reconciliation_payments import Rules, compare_payment
from core.domain.reconciliation_pictures import Finding
from core.gateways.payments import PaymentGateway
from models.repositories import provider_transactions, reconciliation_reads
from models.repositories.webhook_inbox import Novelty
from workflows.ports.reconciliation import Run

BATCH = 100


class Phase(StrEnum):
    """In the order in which a run goes through them."""

    MOVEMENTS = "movements"
    POSTING = "posting"
    PAYMENTS = "payments"
    OUR_PAYMENTS = "our_payments"
    DISPUTES = "disputes"
    OUR_DISPUTES = "our_disputes"
    TRANSFERS = "transfers"
    OUR_TRANSFERS = "our_transfers"
    EVENTS = "events"
    INBOX = "inbox"
    ORDERS = "orders"
    UNSEEN = "unseen"
    BALANCES = "balances"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a page tells; ``next_cursor`` is where its phase goes on, None at its end."""

    findings: Sequence[Finding] = ()
    next_cursor: str | None = None
    movements: Sequence[ProviderMovement] = ()
    seen: Sequence[str] = ()
    post: bool = False
    """Fees and payouts of mirrored movements are to be posted; it is asked again until none is."""
    unseen: bool = False
    """Open differences that this run has not met are to be looked at one by one."""


Reader = Callable[[Run, str | None], Awaitable[Outcome]]


class Pages:
    """Reads one page of one phase; writes nothing but events into the inbox."""

    def __init__(self, inspector: Inspector, gateway: PaymentGateway, grace: timedelta) -> None:
        self._inspector = inspector
        self._database = inspector.database
        self._gateway = gateway
        self._grace = grace
        self.readers: Mapping[Phase, Reader] = {
            Phase.MOVEMENTS: self._movements,
            Phase.POSTING: self._posting,
            Phase.PAYMENTS: self._payments,
            Phase.OUR_PAYMENTS: self._our_payments,
            Phase.DISPUTES: self._disputes,
            Phase.OUR_DISPUTES: self._our_disputes,
            Phase.TRANSFERS: self._transfers,
            Phase.OUR_TRANSFERS: self._our_transfers,
            Phase.EVENTS: self._events,
            Phase.INBOX: self._inbox,
            Phase.ORDERS: self._orders,
            Phase.UNSEEN: self._unseen,
            Phase.BALANCES: self._balances,
        }

    async def _movements(self, run: Run, cursor: str | None) -> Outcome:
        page = await self._gateway.list_movements(run.since, run.until, cursor)
        return Outcome(movements=page.items, next_cursor=page.next_cursor)

    async def _posting(self, _run: Run, _cursor: str | None) -> Outcome:
        return Outcome(post=True)

    async def _unseen(self, _run: Run, _cursor: str | None) -> Outcome:
        return Outcome(unseen=True)

    async def _payments(self, run: Run, cursor: str | None) -> Outcome:
        page = await self._gateway.list_payments(run.since, run.until, cursor)
        seen = [one.provider_payment_id for one in page.items if one.provider_payment_id]
        return Outcome(
            findings=await self._compare(run.provider, page.items),
            next_cursor=page.next_cursor,
            seen=seen,
        )

    async def _compare(self, provider: str, page: Sequence[ProviderPayment]) -> list[Finding]:
        listed = [one.provider_payment_id for one in page if one.provider_payment_id]
        ours = await reconciliation_reads.payments(
            self._database,
            provider,
            provider_payment_ids=listed,
            payment_ids=[one.payment_id for one in page if one.payment_id],
        )
        orders = await reconciliation_reads.orders(
            self._database, [one.order_id for one in page if one.order_id]
        )
        moved = await provider_transactions.moved_back(self._database, provider, listed)
        return [
            finding
            for one in page
            for finding in compare_payment(
                one,
                self._inspector.match(one, ours),
                order=orders.get(one.order_id or ""),
                moved_back=moved.get(one.provider_payment_id or "", []),
                rules=Rules(grace=self._grace),
            )
        ]

    async def _our_payments(self, run: Run, cursor: str | None) -> Outcome:
        """Ask for each payment that the list did not have: it is old and open, or missing."""
        ours = await reconciliation_reads.not_listed(
            self._database,
            run.provider,
            run_id=run.run_id,
            since=run.since,
            after=cursor or "",
            limit=BATCH // 10,
        )
        findings: list[Finding] = []
        for one in ours:
            findings += await self._inspector.payment(
                run.provider, one.provider_payment_id or "", grace=self._grace
            )
        return Outcome(findings=findings, next_cursor=ours[-1].payment_id if ours else None)

    async def _disputes(self, run: Run, cursor: str | None) -> Outcome:
        page = await self._gateway.list_disputes(run.since, cursor)
        known = await reconciliation_reads.disputes(
            self._database, run.provider, [one.provider_dispute_id for one in page.items]
        )
        ours = await reconciliation_reads.payments(
            self._database,
            run.provider,
            provider_payment_ids=[one.provider_payment_id for one in page.items],
        )
        disputed = {one.provider_payment_id: one for one in ours}
        found = [
            compare_dispute(
                one,
                known.get(one.provider_dispute_id),
                payment=disputed.get(one.provider_payment_id),
                grace=self._grace,
            )
            for one in page.items
        ]
        return Outcome(findings=[one for one in found if one], next_cursor=page.next_cursor)

    async def _our_disputes(self, run: Run, cursor: str | None) -> Outcome:
        rows = await reconciliation_reads.open_disputes(
            self._database, run.provider, since=run.since, after=cursor or "", limit=BATCH // 10
        )
        found = [
            await self._inspector.dispute(run.provider, provider_dispute_id, grace=self._grace)
            for provider_dispute_id, _ in rows
        ]
        return Outcome(
            findings=[one for one in found if one],
            next_cursor=rows[-1][1].dispute_id if rows else None,
        )

    async def _transfers(self, run: Run, cursor: str | None) -> Outcome:
        page = await self._gateway.list_transfers(run.since, run.until, cursor)
        ours = await reconciliation_reads.transfers(
            self._database,
            run.provider,
            ids=[one.provider_transfer_id for one in page.items],
            references=[one.reference for one in page.items if one.reference],
        )
        found = [
            compare_transfer(one, self._inspector.match_transfer(one, ours)) for one in page.items
        ]
        return Outcome(findings=[one for one in found if one], next_cursor=page.next_cursor)

    async def _our_transfers(self, run: Run, cursor: str | None) -> Outcome:
        rows = await reconciliation_reads.sent_transfers(
            self._database, run.provider, since=run.since, after=cursor or "", limit=BATCH // 10
        )
        found = [
            missing_transfer(
                ours,
                await self._gateway.find_transfer(ours.reference, made_at),
                grace=self._grace,
            )
            for ours, made_at in rows
        ]
        return Outcome(
            findings=[one for one in found if one],
            next_cursor=rows[-1][0].settlement_id if rows else None,
        )

    async def _events(self, run: Run, cursor: str | None) -> Outcome:
        """Record what the inbox does not have; what tells nothing new is no difference."""
        if not self._gateway.capabilities.events_list:
            return Outcome()
        page = await self._gateway.list_events(run.since, cursor)
        listed = [one for one in page.items if run.until - one.created_at >= self._grace]
        known = await reconciliation_reads.known_events(
            self._database, run.provider, [one.event_id for one in listed]
        )
        findings: list[Finding] = []
        for one in listed:
            if one.event_id in known:
                continue
            event = self._gateway.parse_event(one.body)
            if await self._inspector.record(run.provider, event) is not Novelty.NOTHING_NEW:
                findings.append(
                    event_finding(
                        DifferenceKind.MISSED_EVENT,
                        event.event_id,
                        type_=event.type,
                        object_id=event.object_id,
                    )
                )
        return Outcome(findings=findings, next_cursor=page.next_cursor)

    async def _inbox(self, run: Run, cursor: str | None) -> Outcome:
        rows = await reconciliation_reads.unprocessed_events(
            self._database, run.provider, grace=self._grace, after=cursor or "", limit=BATCH // 2
        )
        findings = [
            event_finding(
                DifferenceKind.UNPROCESSED_EVENT,
                row["event_id"],
                type_=row["type"],
                object_id=row["object_id"],
            )
            for row in rows
            if not await self._inspector.event_is_driven(run.provider, row["event_id"])
        ]
        return Outcome(findings=findings, next_cursor=rows[-1]["event_id"] if rows else None)

    async def _orders(self, run: Run, cursor: str | None) -> Outcome:
        orders = await reconciliation_reads.quiet_unfinished(
            self._database,
            run.provider,
            self._inspector.unfinished,
            grace=self._grace,
            after=cursor or "",
            limit=BATCH,
        )
        lost = await self._inspector.lost(orders)
        return Outcome(
            findings=[lost_workflow(order, workflow_id) for order, workflow_id in lost],
            next_cursor=orders[-1].order_id if orders else None,
        )

    async def _balances(self, run: Run, _cursor: str | None) -> Outcome:
        rows = await provider_transactions.balances(
            self._database, run.provider, young=run.until - self._grace
        )
        found = [
            compare_balance(
                row["currency"], provider=row["provider_settled"], ledger=row["ledger_settled"]
            )
            for row in rows
        ]
        return Outcome(findings=[one for one in found if one])
