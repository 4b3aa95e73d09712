from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.reconciliation_grace import GRACE
from core.domain.statuses import OrderStatus, PaymentStatus
from deploy.verification.provider import Charge, Comparison, Payment

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORDER = "ord_01jgfjjz00e008000000000001"

CHARGE = Charge(
    id="pi_1",
    order_id=ORDER,
    amount=4998,
    currency="USD",
    status="requires_capture",
    captured=0,
    refunded=0,
    idempotency_key=f"{ORDER}:authorize:1",
    created=NOW,
)
PAYMENT = Payment(
    order_id=ORDER,
    order_status=OrderStatus.CONFIRMED,
    under_way=False,
    updated_at=NOW,
    payment_id="pay_1",
    provider_payment_id="pi_1",
    status=PaymentStatus.AUTHORIZED,
    amount=4998,
    currency="USD",
    captured=0,
    refunded=0,
)


def compared(
    charges: Sequence[Charge], payments: Sequence[Payment]
) -> tuple[dict[str, int], dict[str, int]]:
    """Names of checks with broken rows, and with rows in flight."""
    checks = Comparison(charges, payments, now=NOW).checks()
    return (
        {check.name: len(check.broken) for check in checks if check.broken},
        {check.name: len(check.in_flight) for check in checks if check.in_flight},
    )


def test_equal_ledgers_break_nothing() -> None:
    declined = replace(CHARGE, id="pi_2", order_id="ord_2", status="failed", idempotency_key=None)
    assert compared([CHARGE, declined], [PAYMENT]) == ({}, {})


def test_charge_that_no_order_knows_is_broken() -> None:
    assert compared([CHARGE], []) == ({"provider_success_has_order": 1}, {})


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION])
def test_charge_of_a_young_checkout_is_in_flight(status: OrderStatus) -> None:
    unanswered = replace(
        PAYMENT, order_status=status, status=PaymentStatus.PENDING, provider_payment_id=None
    )
    assert compared([CHARGE], [unanswered]) == ({}, {"provider_success_has_order": 1})


def test_charge_of_a_checkout_that_is_15_minutes_old_is_broken() -> None:
    stuck = replace(
        PAYMENT,
        order_status=OrderStatus.PENDING,
        under_way=True,
        status=PaymentStatus.PENDING,
        provider_payment_id=None,
        updated_at=NOW - GRACE,
    )
    assert compared([CHARGE], [stuck]) == ({"provider_success_has_order": 1}, {})


def test_payment_that_the_provider_does_not_have_is_broken() -> None:
    assert compared([], [PAYMENT]) == ({"payment_has_provider_success": 1}, {})


def test_charge_let_go_is_in_flight_for_as_long_as_a_cancellation_takes() -> None:
    voided = replace(CHARGE, status="canceled")
    shipped = replace(PAYMENT, order_status=OrderStatus.SHIPPED)
    old = replace(PAYMENT, updated_at=NOW - GRACE)

    assert compared([voided], [PAYMENT]) == ({}, {"payment_has_provider_success": 1})
    assert compared([voided], [shipped]) == ({"payment_has_provider_success": 1}, {})
    assert compared([voided], [old]) == ({"payment_has_provider_success": 1}, {})


def test_order_charged_twice_is_broken_with_both_charges() -> None:
    second = replace(CHARGE, id="pi_2", idempotency_key=f"{ORDER}:authorize:2")
    broken, _ = compared([CHARGE, second], [PAYMENT])
    assert broken == {"provider_success_has_order": 1, "one_live_charge_per_order": 2}


def test_order_with_two_payments_and_their_charges_breaks_nothing() -> None:
    more = replace(CHARGE, id="pi_2", amount=700, idempotency_key=f"{ORDER}:authorize:2")
    second = replace(PAYMENT, payment_id="pay_2", provider_payment_id="pi_2", amount=700)
    assert compared([CHARGE, more], [PAYMENT, second]) == ({}, {})


