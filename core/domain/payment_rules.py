"""Which provider takes a payment when the client does not say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderRule:
    """Payments in ``currency`` (ISO 4217) for orders to ``country`` (ISO 3166); None is any."""

    provider: str
    currency: str | None = None
    country: str | None = None

    def fits(self, *, currency: str, country: str) -> bool:
        return self.currency in {None, currency} and self.country in {None, country}


def choose_provider(
    rules: Iterable[ProviderRule], *, currency: str, country: str, default: str
) -> str:
    """Return the provider of the first rule that fits, or the default."""
    for rule in rules:
        if rule.fits(currency=currency, country=country):
            return rule.provider
    return default
