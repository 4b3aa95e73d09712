"""Which provider takes a payment: the client's choice, or that of the shop's rules."""

from __future__ import annotations

from api.schemas.checkout import PaymentChoice
from core.domain.errors import FieldError, InvalidRequestError
from core.domain.payment_rules import choose_provider
from core.resources import Resources

_POINTER = "/payment/provider"


def provider_for(
    resources: Resources, choice: PaymentChoice, *, currency: str, country: str
) -> str:
    """Return the provider of a new order's payment.

    Raises:
        InvalidRequestError: it is not one of this shop's, or does not take the currency.
    """
    rules = resources.settings.payments
    provider = choice.provider or choose_provider(
        rules.rules_in_use, currency=currency, country=country, default=rules.default_provider
    )
    require_provider(resources, provider, currency=currency)
    return provider


def require_provider(resources: Resources, provider: str, *, currency: str) -> None:
    """Refuse a provider that cannot take a payment.

    Raises:
        InvalidRequestError: it is not one of this shop's, or does not take the currency.
    """
    gateway = resources.payments.get(provider)
    if gateway is None:
        known = ", ".join(sorted(resources.payments))
        raise _refusal(f"not a provider of this shop; it has {known}")
    taken = gateway.capabilities.currencies
    if taken and currency not in taken:
        raise _refusal(f"{provider} takes {', '.join(sorted(taken))}, not {currency}")


def _refusal(detail: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError(pointer=_POINTER, detail=detail)])
