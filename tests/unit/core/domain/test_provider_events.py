from __future__ import annotations

import pytest

from core.domain.payments import AskedPayment, ProviderPayment
from core.domain.provider_events import is_news
from core.domain.statuses import PaymentStatus

ASKED = AskedPayment(order_id="ord_1", payment_id="pay_1", amount=500, currency="USD")


def found(status: PaymentStatus, **more: object) -> ProviderPayment:
    facts: dict[str, object] = {
        "provider_payment_id": "pi_1",
        "currency": "USD",
        "amount": 500,
        "order_id": "ord_1",
        "payment_id": "pay_1",
    }
    return ProviderPayment(status=status, **{**facts, **more})  # type: ignore[arg-type]  # any of its fields


@pytest.mark.parametrize(
    ("told", "recorded", "news"),
    [
        (PaymentStatus.AUTHORIZED, None, True),
        (PaymentStatus.FAILED, None, False),
        (PaymentStatus.REQUIRES_ACTION, None, False),
        (PaymentStatus.AUTHORIZED, "pending", True),
        (PaymentStatus.AUTHORIZED, "unknown", True),
        (PaymentStatus.AUTHORIZED, "captured", False),
        (PaymentStatus.CAPTURED, "authorized", True),
        (PaymentStatus.PARTIALLY_CAPTURED, "partially_captured", False),
        (PaymentStatus.VOIDED, "authorized", True),
        (PaymentStatus.VOIDED, "failed", False),
        (PaymentStatus.PENDING, "unknown", False),
    ],
)
def test_payment_is_news_when_it_is_further_than_its_row(
    told: PaymentStatus,
    recorded: str | None,
    news: bool,  # noqa: FBT001  # what is expected
) -> None:
    assert is_news(found(told), status=recorded, refunded=0) is news


def test_money_that_went_back_is_news_until_it_is_recorded() -> None:
    refunded = found(PaymentStatus.CAPTURED, refunded_amount=100)
    assert is_news(refunded, status="captured", refunded=0)
    assert not is_news(refunded, status="partially_refunded", refunded=100)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, None),
        ({"order_id": "ord_2"}, "it was made for ord_2"),
        ({"order_id": None}, "it was made for no order of ours"),
        ({"payment_id": None}, "it is not ours: it names no payment"),
        ({"payment_id": "pay_2"}, "it is not ours: it names pay_2"),
        ({"currency": "EUR"}, "it is in EUR instead of USD"),
        ({"amount": 501}, "it is of 501 USD instead of 500"),
    ],
)
def test_payment_that_was_not_asked_for_says_why(
    other: dict[str, object], words: str | None
) -> None:
    assert found(PaymentStatus.AUTHORIZED, **other).differs_from(ASKED) == words
