"""What a movement of our balance at a provider means for the ledger, beyond what orders post."""

from __future__ import annotations

from core.domain.ledger import Account, Posting, PostingKind, credit, debit
from core.domain.provider_books import MovementKind, ProviderMovement

_PAYOUTS = frozenset({MovementKind.PAYOUT, MovementKind.PAYOUT_FAILED})


def postings_of(provider: str, movement: ProviderMovement) -> list[Posting]:
    """Return what is posted from a movement itself: its fee, and a payout to our bank.

    Charges, refunds, disputes and transfers are posted with the state changes that they belong to;
    what else there is stays a difference of the balance, for a person.
    """
    fee = movement.fee - (movement.amount if movement.kind is MovementKind.FEE else 0)
    key = f"{provider}:{movement.movement_id}"
    postings = [
        Posting(
            key=f"{key}:fee",
            kind=PostingKind.FEE,
            currency=movement.currency,
            legs=[
                debit(Account.PROVIDER_FEES, fee, provider),
                credit(Account.PROVIDER_BALANCE, fee, provider),
            ],
            reference=movement.provider_payment_id or movement.source_id,
        )
    ]
    if movement.kind in _PAYOUTS:
        postings.append(
            Posting(
                key=f"{key}:payout",
                kind=PostingKind.PAYOUT,
                currency=movement.currency,
                legs=[
                    debit(Account.BANK, -movement.amount),
                    credit(Account.PROVIDER_BALANCE, -movement.amount, provider),
                ],
                reference=movement.source_id,
            )
        )
    return [posting for posting in postings if not posting.is_empty]


def adjustment_of(difference_id: str, provider: str, currency: str, amount: int) -> Posting:
    """Return the posting with which a person explains ``amount`` on our balance at a provider."""
    return Posting(
        key=f"{difference_id}:adjustment",
        kind=PostingKind.ADJUSTMENT,
        currency=currency,
        legs=[
            debit(Account.PROVIDER_BALANCE, amount, provider),
            credit(Account.SUSPENSE, amount, provider),
        ],
        reference=difference_id,
    )
