"""Our side of a reconciliation, as far as one page of the provider's needs it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, text

from core.database import Database
from core.domain.reconciliation_pictures import (
    OurDispute,
    OurOrder,
    OurPayment,
    OurTransfer,
    PlannedPart,
)
from core.domain.settlements import settlement_of, transfer_reference
from core.domain.statuses import DisputeStatus, OrderStatus, PaymentStatus, SettlementStatus

_PAYMENT = """
SELECT p.id, p.provider_payment_id, p.status, p.currency, p.amount, p.authorized_amount,
    p.captured_amount, p.refunded_amount, p.taken_at_once,
    o.id AS order_id, o.status AS order_status, now() - o.updated_at AS quiet_for,
    o.waiting_for IS NOT NULL OR o.cancel_requested_at IS NOT NULL
        AND o.status NOT IN ('canceled', 'failed') AS under_way,
    (SELECT CAST(coalesce(sum(r.amount), 0) AS bigint) FROM refund_parts r
     WHERE r.payment_id = p.id AND r.status = 'pending') AS refunding,
    ARRAY(SELECT r.provider_refund_id FROM refund_parts r
          WHERE r.payment_id = p.id AND r.provider_refund_id IS NOT NULL) AS refunds,
    ARRAY(SELECT c.number FROM captures c WHERE c.payment_id = p.id AND c.status = 'planned'
          ORDER BY c.number) AS planned_numbers,
    ARRAY(SELECT c.amount FROM captures c WHERE c.payment_id = p.id AND c.status = 'planned'
          ORDER BY c.number) AS planned_amounts
FROM payments p JOIN orders o ON o.id = p.order_id
"""
_NAMED = text(f"""{_PAYMENT}
WHERE p.provider = :provider AND (
    p.provider_payment_id = ANY(CAST(:provider_payment_ids AS text[]))
    OR p.id = ANY(CAST(:payment_ids AS text[])))
""")

# Those of the window, and whatever is still open; what the provider has listed was compared.
_NOT_LISTED = text(f"""{_PAYMENT}
WHERE p.provider = :provider AND p.id > :after AND p.provider_payment_id IS NOT NULL
  AND p.status NOT IN ('failed', 'voided')
  AND (p.created_at >= :since OR p.authorized_amount > p.captured_amount
       OR p.status IN ('pending', 'requires_action', 'unknown'))
  AND NOT EXISTS (SELECT FROM reconciliation_payments s
                  WHERE s.reconciliation_id = :run_id
                    AND s.provider_payment_id = p.provider_payment_id)
ORDER BY p.id LIMIT :limit
""")

_ORDERS = text("""
SELECT o.id AS order_id, o.status AS order_status, now() - o.updated_at AS quiet_for,
    o.waiting_for IS NOT NULL OR o.cancel_requested_at IS NOT NULL AS under_way
FROM orders o WHERE o.id = ANY(CAST(:ids AS text[]))
""")

# An order whose parcels have all ended, one of them back at the sender, waits for a person.
_UNFINISHED = """
FROM orders o
WHERE o.status = ANY(CAST(:unfinished AS text[])) AND NOT (
    EXISTS (SELECT FROM shipments s WHERE s.order_id = o.id AND s.status = 'returned')
    AND NOT EXISTS (SELECT FROM shipments s WHERE s.order_id = o.id
                    AND s.status NOT IN ('delivered', 'returned', 'canceled')))
"""
_ALL_UNFINISHED = text(f"SELECT o.id, o.status {_UNFINISHED} ORDER BY o.id")
_QUIET_UNFINISHED = text(f"""
SELECT o.id AS order_id, o.status AS order_status, now() - o.updated_at AS quiet_for,
    o.waiting_for IS NOT NULL OR o.cancel_requested_at IS NOT NULL AS under_way
{_UNFINISHED} AND o.id > :after AND o.updated_at < now() - CAST(:grace AS interval)
  AND EXISTS (SELECT FROM payments p
              WHERE p.order_id = o.id AND p.attempt = 1 AND p.provider = :provider)
ORDER BY o.id LIMIT :limit
""")

_DISPUTE = """
SELECT id, provider_dispute_id, order_id, payment_id, status, amount, withdrawn,
    now() - updated_at AS quiet_for
