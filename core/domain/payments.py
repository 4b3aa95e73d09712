"""What a provider tells about a payment, in our words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.domain.statuses import PaymentStatus, RefundStatus


@dataclass(frozen=True, kw_only=True)
class ProviderPayment:
    """The provider's present state of one payment; amounts in minor units of ``currency``."""

    provider_payment_id: str | None
    """None when the provider refused before it made a payment."""
    status: PaymentStatus
    currency: str
    amount: int
    authorized_amount: int = 0
    captured_amount: int = 0
    refunded_amount: int = 0
    capture_before: datetime | None = None
    """The provider lets the authorization lapse then (UTC)."""
    decline_code: str | None = None
    order_id: str | None = None
    """The order that the payment was made for, from the provider's metadata."""
    payment_id: str | None = None
    """Our payment, from the provider's metadata."""
    taken_at_once: bool = False
    """The provider has no authorizations: what is called authorized is taken already."""

    def differs_from(self, asked: AskedPayment) -> str | None:
        """Say in words why this is not the payment that was asked for; None when it is."""
        if self.order_id != asked.order_id:
            return f"it was made for {self.order_id or 'no order of ours'}"
        if self.payment_id != asked.payment_id:
            return f"it is not ours: it names {self.payment_id or 'no payment'}"
        if self.currency != asked.currency:
            return f"it is in {self.currency} instead of {asked.currency}"
        if self.amount != asked.amount:
            return f"it is of {self.amount} {self.currency} instead of {asked.amount}"
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedPayment:
    """What a provider was asked to authorize; ``amount`` in minor units of ``currency``."""

    order_id: str
    payment_id: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class ProviderRefund:
    """The provider's present state of one refund; ``amount`` in minor units."""

    provider_refund_id: str
    status: RefundStatus
    amount: int
    reference: str | None = None
    """Our refund, from the provider's metadata; None for one that was made at the provider."""
    failure_code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentFigures:
    """What one payment holds, took and gave back (minor units), and the state that it shows.

    What is authorized and not captured can still be taken: letting go lowers ``authorized``.
    """

    status: PaymentStatus
    authorized: int
    captured: int
    refunded: int
    disputed: int = 0
    """What banks have taken back: for the time being while it is ``disputed``, else for good."""

    @property
    def is_open(self) -> bool:
        """Whether money can still be taken with it, or may be soon."""
        if self.captured:
            return self.authorized > self.captured
        return self.status in _UNDER_WAY or self.status is PaymentStatus.AUTHORIZED

    @property
    def held(self) -> int:
        """What is authorized and not captured, minor units; nothing once it has ended."""
        return 0 if self.status in _ENDED else self.authorized - self.captured

    @property
    def given_back(self) -> int:
        """What is with the customer again, by refunds and by lost disputes."""
        return self.refunded + self.disputed


_ENDED = (PaymentStatus.VOIDED, PaymentStatus.FAILED)
_UNDER_WAY = (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.UNKNOWN)


def settled_status(figures: PaymentFigures) -> PaymentStatus:
    """Return the state that the amounts of one payment ask for once something was captured.

    A payment in dispute stays so until the dispute is decided.
    """
    if not figures.captured or figures.status is PaymentStatus.DISPUTED:
        return figures.status
    if figures.given_back:
        # A bank can take back what was refunded before: then it is more than was captured.
        all_of_it = figures.given_back >= figures.captured and not figures.is_open
        return PaymentStatus.REFUNDED if all_of_it else PaymentStatus.PARTIALLY_REFUNDED
    return PaymentStatus.PARTIALLY_CAPTURED if figures.is_open else PaymentStatus.CAPTURED


def summary_of(payments: Iterable[PaymentFigures]) -> PaymentStatus:
    """Sum up all payments of an order in the words of one.

    With nothing held or taken any more it is ``voided`` when anything was let go, else ``failed``.

    Raises:
        ValueError: there is no payment.
    """
    all_of_them = list(payments)
    statuses = {one.status for one in all_of_them}
    if not statuses:
        raise ValueError("an order has a payment")
    if PaymentStatus.DISPUTED in statuses:
        return PaymentStatus.DISPUTED
    captured = sum(one.captured for one in all_of_them)
    if captured:
        is_open = any(one.is_open for one in all_of_them)
        given_back = sum(one.given_back for one in all_of_them)
        if given_back:
            whole = given_back >= captured and not is_open
            return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED
        return PaymentStatus.PARTIALLY_CAPTURED if is_open else PaymentStatus.CAPTURED
    for status in (
        PaymentStatus.AUTHORIZED,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.PENDING,
        PaymentStatus.UNKNOWN,
        PaymentStatus.VOIDED,
    ):
        if status in statuses:
            return status
    return PaymentStatus.FAILED
