"""What every call to a payment provider needs: its gateway, and how far back to look."""

from __future__ import annotations

import time
from collections.abc import Mapping

from temporalio import activity

from core.domain.errors import NotFoundError
from core.domain.ids import issued_at
from core.gateways.payments import PaymentGateway

KEY_LIFETIME_SECONDS = 23 * 3600
"""Stripe forgets an idempotency key after 24 hours (its API reference, "Idempotent requests")."""

CLOCK_SKEW_SECONDS = 300


def gateway_of(gateways: Mapping[str, PaymentGateway], provider: str) -> PaymentGateway:
    """Return the gateway of a provider.

    Raises:
        NotFoundError: it is not configured.
    """
    gateway = gateways.get(provider)
    if gateway is None:
        raise NotFoundError(f"no payment provider {provider}")
    return gateway


def placed_at(order_id: str) -> int:
    """The Unix time (seconds) since when a payment of the order can exist at a provider."""
    return issued_at(order_id) - CLOCK_SKEW_SECONDS


def may_have_happened(since: float) -> bool:
    """An earlier attempt may have had its effect, or its idempotency key may be forgotten.

    Args:
        since: the Unix time (seconds) of the first attempt, or before.
    """
    return is_forgotten(since) or activity.info().attempt > 1


def is_forgotten(since: float) -> bool:
    """Whether the provider may have forgotten a key that was first sent at a Unix time."""
    return time.time() - since > KEY_LIFETIME_SECONDS