FROM disputes
"""
_DISPUTES = text(
    f"{_DISPUTE} WHERE provider = :provider AND provider_dispute_id = ANY(CAST(:ids AS text[]))"
)
_OPEN_DISPUTES = text(
    f"{_DISPUTE} WHERE provider = :provider AND id > :after AND opened_at < :since"
    " AND status IN ('needs_response', 'under_review') ORDER BY id LIMIT :limit"
)

_TRANSFER = """
SELECT id, attempt, provider_transfer_id, status, currency, amount,
    now() - updated_at AS quiet_for, created_at
FROM settlements
"""
_TRANSFERS = text(
    f"{_TRANSFER} WHERE (provider = :provider"
    " AND provider_transfer_id = ANY(CAST(:ids AS text[])))"
    " OR id = ANY(CAST(:references AS text[]))"
)
_SENT_TRANSFERS = text(
    f"{_TRANSFER} WHERE provider = :provider AND id > :after AND updated_at >= :since"
    " AND status IN ('paying', 'paid') ORDER BY id LIMIT :limit"
)

_KNOWN_EVENTS = text("""
SELECT event_id FROM webhook_events
WHERE provider = :provider AND event_id = ANY(CAST(:ids AS text[]))
""")
_UNPROCESSED = text("""
SELECT event_id, type, object_id FROM webhook_events
WHERE provider = :provider AND processed_at IS NULL AND event_id > :after
  AND received_at < now() - CAST(:grace AS interval)
ORDER BY event_id LIMIT :limit
""")
_EVENT_IS_OPEN = text("""
SELECT type, object_id FROM webhook_events
WHERE provider = :provider AND event_id = :event_id AND processed_at IS NULL
""")

# Whoever waits for a customer's payment, or for a refund that is under way.
_WAKES = text("""
SELECT w.workflow_id FROM order_waits w WHERE w.order_id = :order_id AND w.what = :new_payment
UNION SELECT 'refund/' || r.id FROM refunds r
WHERE r.order_id = :order_id AND r.status = 'pending'
ORDER BY 1
""")
_TO_RESTART = text("""
SELECT o.status, o.customer_id, p.capture_before
FROM orders o JOIN payments p ON p.order_id = o.id AND p.attempt = 1 WHERE o.id = :order_id
""")


async def payments(
    database: Database,
    provider: str,
    *,
    provider_payment_ids: Sequence[str],
    payment_ids: Sequence[str] = (),
) -> list[OurPayment]:
    """Return the payments with these ids, the provider's or ours."""
    rows = await database.statement(
        _NAMED,
        {
            "provider": provider,
            "provider_payment_ids": list(provider_payment_ids),
            "payment_ids": list(payment_ids),
        },
    )
    return [_payment(row) for row in rows]


async def not_listed(
    database: Database, provider: str, *, run_id: str, since: datetime, after: str, limit: int
) -> list[OurPayment]:
    """Return payments of the window, or open ones, that the provider's list did not have."""
    rows = await database.statement(
        _NOT_LISTED,
        {
            "provider": provider,
            "run_id": run_id,
            "since": since,
            "after": after,
            "limit": limit,
        },
    )
    return [_payment(row) for row in rows]


async def orders(database: Database, order_ids: Sequence[str]) -> dict[str, OurOrder]:
    """Return orders by their ids, those that there are."""
    rows = await database.statement(_ORDERS, {"ids": list(order_ids)})
    return {row["order_id"]: _order(row) for row in rows}


async def all_unfinished(
    database: Database, statuses: Sequence[OrderStatus]
) -> list[tuple[str, OrderStatus]]:
    """Return every order that a workflow has to bring to its end, with its status."""
    rows = await database.statement(_ALL_UNFINISHED, {"unfinished": list(statuses)})
    return [(row["id"], OrderStatus(row["status"])) for row in rows]


async def quiet_unfinished(
    database: Database,
    provider: str,
    statuses: Sequence[OrderStatus],
    *,
    grace: timedelta,
    after: str,
    limit: int,
) -> list[OurOrder]:
    """Return those of them that are paid by a provider and have not changed for a while."""
    rows = await database.statement(
        _QUIET_UNFINISHED,
        {
            "provider": provider,
            "unfinished": list(statuses),
            "grace": grace,
            "after": after,
            "limit": limit,
        },
    )
    return [_order(row) for row in rows]


async def disputes(
    database: Database, provider: str, provider_dispute_ids: Sequence[str]
) -> dict[str, OurDispute]:
    """Return disputes by the provider's ids."""
    rows = await database.statement(
        _DISPUTES, {"provider": provider, "ids": list(provider_dispute_ids)}
    )
    return {row["provider_dispute_id"]: _dispute(row) for row in rows}


