"""The ledger: what is posted, once per business key, in the transaction that changes the state."""

from __future__ import annotations

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.ledger import Posting

_POST = text("""
WITH posted AS (
    INSERT INTO ledger_postings (key, kind, currency, order_id, reference)
    VALUES (:key, :kind, :currency, :order_id, :reference)
    ON CONFLICT (key) DO NOTHING
    RETURNING key, currency
), entries AS (
    INSERT INTO ledger_entries (posting_key, position, account, holder, item_id, currency,
        amount)
    SELECT posted.key, leg.position, leg.account, leg.holder, leg.item_id, posted.currency,
        leg.amount
    FROM posted, jsonb_to_recordset(CAST(:legs AS jsonb))
        AS leg (position int, account text, holder text, item_id text, amount bigint)
)
SELECT count(*) FROM posted
""")


async def post(session: AsyncSession, posting: Posting) -> bool:
    """Write a posting down in the caller's transaction; tell whether it was new.

    One round trip. The same key posts once for ever, whoever repeats it.
    """
    if posting.is_empty:
        return False
    legs = [
        {
            "position": n,
            "account": leg.account,
            "holder": leg.holder,
            "item_id": leg.item_id,
            "amount": leg.amount,
        }
        for n, leg in enumerate(leg for leg in posting.legs if leg.amount)
    ]
    result = await session.execute(
        _POST,
        {
            "key": posting.key,
            "kind": posting.kind,
            "currency": posting.currency,
            "order_id": posting.order_id,
            "reference": posting.reference,
            "legs": orjson.dumps(legs).decode(),
        },
    )
    return bool(result.scalar_one())
