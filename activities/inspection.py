"""One thing at a time, looked at on both sides: does it still differ?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from temporalio.client import Client

from activities.order_workflows import UNFINISHED, any_runs, running_of, workflows_of
from activities.providers import gateway_of
from core.database import Database
from core.domain.errors import ProviderRejectedError
from core.domain.payments import ProviderPayment
from core.domain.provider_books import ProviderTransfer
from core.domain.reconciliation import DifferenceKind, RepairKind
from core.domain.reconciliation_others import (
    compare_balance,
    compare_dispute,
    missing_transfer,
)
from core.domain.reconciliation_payments import Rules, compare_payment, missing_payment
from core.domain.reconciliation_pictures import Finding, OurOrder, OurPayment, OurTransfer
from core.gateways.payments import PaymentGateway, ProviderEvent
from models.reconciliation import Difference
from models.repositories import provider_transactions, reconciliation_reads, webhook_inbox
from models.repositories.webhook_inbox import Novelty
from workflows import workflow_ids

_DISPUTES = frozenset({DifferenceKind.UNKNOWN_DISPUTE, DifferenceKind.DISPUTE_STATE})
_EVENTS = frozenset({DifferenceKind.UNPROCESSED_EVENT, DifferenceKind.MISSED_EVENT})
_TRANSFERS = frozenset({DifferenceKind.UNKNOWN_TRANSFER, DifferenceKind.MISSING_TRANSFER})


class Inspector:
    """Asks the provider, the database and Temporal about one subject."""

    unfinished = UNFINISHED

    def __init__(
        self, database: Database, gateways: Mapping[str, PaymentGateway], temporal: Client
    ) -> None:
        self.database = database
        self._gateways = gateways
        self._temporal = temporal

    async def is_still_there(self, difference: Difference, *, grace: timedelta) -> bool:
        """Tell whether a difference that was found is one still.

        Args:
            difference: the row.
            grace: how long its order may be worked on; none right after a repair.
        """
        kind = DifferenceKind(difference.kind)
        if kind in _EVENTS:
            return await self._event_is_open(difference)
        if kind is DifferenceKind.LOST_WORKFLOW:
            orders = await reconciliation_reads.orders(self.database, [difference.subject])
            lost = await self.lost(list(orders.values()))
            return bool(lost)
        found = await self._findings(kind, difference, grace)
        return any((one.kind, one.subject) == (kind, difference.subject) for one in found)

    async def _findings(
        self, kind: DifferenceKind, difference: Difference, grace: timedelta
    ) -> list[Finding]:
        provider = difference.provider
        if kind is DifferenceKind.BALANCE:
            return await self._balances(provider, grace)
        if kind in _TRANSFERS:
            return await self._transfer(kind, difference, grace)
        if kind in _DISPUTES:
            found = await self.dispute(provider, difference.subject, grace=grace)
            return [found] if found else []
        of = difference.evidence.get("provider_payment_id") or difference.subject
        return await self.payment(provider, str(of), grace=grace)

    async def payment(
        self, provider: str, provider_payment_id: str, *, grace: timedelta
    ) -> list[Finding]:
        """Compare one payment as both sides have it now."""
        rules = Rules(grace=grace)
        theirs = await self._fetch(provider, provider_payment_id)
        ours = await reconciliation_reads.payments(
            self.database,
            provider,
            provider_payment_ids=[provider_payment_id],
            payment_ids=[theirs.payment_id] if theirs and theirs.payment_id else [],
        )
        if theirs is None:
            missing = missing_payment(ours[0], rules=rules) if ours else None
            return [missing] if missing else []
        orders = await reconciliation_reads.orders(self.database, [theirs.order_id or ""])
        moved = await provider_transactions.moved_back(
            self.database, provider, [provider_payment_id]
        )
        return compare_payment(
            theirs,
            self.match(theirs, ours),
            order=orders.get(theirs.order_id or ""),
            moved_back=moved.get(provider_payment_id, []),
            rules=rules,
        )

    async def _fetch(self, provider: str, provider_payment_id: str) -> ProviderPayment | None:
        try:
            return await gateway_of(self._gateways, provider).fetch(provider_payment_id)
        except ProviderRejectedError:
            return None

    @staticmethod
    def match(theirs: ProviderPayment, ours: Sequence[OurPayment]) -> OurPayment | None:
        """Return ours with the same id at the provider, or the one that waits for its answer."""
        known = [one for one in ours if one.provider_payment_id == theirs.provider_payment_id]
        waiting = [
            one
            for one in ours
            if one.provider_payment_id is None and one.payment_id == theirs.payment_id
        ]
        return next(iter([*known, *waiting]), None)

    @staticmethod
    def match_transfer(theirs: ProviderTransfer, ours: Sequence[OurTransfer]) -> OurTransfer | None:
        """Return the settlement that a transfer pays."""
        return next(
            (
                one
                for one in ours
                if one.provider_transfer_id == theirs.provider_transfer_id
                or one.reference == theirs.reference
            ),
            None,
        )

    async def dispute(
        self, provider: str, provider_dispute_id: str, *, grace: timedelta
    ) -> Finding | None:
        """Compare one dispute as both sides have it now."""
        theirs = await gateway_of(self._gateways, provider).fetch_dispute(provider_dispute_id)
        ours = await reconciliation_reads.disputes(self.database, provider, [provider_dispute_id])
        disputed = await reconciliation_reads.payments(
            self.database, provider, provider_payment_ids=[theirs.provider_payment_id]
        )
        return compare_dispute(
            theirs,
            ours.get(provider_dispute_id),
            payment=next(iter(disputed), None),
            grace=grace,
        )

    async def _transfer(
        self, kind: DifferenceKind, difference: Difference, grace: timedelta
    ) -> list[Finding]:
        unknown = kind is DifferenceKind.UNKNOWN_TRANSFER
        reference = difference.evidence.get("reference") if unknown else difference.subject
        ours = await reconciliation_reads.transfers(
            self.database,
            difference.provider,
            ids=[difference.subject] if unknown else [],
            references=[reference] if reference else [],
        )
        if unknown:
            # Nobody takes a transfer back by asking for it: only a settlement explains it.
            explained = any(one.amount == difference.evidence["transferred"] for one in ours)
            return [] if explained else [_same(difference)]
        gateway = gateway_of(self._gateways, difference.provider)
        since = difference.found_at - timedelta(days=31)
        found = [
            missing_transfer(one, await gateway.find_transfer(one.reference, since), grace=grace)
            for one in ours
        ]
        return [one for one in found if one]

    async def _balances(self, provider: str, grace: timedelta) -> list[Finding]:
        rows = await provider_transactions.balances(
            self.database, provider, young=datetime.now(UTC) - grace
        )
        found = [
            compare_balance(
                row["currency"], provider=row["provider_settled"], ledger=row["ledger_settled"]
            )
            for row in rows
        ]
        return [one for one in found if one]

    async def record(self, provider: str, event: ProviderEvent) -> Novelty:
        """Put an event that was missed into the inbox; tell what it means to us."""
        return await webhook_inbox.record_event(self.database, provider=provider, event=event)

    async def event_is_driven(self, provider: str, event_id: str) -> bool:
        """Tell whether a workflow has an event in its hands."""
        return await any_runs(self._temporal, [workflow_ids.webhook(provider, event_id)])

    async def _event_is_open(self, difference: Difference) -> bool:
        row = await reconciliation_reads.open_event(
            self.database, difference.provider, difference.subject
        )
        return row is not None and not await self.event_is_driven(
            difference.provider, difference.subject
        )

    async def lost(self, orders: Sequence[OurOrder]) -> list[tuple[OurOrder, str]]:
        """Return unfinished orders for which nothing runs, each with its workflow's id."""
        wanted = [order for order in orders if order.status in UNFINISHED]
        if not wanted:
            return []
        running = await running_of(self._temporal, [order.order_id for order in wanted])
        lost = []
        for order in wanted:
            ids = workflows_of(order.order_id, order.status)
            # The list lags behind: what it misses is asked for by its id.
            if running.isdisjoint(ids) and not await any_runs(self._temporal, ids):
                lost.append((order, ids[0]))
        return lost


def _same(difference: Difference) -> Finding:
    return Finding(
        kind=DifferenceKind(difference.kind),
        subject=difference.subject,
        repair=RepairKind(difference.repair),
    )
