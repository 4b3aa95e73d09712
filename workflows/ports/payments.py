"""Calls to payment providers; always regular activities on the ``payments`` queue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from temporalio import activity

from core.domain.payments import ProviderPayment
from core.domain.statuses import PaymentStatus
from workflows.ports.checkout import PaymentTerms


@dataclass(frozen=True, kw_only=True)
class AuthorizePayment:
    """``business_attempt`` counts the customer's tries, never the activity's."""

    order_id: str
    terms: PaymentTerms
    business_attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class PaymentRef:
    """A payment of an order; the provider's id when an answer has told it."""

    order_id: str
    payment_id: str
    provider: str
    provider_payment_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuthorizeMore:
    """Authorize ``amount`` (minor units) besides what the order has.

    ``purpose`` is a ``models.payments.PaymentPurpose``; with ``reference`` it names the payment:
    the same two give the same payment again. Without ``payment_method`` the method is the last one
    that the provider accepted.
    """

    order_id: str
    purpose: str
    reference: str
    amount: int
    provider: str | None = None
    payment_method: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuthorizationRef:
    """One payment of an order; ``lapsed`` when it is let go because its time is over."""

    order_id: str
    payment_id: str
    lapsed: bool = False


@dataclass(frozen=True, kw_only=True)
class AuthorizationState:
    """How one payment of an order stands; a challenge is kept with it, not told here."""

    payment_id: str
    attempt: int
    status: PaymentStatus
    authorized_amount: int
    captured_amount: int
    capture_before: datetime | None = None
    decline_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReleaseAuthorizations:
    order_id: str


@dataclass(frozen=True, kw_only=True)
class Released:
    """What was let go, minor units."""

    amount: int


class PaymentActivities(ABC):
    """An answer that never came leaves the outcome unknown: the next attempt asks first."""

    @activity.defn
    @abstractmethod
    async def authorize_payment(self, step: AuthorizePayment) -> ProviderPayment:
        """Authorize; a decline is a result with status ``failed``, not an error."""

    @activity.defn
    @abstractmethod
    async def fetch_payment(self, step: PaymentRef) -> ProviderPayment | None:
        """Ask the provider; None when it knows of no payment for the order."""

    @activity.defn
    @abstractmethod
    async def sync_payment(self, step: PaymentRef) -> ProviderPayment | None:
        """Ask the provider and record what it says of payment and refunds; never a step back."""

    @activity.defn
    @abstractmethod
    async def void_payment(self, step: PaymentRef) -> ProviderPayment | None:
        """Let go of whatever was authorized, give back what was captured; harmless otherwise."""

    @activity.defn
    @abstractmethod
    async def return_stray(self, step: PaymentRef) -> ProviderPayment | None:
        """Give back what a payment holds that carries the order's id and is not its payment."""

    @activity.defn
    @abstractmethod
    async def authorize_more(self, step: AuthorizeMore) -> AuthorizationState:
        """Authorize a further payment; a decline or a challenge is a result."""

    @activity.defn
    @abstractmethod
    async def check_authorization(self, step: AuthorizationRef) -> AuthorizationState:
        """Ask the provider how a further payment stands: was its challenge passed?"""

    @activity.defn
    @abstractmethod
    async def void_authorization(self, step: AuthorizationRef) -> AuthorizationState:
        """Let one payment's authorization go; what was captured of it stays captured."""

    @activity.defn
    @abstractmethod
    async def release_authorizations(self, step: ReleaseAuthorizations) -> Released:
        """Let go of everything authorized and neither captured nor planned, on all payments."""
