"""What a provider tells about a payment, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.domain.statuses import PaymentStatus


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
