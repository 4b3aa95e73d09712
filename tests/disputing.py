"""Disputes for tests: opened at the provider, told by events, and what the books say of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from core.domain.ledger import Account, Posting, PostingKind, credit, debit
from models.repositories import dispute_evidence, disputes, ledger
from tests.shop import Shop

FIELDS = {"explanation": "it was delivered", "customer_name": "Grace Hopper"}
BALANCES = text("""
SELECT account, sum(amount)::bigint AS amount FROM ledger_entries e
JOIN ledger_postings p ON p.key = e.posting_key
WHERE p.order_id = :order_id AND account IN
    ('provider_balance', 'vendor_payable', 'vendor_held', 'disputes', 'dispute_losses')
GROUP BY account HAVING sum(amount) <> 0
""")


async def sold_by(shop: Shop, order_id: str, *, goods: int, shipping: int) -> str:
    """Post the capture of an order's only parcel, unless it is; return its vendor."""
    payment = await shop.payment(order_id)
    (parcel,) = await shop.shipments(order_id)
    vendor_id = str(parcel["vendor_id"])
    posting = Posting(
        key=f"{payment['id']}:capture:1",
        kind=PostingKind.CAPTURE,
        currency="USD",
        legs=[
            debit(Account.PROVIDER_BALANCE, goods + shipping, "stripe"),
            credit(Account.VENDOR_PAYABLE, goods, vendor_id),
            credit(Account.SHIPPING, shipping),
        ],
        order_id=order_id,
        reference=payment["id"],
    )
    async with shop.database.transaction() as session:
        await ledger.post(session, posting)
    return vendor_id


async def told(
    shop: Shop,
    intent: str,
    provider_dispute_id: str,
    news: str = "created",
    *,
    provider: str = "stripe",
) -> str:
    """Receive an event about a dispute; return what came of it."""
    return await shop.receive_event(
        provider,
        f"charge.dispute.{news}",
        object_id=intent,
        payload={"subject_id": provider_dispute_id, "subject": "dispute"},
    )


async def dispute_of(shop: Shop, order_id: str) -> dict[str, Any]:
    """The row of the order's only dispute."""
    rows = await shop.database.statement(
        text("SELECT * FROM disputes WHERE order_id = :id"), {"id": order_id}
    )
    assert len(rows) == 1, rows
    return dict(rows[0])


async def dispute_status(shop: Shop, order_id: str) -> str | None:
    rows = await shop.database.statement(
        text("SELECT status FROM disputes WHERE order_id = :id"), {"id": order_id}
    )
    return str(rows[0]["status"]) if rows else None


async def balances(shop: Shop, order_id: str) -> dict[str, int]:
    """The accounts that a dispute moves, as far as they are not even; debits positive."""
    rows = await shop.database.statement(BALANCES, {"order_id": order_id})
    return {row["account"]: row["amount"] for row in rows}


async def drafted(shop: Shop, order_id: str, provider_dispute_id: str, submission_id: str) -> None:
    """Keep evidence in the row, as the API does before it tells the workflow."""
    async with shop.database.transaction() as session:
        await dispute_evidence.draft_evidence(
            session,
            disputes.id_of(order_id, provider_dispute_id),
            submission_id=submission_id,
            fields={**FIELDS, "submission_id": submission_id},
        )
