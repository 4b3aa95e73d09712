"""What a dispute does to the books; each posting in the transaction that changes the dispute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.ledger import Account, Leg, Posting, PostingKind, credit, debit
from models.disputes import Dispute
from models.payments import Payment
from models.repositories import ledger

# A refund's postings name the payment in the second place of their key, a capture's in the first.
_OWED = text("""
WITH owed AS (
    SELECT e.holder AS vendor_id, -e.amount AS amount
    FROM ledger_postings p JOIN ledger_entries e ON e.posting_key = p.key
    WHERE p.order_id = :order_id AND e.account = 'vendor_payable'
      AND p.kind IN ('capture', 'refund', 'refund_failed')
      AND :payment_id IN (split_part(p.key, ':', 1), split_part(p.key, ':', 2))
    UNION ALL
    SELECT held.part ->> 'vendor_id', -CAST(held.part ->> 'amount' AS bigint)
    FROM disputes d CROSS JOIN LATERAL jsonb_array_elements(d.held) AS held (part)
    WHERE d.payment_id = :payment_id AND d.id <> :dispute_id AND d.status <> 'won'
      AND (d.withdrawn OR d.status <> 'lost')
)
SELECT vendor_id, sum(amount)::bigint AS amount FROM owed GROUP BY vendor_id
""")


async def owed_to_vendors(
    session: AsyncSession, payment: Payment, dispute_id: str
) -> Mapping[str, int]:
    """What vendors are owed of what a payment took, minor units, without the dispute itself.

    What was refunded, and what other disputes of the payment hold back or have cost, is off.
    """
    rows = await session.execute(
        _OWED,
        {"order_id": payment.order_id, "payment_id": payment.id, "dispute_id": dispute_id},
    )
    return {row.vendor_id: row.amount for row in rows}


async def post_opened(session: AsyncSession, dispute: Dispute) -> None:
    """The vendors' shares are held back, and the money is gone if the provider has taken it."""
    await _post(session, dispute, PostingKind.DISPUTE_OPENED, "opened", _at_stake(dispute))


async def post_withdrawn(session: AsyncSession, dispute: Dispute) -> None:
    """The provider has taken the money of a dispute that was open before."""
    await _post(session, dispute, PostingKind.DISPUTE_OPENED, "withdrawn", _taken(dispute))


async def post_shared_again(
    session: AsyncSession, dispute: Dispute, before: Sequence[Mapping[str, Any]]
) -> None:
    """The vendors' shares are others than ``before``; once per version of the row."""
    legs: list[Leg] = []
    for held, sign in ((dispute.held, 1), (before, -1)):
        for one in held:
            legs.append(debit(Account.VENDOR_PAYABLE, sign * one["amount"], one["vendor_id"]))
            legs.append(credit(Account.VENDOR_HELD, sign * one["amount"], one["vendor_id"]))
    step = f"held:{dispute.version}"
    await _post(session, dispute, PostingKind.DISPUTE_OPENED, step, legs)


async def post_won(session: AsyncSession, dispute: Dispute) -> None:
    """Everything is as it was before."""
    back = _reversed(_at_stake(dispute))
    await _post(session, dispute, PostingKind.DISPUTE_WON, "won", back)


async def post_lost(session: AsyncSession, dispute: Dispute) -> None:
    """The vendors bear their shares, the platform the rest; nobody does when nothing was taken."""
    held = [debit(Account.VENDOR_HELD, share, vendor) for vendor, share in _shares(dispute)]
    rest = dispute.amount - sum(leg.amount for leg in held)
    legs = [
        *held,
        debit(Account.DISPUTE_LOSSES, rest),
        credit(Account.DISPUTES, dispute.amount, dispute.provider),
    ]
    if not dispute.withdrawn:
        legs = _reversed(_at_stake(dispute))
    await _post(session, dispute, PostingKind.DISPUTE_LOST, "lost", legs)


def _at_stake(dispute: Dispute) -> list[Leg]:
    legs = _taken(dispute) if dispute.withdrawn else []
    for vendor, share in _shares(dispute):
        legs.append(debit(Account.VENDOR_PAYABLE, share, vendor))
        legs.append(credit(Account.VENDOR_HELD, share, vendor))
    return legs


def _taken(dispute: Dispute) -> list[Leg]:
    return [
        debit(Account.DISPUTES, dispute.amount, dispute.provider),
        credit(Account.PROVIDER_BALANCE, dispute.amount, dispute.provider),
    ]


def _reversed(legs: Sequence[Leg]) -> list[Leg]:
    return [Leg(account=leg.account, amount=-leg.amount, holder=leg.holder) for leg in legs]


def _shares(dispute: Dispute) -> list[tuple[str, int]]:
    return [(one["vendor_id"], one["amount"]) for one in dispute.held]


async def _post(
    session: AsyncSession, dispute: Dispute, kind: PostingKind, step: str, legs: Sequence[Leg]
) -> None:
    posting = Posting(
        key=f"{dispute.id}:{step}",
        kind=kind,
        currency=dispute.currency,
        legs=legs,
        order_id=dispute.order_id,
        reference=dispute.payment_id,
    )
    await ledger.post(session, posting)
