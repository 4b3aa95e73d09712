"""Calls to payment providers; always regular activities on the ``payments`` queue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from temporalio import activity

from core.domain.payments import ProviderPayment
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
class CapturePayment:
    """Capture ``amount`` (minor units) for shipment ``number`` of the order.

    ``final`` when there is no other: the provider lets go of whatever is left.
    """

    order_id: str
    payment_id: str
    number: int
    amount: int
    final: bool


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
        """Ask the provider and record what it says; never a step back."""

    @activity.defn
    @abstractmethod
    async def void_payment(self, step: PaymentRef) -> ProviderPayment | None:
        """Let go of whatever was authorized; harmless when nothing was."""

    @activity.defn
    @abstractmethod
    async def capture_payment(self, step: CapturePayment) -> ProviderPayment:
        """Capture at the provider and record it."""
