from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.payments import PaymentFigures, settled_status, summary_of
from core.domain.statuses import PaymentStatus


def figures(
    status: str, authorized: int = 0, captured: int = 0, refunded: int = 0, disputed: int = 0
) -> PaymentFigures:
    return PaymentFigures(
        status=PaymentStatus(status),
        authorized=authorized,
        captured=captured,
        refunded=refunded,
        disputed=disputed,
    )


@pytest.mark.parametrize(
    ("payments", "summary"),
    [
        ([figures("pending")], "pending"),
        ([figures("unknown")], "unknown"),
        ([figures("requires_action")], "requires_action"),
        ([figures("failed")], "failed"),
        ([figures("authorized", 100)], "authorized"),
        ([figures("voided", 100)], "voided"),
        ([figures("partially_captured", 100, 40)], "partially_captured"),
        ([figures("captured", 100, 100)], "captured"),
        ([figures("partially_refunded", 100, 100, 30)], "partially_refunded"),
        ([figures("refunded", 100, 100, 100)], "refunded"),
        ([figures("disputed", 100, 100)], "disputed"),
        ([figures("voided", 100), figures("pending")], "pending"),
        ([figures("voided", 100), figures("requires_action")], "requires_action"),
        ([figures("voided", 100), figures("failed")], "voided"),
        ([figures("voided", 100), figures("authorized", 100)], "authorized"),
        ([figures("authorized", 100), figures("requires_action")], "authorized"),
        ([figures("captured", 40, 40), figures("failed")], "captured"),
        ([figures("captured", 40, 40), figures("pending")], "partially_captured"),
        ([figures("captured", 40, 40), figures("authorized", 60)], "partially_captured"),
        ([figures("captured", 40, 40), figures("captured", 60, 60)], "captured"),
        ([figures("refunded", 40, 40, 40), figures("captured", 60, 60)], "partially_refunded"),
        ([figures("refunded", 40, 40, 40), figures("authorized", 60)], "partially_refunded"),
        ([figures("refunded", 40, 40, 40), figures("refunded", 60, 60, 60)], "refunded"),
        ([figures("captured", 100, 100), figures("disputed", 5, 5)], "disputed"),
        ([figures("partially_refunded", 100, 100, 0, 40)], "partially_refunded"),
        ([figures("refunded", 100, 100, 60, 40)], "refunded"),
        ([figures("refunded", 40, 40, 40, 40), figures("captured", 60, 60)], "partially_refunded"),
    ],
)
def test_payments_of_an_order_sum_up_to_one_status(
    payments: list[PaymentFigures], summary: str
) -> None:
    assert summary_of(payments) == summary


def test_order_without_a_payment_has_no_status() -> None:
    with pytest.raises(ValueError, match="has a payment"):
        summary_of([])


@pytest.mark.parametrize(
    ("authorized", "captured", "refunded", "status"),
    [
        (100, 0, 0, "authorized"),
        (100, 40, 0, "partially_captured"),
        (100, 100, 0, "captured"),
        (40, 40, 0, "captured"),
        (100, 40, 40, "partially_refunded"),
        (40, 40, 40, "refunded"),
        (100, 100, 1, "partially_refunded"),
    ],
)
def test_amounts_give_a_payment_its_status(
    authorized: int, captured: int, refunded: int, status: str
) -> None:
    assert settled_status(figures("authorized", authorized, captured, refunded)) == status


@pytest.mark.parametrize(
    ("refunded", "disputed", "status"),
    [
        (0, 40, "partially_refunded"),
        (60, 40, "refunded"),
        (0, 100, "refunded"),
        (100, 100, "refunded"),
    ],
)
def test_lost_dispute_counts_as_given_back(refunded: int, disputed: int, status: str) -> None:
    assert settled_status(figures("captured", 100, 100, refunded, disputed)) == status


def test_disputed_payment_stays_disputed() -> None:
    assert settled_status(figures("disputed", 100, 100, 100)) == "disputed"


@given(st.integers(1, 100), st.data())
def test_single_payment_sums_up_to_itself(authorized: int, data: st.DataObject) -> None:
    captured = data.draw(st.integers(0, authorized))
    refunded = data.draw(st.integers(0, captured))
    lost = data.draw(st.integers(0, captured))
    one = figures("authorized", authorized, captured, refunded, lost)
    settled = figures(settled_status(one), authorized, captured, refunded, lost)

    assert summary_of([settled]) is settled.status
