"""All checks in a row: the rows, then the provider, then the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import httpx
from sqlalchemy import text
from temporalio.client import Client

from activities.order_workflows import UNFINISHED
from core.database import Database
from core.domain.statuses import OrderStatus, PaymentStatus
from deploy.verification.engine import UnfinishedOrder, check_workflows
from deploy.verification.provider import Charge, Comparison, Payment
from deploy.verification.report import Check, Report
from models.repositories import reconciliation_reads
from models.repositories.invariants import INVARIANTS, rows_that_break

LOOKS = 5
"""Two systems are never read at the same moment: a difference counts when it stays."""

LEDGERS = ("stripe", "paystack")
AT_ONCE = ("paystack",)
"""Who takes the money at once: to them all of it is captured, and what is let go is given back."""

_PAYMENTS = text("""
SELECT o.id AS order_id, o.status AS order_status, o.updated_at,
       o.waiting_for IS NOT NULL OR o.status NOT IN ('canceled', 'failed') AND EXISTS (
           SELECT FROM order_timeline t
           WHERE t.order_id = o.id AND t.type = 'order.cancel_requested') AS under_way,
       p.id AS payment_id, p.provider_payment_id, p.status,
       coalesce(p.amount, o.total_amount) AS amount, coalesce(p.currency, o.currency) AS currency,
       CASE WHEN p.provider = ANY(:at_once) THEN p.amount ELSE coalesce(p.captured_amount, 0) END
           AS captured,
       coalesce(p.refunded_amount, 0) + CASE
           WHEN p.provider = ANY(:at_once) AND p.status = 'voided' THEN p.amount
           WHEN p.provider = ANY(:at_once) THEN p.amount - p.authorized_amount ELSE 0 END
           AS refunded,
       (SELECT CAST(coalesce(sum(r.amount), 0) AS bigint) FROM refund_parts r
        WHERE r.payment_id = p.id AND r.status = 'pending') AS refunding
FROM orders o LEFT JOIN payments p ON p.order_id = o.id
ORDER BY o.id, p.attempt
""")


async def verify(
    *,
    database: Database,
    temporal: Client,
    sandbox_url: str | None,
    pause_seconds: float = 1.0,
) -> Report:
    """Check every promise that exists so far.

    Args:
        database: the platform's; the queries read whole tables.
        temporal: the platform's namespace.
        sandbox_url: where the sandbox's ledger is; None when the provider is a real one.
        pause_seconds: between two looks at a difference between systems.

    Raises:
        UnavailableError, httpx.HTTPError, RPCError: one of them is down.
    """
    rows = [
        Check(
            name=invariant.name,
            promise=invariant.promise,
            broken=await rows_that_break(database, invariant),
        )
        for invariant in INVARIANTS
    ]
    provider = await _look_until_settled(
        lambda: _check_provider(database, sandbox_url), pause_seconds
    )
    engine = await _look_until_settled(lambda: _check_engine(database, temporal), pause_seconds)
    return Report(checks=[*rows, *provider, *engine])


async def _look_until_settled(
    look: Callable[[], Awaitable[Sequence[Check]]], pause_seconds: float
) -> Sequence[Check]:
    checks = await look()
    for _ in range(LOOKS - 1):
        if not any(check.broken for check in checks):
            break
        await asyncio.sleep(pause_seconds)
        checks = await look()
    return checks


async def _check_provider(database: Database, sandbox_url: str | None) -> Sequence[Check]:
    if sandbox_url is None:
        return [
            Check(
                name="provider_ledger",
                promise="the provider's ledger is ours",
                skipped="the provider is a real one, not the sandbox",
            )
        ]
    async with httpx.AsyncClient(base_url=sandbox_url, timeout=60) as client:
        charges: list[Charge] = []
        for service in LEDGERS:
            answer = await client.get("/_control/ledger", params={"service": service})
            answer.raise_for_status()
            charges += [Charge.of(row, service) for row in answer.json()["data"]]
    payments = [
        Payment(
            **{
                **row,
                "order_status": OrderStatus(row["order_status"]),
                "status": row["status"] and PaymentStatus(row["status"]),
            }
        )
        for row in await database.statement(_PAYMENTS, {"at_once": list(AT_ONCE)})
    ]
    return Comparison(charges, payments, now=datetime.now(UTC)).checks()


async def _check_engine(database: Database, temporal: Client) -> Sequence[Check]:
    orders = [
        UnfinishedOrder(order_id=order_id, status=status)
        for order_id, status in await reconciliation_reads.all_unfinished(database, UNFINISHED)
    ]
    return await check_workflows(temporal, orders)