def test_live_charge_of_a_payment_let_go_is_broken_beside_the_renewal() -> None:
    renewed = replace(CHARGE, id="pi_2", idempotency_key=f"{ORDER}:authorize:2")
    lapsed = replace(PAYMENT, status=PaymentStatus.VOIDED)
    second = replace(PAYMENT, payment_id="pay_2", provider_payment_id="pi_2")
    broken, _ = compared([CHARGE, renewed], [lapsed, second])
    assert broken == {"one_live_charge_per_order": 2}


def test_stray_charge_that_was_given_back_breaks_nothing() -> None:
    given_back = replace(
        CHARGE,
        id="pi_2",
        status="succeeded",
        captured=4998,
        refunded=4998,
        idempotency_key=None,
    )
    ended = replace(
        PAYMENT,
        order_status=OrderStatus.CANCELED,
        status=PaymentStatus.VOIDED,
        provider_payment_id="pi_2",
    )
    assert compared([CHARGE, given_back], [PAYMENT]) == ({}, {})
    assert compared([given_back], [ended]) == ({}, {})


@pytest.mark.parametrize(("refunded", "broken"), [(0, 0), (100, 0), (101, 1)])
def test_refund_that_is_asked_for_may_be_done_already(refunded: int, broken: int) -> None:
    charge = replace(CHARGE, status="succeeded", captured=4998, refunded=refunded)
    delivered = replace(
        PAYMENT,
        order_status=OrderStatus.DELIVERED,
        status=PaymentStatus.CAPTURED,
        captured=4998,
        refunding=100,
    )
    found, _ = compared([charge], [delivered])
    assert found == ({"provider_refunded": broken} if broken else {})


def test_second_charge_that_was_refunded_is_not_alive() -> None:
    refunded = replace(CHARGE, status="succeeded", captured=4998, refunded=4998)
    assert not refunded.is_live
    assert replace(refunded, refunded=4997).is_live


@pytest.mark.parametrize("status", [OrderStatus.FAILED, OrderStatus.CANCELED])
def test_ended_order_with_a_live_charge_is_broken_at_once(status: OrderStatus) -> None:
    ended = replace(PAYMENT, order_status=status, status=PaymentStatus.VOIDED)
    assert compared([CHARGE], [ended]) == ({"ended_order_has_no_live_charge": 1}, {})


def test_one_key_with_two_charges_is_broken() -> None:
    second = replace(CHARGE, id="pi_2", status="failed")
    assert compared([CHARGE, second], [PAYMENT]) == ({"one_key_one_charge": 1}, {})


@pytest.mark.parametrize("change", [{"amount": 4999}, {"currency": "EUR"}])
def test_other_amount_or_currency_is_broken(change: dict[str, Any]) -> None:
    shipped = replace(PAYMENT, order_status=OrderStatus.SHIPPED)
    assert compared([replace(CHARGE, **change)], [shipped]) == ({"provider_amount": 1}, {})


@pytest.mark.parametrize(
    ("status", "broken", "in_flight"),
    [
        (OrderStatus.PROCESSING, {}, {"provider_captured": 1}),
        (OrderStatus.SHIPPED, {"provider_captured": 1}, {}),
    ],
)
def test_capture_not_yet_recorded_is_in_flight_until_the_parcel_left(
    status: OrderStatus, broken: dict[str, int], in_flight: dict[str, int]
) -> None:
    captured = replace(CHARGE, status="succeeded", captured=4998)
    order = replace(PAYMENT, order_status=status)
    assert compared([captured], [order]) == (broken, in_flight)


def test_refund_that_is_not_recorded_is_broken() -> None:
    refunded = replace(CHARGE, status="succeeded", captured=4998, refunded=100)
    delivered = replace(
        PAYMENT,
        order_status=OrderStatus.DELIVERED,
        status=PaymentStatus.CAPTURED,
        captured=4998,
    )
    assert compared([refunded], [delivered]) == ({"provider_refunded": 1}, {})
