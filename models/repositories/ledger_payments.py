"""What a payment does to the ledger, in the transaction that changes the payment.

What is posted is the difference between the payment's figures before and after, so the ledger
follows them whatever way they went.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.ledger import Account, Leg, Posting, PostingKind, credit, debit
from core.domain.payments import PaymentFigures
from core.domain.sales import credits_of, debits_of
from models.orders import Order
from models.payments import Capture, Payment, Refund, RefundPart
from models.repositories import ledger, ledger_sales

AUTHORIZED_POSTING = """
posting AS (
    INSERT INTO ledger_postings (key, kind, currency, order_id, reference)
    SELECT id || CASE WHEN taken_at_once THEN '\\:paid' ELSE '\\:authorized' END,
        CASE WHEN taken_at_once THEN 'payment' ELSE 'authorization' END,
        currency, order_id, id
    FROM paid WHERE authorized_amount > 0
    ON CONFLICT (key) DO NOTHING
    RETURNING key
), posted AS (
    INSERT INTO ledger_entries (posting_key, position, account, holder, currency, amount)
    SELECT posting.key, leg.position, leg.account, leg.holder, paid.currency, leg.amount
    FROM posting, paid, LATERAL (VALUES
        (0, CASE WHEN taken_at_once THEN 'provider_balance' ELSE 'authorized' END,
            paid.provider, paid.authorized_amount),
        (1, CASE WHEN taken_at_once THEN 'customer_receivable' ELSE 'authorizations' END,
            '', -paid.authorized_amount)
    ) AS leg (position, account, holder, amount)
)
"""
"""CTEs that post what ``authorized`` posts, for the statement that has the payment in ``paid``."""

_LEGS = text("""
SELECT account, holder, item_id, amount FROM ledger_entries
WHERE posting_key = :key ORDER BY position
""")


async def authorized(session: AsyncSession, payment: Payment) -> None:
    """Post that a payment holds money ready, or that its provider took it at once."""
    amount = payment.authorized_amount
    if payment.taken_at_once:
        kind, what, legs = PostingKind.PAYMENT, "paid", list(_paid(payment, amount))
    else:
        kind, what, legs = PostingKind.AUTHORIZATION, "authorized", list(_held(payment, amount))
    await ledger.post(session, _posting(payment, kind, what, legs))


async def captured(
    session: AsyncSession, order: Order, payment: Payment, capture: Capture, *, ended: int
) -> None:
    """Post what a parcel took from a payment of a locked order, and whom it is owed to.

    ``ended`` is how much less the payment holds now, beside what was let go (minor units).
    """
    amount = capture.amount
    if payment.taken_at_once:
        legs = list(_paid(payment, amount - ended))
    else:
        legs = [*_paid(payment, amount), *_held(payment, -ended)]
    sale = await ledger_sales.sale_of(session, order, number=capture.number, amount=amount)
    legs += [debit(Account.CUSTOMER_RECEIVABLE, amount), *credits_of(sale)]
    what = f"capture:{capture.number}"
    await ledger.post(session, _posting(payment, PostingKind.CAPTURE, what, legs))


async def released(
    session: AsyncSession, payment: Payment, before: PaymentFigures, after: PaymentFigures
) -> None:
    """Post what a payment holds less than before because it was let go or lapsed."""
    legs = (_paid if payment.taken_at_once else _held)(payment, after.held - before.held)
    what = f"released:{before.authorized}:{before.captured}"
    posting = _posting(payment, PostingKind.AUTHORIZATION_ENDED, what, list(legs))
    await ledger.post(session, posting)


async def refunded(
    session: AsyncSession, order: Order, payment: Payment, refund: Refund, part: RefundPart
) -> None:
    """Post what a payment of a locked order gave back, and at whose expense."""
    taken = await ledger_sales.take_back(session, order, refund, amount=part.amount)
    legs = [*debits_of(taken), credit(Account.PROVIDER_BALANCE, part.amount, payment.provider)]
    posting = Posting(
        key=_key_of(part, PostingKind.REFUND),
        kind=PostingKind.REFUND,
        currency=payment.currency,
        legs=legs,
        order_id=payment.order_id,
        reference=refund.id,
    )
    await ledger.post(session, posting)


async def refund_failed(session: AsyncSession, payment: Payment, part: RefundPart) -> None:
    """Post that what a payment had given back came back: the opposite of what was posted then."""
    then = {"key": _key_of(part, PostingKind.REFUND)}
    legs = [
        Leg(
            account=Account(row.account),
            holder=row.holder,
            item_id=row.item_id,
            amount=-row.amount,
        )
        for row in await session.execute(_LEGS, then)
    ]
    posting = Posting(
        key=_key_of(part, PostingKind.REFUND_FAILED),
        kind=PostingKind.REFUND_FAILED,
        currency=payment.currency,
        legs=legs,
        order_id=payment.order_id,
        reference=part.refund_id,
    )
    await ledger.post(session, posting)


def _held(payment: Payment, amount: int) -> Iterator[Leg]:
    yield debit(Account.AUTHORIZED, amount, payment.provider)
    yield credit(Account.AUTHORIZATIONS, amount)


def _paid(payment: Payment, amount: int) -> Iterator[Leg]:
    yield debit(Account.PROVIDER_BALANCE, amount, payment.provider)
    yield credit(Account.CUSTOMER_RECEIVABLE, amount)


def _posting(payment: Payment, kind: PostingKind, what: str, legs: Sequence[Leg]) -> Posting:
    return Posting(
        key=f"{payment.id}:{what}",
        kind=kind,
        currency=payment.currency,
        legs=legs,
        order_id=payment.order_id,
        reference=payment.id,
    )


def _key_of(part: RefundPart, kind: PostingKind) -> str:
    """A part that failed after all may be tried again: each try at the provider has its key."""
    what = "refunded" if kind is PostingKind.REFUND else "refund_failed"
    return f"{part.refund_id}:{part.payment_id}:{what}:{part.provider_refund_id or ''}"
