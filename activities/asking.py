"""What a provider is asked before its payment is believed, and what is noted when it is silent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from core.domain.errors import PaymentMismatchError, ProviderError
from core.domain.payments import AskedPayment, ProviderPayment
from core.domain.statuses import PaymentStatus

GONE = (PaymentStatus.FAILED, PaymentStatus.VOIDED)
"""Nothing is held with it. A failed payment can still be confirmed by whoever has its secret."""


@asynccontextmanager
async def noting_silence(note: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Call ``note`` when the provider fails inside the block: what it did is unknown."""
    try:
        yield
    except ProviderError as error:
        await note()
        words = f"{error}; not known whether it had its effect, so that is asked first"
        raise ProviderError(words) from None


def require_asked(found: ProviderPayment, asked: AskedPayment) -> None:
    """Refuse to apply a payment that is not the one that was asked for, and not over.

    Raises:
        PaymentMismatchError: says what differs.
    """
    difference = found.differs_from(asked)
    if difference is not None and found.status not in GONE:
        raise PaymentMismatchError(
            f"the provider's payment {found.provider_payment_id or ''} is not applied: {difference}"
        )
