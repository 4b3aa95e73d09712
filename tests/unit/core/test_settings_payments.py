from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.domain.payment_rules import ProviderRule, choose_provider
from core.settings_payments import PaymentSettings


def chosen(settings: PaymentSettings, currency: str) -> str:
    return choose_provider(
        settings.rules_in_use, currency=currency, country="NG", default=settings.default_provider
    )


def test_african_currencies_go_to_paystack_and_others_to_the_default() -> None:
    settings = PaymentSettings()

    assert [chosen(settings, currency) for currency in ("NGN", "ZAR", "USD")] == [
        "paystack",
        "paystack",
        "stripe",
    ]


def test_shop_without_paystack_needs_no_rules_of_its_own() -> None:
    assert chosen(PaymentSettings(providers=("stripe",)), "NGN") == "stripe"


def test_rule_for_a_provider_that_is_not_in_use_is_refused() -> None:
    with pytest.raises(ValidationError, match="not among the providers in use: paystack"):
        PaymentSettings(providers=("stripe",), rules=(ProviderRule(provider="paystack"),))