async def open_disputes(
    database: Database, provider: str, *, since: datetime, after: str, limit: int
) -> list[tuple[str, OurDispute]]:
    """Return open disputes from before the window, with the provider's ids."""
    rows = await database.statement(
        _OPEN_DISPUTES, {"provider": provider, "since": since, "after": after, "limit": limit}
    )
    return [(row["provider_dispute_id"], _dispute(row)) for row in rows]


async def transfers(
    database: Database, provider: str, *, ids: Sequence[str], references: Sequence[str]
) -> list[OurTransfer]:
    """Return settlements by the provider's id of their transfer, or by their own."""
    rows = await database.statement(
        _TRANSFERS,
        {
            "provider": provider,
            "ids": list(ids),
            "references": [settlement_of(one) for one in references],
        },
    )
    return [_transfer(row) for row in rows]


async def sent_transfers(
    database: Database, provider: str, *, since: datetime, after: str, limit: int
) -> list[tuple[OurTransfer, datetime]]:
    """Return settlements that were sent since, with the moments they were made."""
    rows = await database.statement(
        _SENT_TRANSFERS, {"provider": provider, "since": since, "after": after, "limit": limit}
    )
    return [(_transfer(row), row["created_at"]) for row in rows]


async def known_events(database: Database, provider: str, event_ids: Sequence[str]) -> set[str]:
    """Return which of these events the inbox has."""
    rows = await database.statement(_KNOWN_EVENTS, {"provider": provider, "ids": list(event_ids)})
    return {row["event_id"] for row in rows}


async def unprocessed_events(
    database: Database, provider: str, *, grace: timedelta, after: str, limit: int
) -> list[dict[str, Any]]:
    """Return events that lie in the inbox for a while; ``event_id``, ``type``, ``object_id``."""
    rows = await database.statement(
        _UNPROCESSED, {"provider": provider, "grace": grace, "after": after, "limit": limit}
    )
    return [dict(row) for row in rows]


async def open_event(database: Database, provider: str, event_id: str) -> dict[str, Any] | None:
    """Return an event of the inbox that no workflow has finished."""
    rows = await database.statement(_EVENT_IS_OPEN, {"provider": provider, "event_id": event_id})
    return dict(rows[0]) if rows else None


async def wakes(database: Database, order_id: str, *, new_payment: str) -> list[str]:
    """Return the workflows of an order that wait for news of its money."""
    rows = await database.statement(_WAKES, {"order_id": order_id, "new_payment": new_payment})
    return [row["workflow_id"] for row in rows]


async def to_restart(database: Database, order_id: str) -> RowMapping | None:
    """Return what the workflow of an order is started with."""
    rows = await database.statement(_TO_RESTART, {"order_id": order_id})
    return rows[0] if rows else None


def _payment(row: RowMapping) -> OurPayment:
    return OurPayment(
        order=_order(row),
        payment_id=row["id"],
        provider_payment_id=row["provider_payment_id"],
        status=PaymentStatus(row["status"]),
        currency=row["currency"],
        amount=row["amount"],
        authorized=row["authorized_amount"],
        captured=row["captured_amount"],
        refunded=row["refunded_amount"],
        refunding=row["refunding"],
        planned=[
            PlannedPart(number=number, amount=amount)
            for number, amount in zip(row["planned_numbers"], row["planned_amounts"], strict=True)
        ],
        refunds=frozenset(row["refunds"]),
        taken_at_once=row["taken_at_once"],
    )


def _order(row: RowMapping) -> OurOrder:
    return OurOrder(
        order_id=row["order_id"],
        status=OrderStatus(row["order_status"]),
        under_way=row["under_way"],
        quiet_for=row["quiet_for"],
    )


def _dispute(row: RowMapping) -> OurDispute:
    return OurDispute(
        dispute_id=row["id"],
        order_id=row["order_id"],
        payment_id=row["payment_id"],
        status=DisputeStatus(row["status"]),
        amount=row["amount"],
        withdrawn=row["withdrawn"],
        quiet_for=row["quiet_for"],
    )


def _transfer(row: RowMapping) -> OurTransfer:
    return OurTransfer(
        settlement_id=row["id"],
        reference=transfer_reference(row["id"], row["attempt"]),
        provider_transfer_id=row["provider_transfer_id"],
        status=SettlementStatus(row["status"]),
        currency=row["currency"],
        amount=row["amount"],
        quiet_for=row["quiet_for"],
    )
