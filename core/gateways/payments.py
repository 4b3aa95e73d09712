"""What every payment provider can do for us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from core.domain.payments import ProviderPayment, ProviderRefund
from core.domain.provider_books import (
    Capabilities,
    Evidence,
    ListedEvent,
    Page,
    ProviderDispute,
    ProviderMovement,
    ProviderTransfer,
)
from core.domain.provider_events import OTHER, EventKind


@dataclass(frozen=True, kw_only=True)
class Authorization:
    """What to authorize: ``amount`` in minor units; ``key`` is the provider's idempotency key."""

    order_id: str
    payment_id: str
    amount: int
    currency: str
    payment_method: str
    key: str
    email: str | None = None
    """Where the provider writes to; some take no payment without."""
    return_url: str | None = None
    """Where a challenge on the provider's page leads back to."""


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What a vendor is paid: minor units to the account ``destination``; ``key`` makes it once."""

    reference: str
    destination: str
    amount: int
    currency: str
    key: str


@dataclass(frozen=True, kw_only=True)
class BankAccount:
    """A vendor's account at a bank, on its way to the provider: nothing here is ever stored.

    ``type`` and ``bank_code`` are the provider's own words for the country's banks.
    """

    type: str
    name: str = field(repr=False)
    account_number: str = field(repr=False)
    bank_code: str
    currency: str


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
    """A verified event: a hint that ``object_id`` changed; ``reference`` is our own id.

    ``kind`` says what it is about; without it the event is stored and concerns nobody.
    """

    event_id: str
    type: str
    object_id: str
    reference: str | None
    payload: dict[str, Any]
    kind: EventKind = OTHER


class PaymentGateway(Protocol):
    """One provider. Every method is safe to call again with the same arguments.

    Raises, each of them:
        ProviderError: no answer or a fault of the provider's; the effect is unknown.
        ProviderRejectedError: the provider will never accept this request.
    """

    name: str
    capabilities: Capabilities

    async def authorize(self, request: Authorization) -> Authorized:
        """Authorize without capturing; a decline is a payment with status ``failed``."""
        ...

    async def confirm(self, provider_payment_id: str, *, key: str) -> Authorized:
        """Go on after the customer's client did its part.

        A payment that waits for nothing of ours is returned as it is, with its open challenge.
        """
        ...

    async def fetch(self, provider_payment_id: str) -> ProviderPayment:
        """Return the present state."""
        ...

    async def find(self, order_id: str, created_after: int) -> list[ProviderPayment]:
        """Every payment that carries the order's id, made since a Unix time (seconds)."""
        ...

    async def capture(
        self, provider_payment_id: str, *, amount: int, final: bool, key: str, release: int = 0
    ) -> ProviderPayment:
        """Capture part or all of an authorization; ``final`` lets the rest go.

        ``release`` is that rest by our books (minor units). A provider that took the whole amount
        at once gives it back; it answers with ``captured_amount`` as it was asked for.

        Raises:
            AuthorizationLapsedError: the provider does not hold so much any more.
        """
        ...

    async def void(
        self, provider_payment_id: str, *, key: str, captured_amount: int = 0
    ) -> ProviderPayment:
        """Let an authorization go; one that is already gone is returned as it is.

        ``captured_amount`` stays taken by our books (minor units): a provider that took the whole
        amount at once gives back the rest.
        """
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

    async def list_movements(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderMovement]:
        """One page of how our balance moved from ``since`` to before ``until``."""
        ...

    async def list_payments(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderPayment]:
        """One page of the payments made from ``since`` to before ``until``."""
        ...

    async def list_events(self, since: datetime, cursor: str | None = None) -> Page[ListedEvent]:
        """One page of what happened since; nothing when the provider lists no events."""
        ...

    async def list_disputes(
        self, since: datetime, cursor: str | None = None
    ) -> Page[ProviderDispute]:
        """One page of the disputes opened since."""
        ...

    async def fetch_dispute(self, provider_dispute_id: str) -> ProviderDispute:
        """Return the present state."""
        ...

    async def submit_evidence(
        self, provider_dispute_id: str, evidence: Evidence, *, key: str
    ) -> ProviderDispute:
        """Tell the bank our side; there may be only one chance."""
        ...

    async def accept_dispute(self, provider_dispute_id: str, *, key: str) -> ProviderDispute:
        """Give the dispute up: it is lost."""
        ...

    async def transfer(self, request: Transfer) -> ProviderTransfer:
        """Pay a vendor from our balance; the same reference pays once."""
        ...

    async def transfer_all(self, requests: Sequence[Transfer]) -> list[ProviderTransfer]:
        """Pay several vendors, in as few calls as the provider allows; answered in their order.

        Which of them were paid when it raises is told by ``find_transfer``.
        """
        ...

    async def create_payout_account(self, account: BankAccount) -> str:
        """Make a bank account one that can be paid; the same account has the same id there.

        Raises:
            ProviderRejectedError: it cannot be paid, or accounts are not made this way at all
                (``capabilities.payout_accounts``).
        """
        ...

    async def find_transfer(
        self, reference: str, created_after: datetime
    ) -> ProviderTransfer | None:
        """The transfer of a settlement, asked for before it is sent again."""
        ...

    async def list_transfers(
        self, since: datetime, until: datetime, cursor: str | None = None
    ) -> Page[ProviderTransfer]:
        """One page of the transfers made from ``since`` to before ``until``."""
        ...

    def parse_event(self, body: Mapping[str, Any]) -> ProviderEvent:
        """Read an event that was verified, or listed by the provider itself."""
        ...

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> ProviderEvent:
        """Check the signature over the raw body and read the event.

        Raises:
            InvalidSignatureError: wrong signature, or a timestamp too old.
        """
        ...

    async def close(self) -> None: ...
