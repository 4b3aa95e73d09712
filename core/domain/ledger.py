"""Double entry: accounts, legs and postings; pure.

A leg is signed: a debit is positive, a credit is negative, in minor units. The legs of a posting
add up to zero in its one currency, and so do the balances of all accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Account(StrEnum):
    """What money is where, or is owed to whom; ``holder`` tells whose, for some of them."""

    AUTHORIZED = "authorized"
    """Memorandum: what a provider holds ready for us. Holder: the provider."""
    AUTHORIZATIONS = "authorizations"
    """The other side of ``authorized``."""
    PROVIDER_BALANCE = "provider_balance"
    """Asset: our money at a provider. Holder: the provider."""
    CUSTOMER_RECEIVABLE = "customer_receivable"
    """Asset: what customers owe for what was sent; a credit is paid and not sent yet."""
    VENDOR_PAYABLE = "vendor_payable"
    """Liability: what a vendor is owed. Holder: the vendor."""
    VENDOR_HELD = "vendor_held"
    """Liability: a vendor's part of an open dispute, held back. Holder: the vendor."""
    COMMISSION = "commission"
    """Revenue: the platform's part of a sale. Holder: the vendor."""
    SHIPPING = "shipping"
    """Revenue: shipping fees, which the platform keeps."""
    TAX = "tax"
    """Liability: taxes to be paid on."""
    PROVIDER_FEES = "provider_fees"
    """Expense: what a provider takes. Holder: the provider."""
    REFUNDS = "refunds"
    """Expense: refunds that no vendor bears, gestures for example."""
    DISPUTES = "disputes"
    """Asset: what a provider took back until a dispute is decided. Holder: the provider."""
    DISPUTE_LOSSES = "dispute_losses"
    """Expense: lost disputes that no vendor bears."""
    BANK = "bank"
    """Asset: what a provider has paid out to our bank."""
    SUSPENSE = "suspense"
    """Movements at a provider that nobody has explained yet. Holder: the provider."""


class PostingKind(StrEnum):
    AUTHORIZATION = "authorization"
    AUTHORIZATION_ENDED = "authorization_ended"
    """Let go, or taken: what was authorized is not any more."""
    PAYMENT = "payment"
    """A provider without authorizations took the money at once."""
    CAPTURE = "capture"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    FEE = "fee"
    TRANSFER = "transfer"
    """A settlement paid to a vendor."""
    TRANSFER_FAILED = "transfer_failed"
    PAYOUT = "payout"
    """Money that a provider sent to our bank."""
    ADJUSTMENT = "adjustment"
    """A person, or the reconciliation, has put something right."""


class UnbalancedPostingError(ValueError):
    """A mistake of ours, never of a caller's: the legs do not add up to zero."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """One line of a posting; ``amount`` in minor units, debits positive."""

    account: Account
    amount: int
    holder: str = ""
    item_id: str | None = None
    """The order item that it is for, in a sale and in what takes a sale back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """Something that happened to money, written down once: ``key`` comes from business ids.

    Legs of nothing are left out.

    Raises:
        UnbalancedPostingError: the legs do not add up to zero.
    """

    key: str
    kind: PostingKind
    currency: str
    legs: Sequence[Leg]
    order_id: str | None = None
    reference: str = ""
    """What it is about besides: a payment, a refund, a settlement, the provider's id."""

    def __post_init__(self) -> None:
        off = sum(leg.amount for leg in self.legs)
        if off:
            raise UnbalancedPostingError(f"{self.key} is off by {off} {self.currency}")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write down."""
        return not any(leg.amount for leg in self.legs)


def debit(account: Account, amount: int, holder: str = "") -> Leg:
    return Leg(account=account, amount=amount, holder=holder)


def credit(account: Account, amount: int, holder: str = "") -> Leg:
    return Leg(account=account, amount=-amount, holder=holder)
