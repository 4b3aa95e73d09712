"""Which provider takes which payment: the section ``payments`` of the settings."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from core.domain.payment_rules import ProviderRule
from core.section import Section


class PaymentSettings(Section):
    """``rules`` choose when the client does not."""

    providers: tuple[str, ...] = Field(
        default=("stripe", "paystack"), description="JSON list; those that are in use"
    )
    default_provider: str = Field(
        default="stripe", description="takes what no rule gives to another"
    )
    rules: tuple[ProviderRule, ...] = Field(
        default=tuple(
            ProviderRule(currency=currency, provider="paystack")
            for currency in ("GHS", "KES", "NGN", "XOF", "ZAR")
        ),
        description="JSON list of {currency?, country?, provider}; the first that fits decides",
    )
    return_url: str = Field(
        default="http://127.0.0.1:18080/v1/orders/{order_id}",
        description="where a provider's page leads its customer back to; {order_id} is replaced",
    )

    @model_validator(mode="after")
    def _require_providers_in_use(self) -> Self:
        rules = self.rules if "rules" in self.model_fields_set else ()
        named = {self.default_provider, *(rule.provider for rule in rules)}
        unused = sorted(named - set(self.providers))
        if unused:
            raise ValueError(f"not among the providers in use: {', '.join(unused)}")
        return self

    @property
    def rules_in_use(self) -> tuple[ProviderRule, ...]:
        """Those whose provider is in use: the defaults name one that a shop may not have."""
        return tuple(rule for rule in self.rules if rule.provider in self.providers)
