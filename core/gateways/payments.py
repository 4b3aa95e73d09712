"""What every payment provider can do for us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.domain.payments import ProviderPayment, ProviderRefund


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """What to authorize: ``amount`` in minor units; ``key`` is the provider's idempotency key."""

    order_id: str
    payment_id: str
    amount: int
    currency: str
    payment_method: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """What the customer's client needs to answer the bank."""

    type: str
    client_secret: str | None = None
    redirect_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Authorized:
    """The payment, and the challenge when its status is ``requires_action``."""

    payment: ProviderPayment
    challenge: Challenge | None = None


@dataclass(frozen=True, kw_only=True)
class ProviderEvent:
    """A verified event: a hint that ``object_id`` changed; ``reference`` is our own id."""

    event_id: str
    type: str
    object_id: str
    reference: str | None
    payload: dict[str, Any]


class PaymentGateway(Protocol):
    """One provider. Every method is safe to call again with the same arguments.

    Raises, each of them:
        ProviderError: no answer or a fault of the provider's; the effect is unknown.
        ProviderRejectedError: the provider will never accept this request.
    """

    name: str

    async def authorize(self, request: Authorization) -> Authorized:
        """Authorize without capturing; a decline is a payment with status ``failed``."""
        ...

    async def fetch(self, provider_payment_id: str) -> ProviderPayment:
        """Return the present state."""
        ...

    async def find(self, order_id: str, created_after: int) -> list[ProviderPayment]:
        """Every payment that carries the order's id, made since a Unix time (seconds)."""
        ...

    async def capture(
        self, provider_payment_id: str, *, amount: int, final: bool, key: str
    ) -> ProviderPayment:
        """Capture part or all of an authorization; ``final`` lets the rest go.

        Raises:
            AuthorizationLapsedError: the provider does not hold so much any more.
        """
        ...

    async def void(self, provider_payment_id: str, *, key: str) -> ProviderPayment:
        """Let an authorization go; one that is already gone is returned as it is."""
        ...

    async def refund(
        self, provider_payment_id: str, *, amount: int, key: str, reference: str
    ) -> ProviderRefund:
        """Give back a part of what was captured; ``reference`` is our refund's id.

        A refund that fails is a result with status ``failed``; it may also fail days later.
        """
        ...

    async def find_refunds(self, provider_payment_id: str) -> list[ProviderRefund]:
        """Every refund of a payment, whoever made it; the newest first."""
        ...

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """Check the signature and read the event.

        Raises:
            InvalidSignatureError: wrong signature, or a timestamp too old.
        """
        ...

    async def close(self) -> None: ...
