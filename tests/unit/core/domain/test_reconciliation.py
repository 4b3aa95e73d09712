"""No planted difference, none found; each planted one is found, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.payments import ProviderPayment
from core.domain.provider_books import MoneyTransferStatus, ProviderDispute, ProviderTransfer
from core.domain.reconciliation import DifferenceKind, RepairKind
from core.domain.reconciliation_grace import GRACE
from core.domain.reconciliation_others import (
    compare_balance,
    compare_dispute,
    compare_transfer,
    missing_transfer,
)
from core.domain.reconciliation_payments import (
    Rules,
    compare_payment,
    explained_by,
    missing_payment,
)
from core.domain.reconciliation_pictures import (
    Finding,
    MovedBack,
    OurDispute,
    OurOrder,
    OurPayment,
    OurTransfer,
    PlannedPart,
)
from core.domain.statuses import DisputeStatus, OrderStatus, PaymentStatus, SettlementStatus

QUIET = timedelta(days=1)
RULES = Rules()
ORDER = OurOrder(
    order_id="ord_1", status=OrderStatus.SHIPPED, under_way=False, quiet_for=timedelta(seconds=1)
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One payment on both sides, and what was given back of it."""

    theirs: ProviderPayment
    ours: OurPayment | None
    moved_back: tuple[MovedBack, ...] = ()
    order: OurOrder | None = field(default=ORDER)

    def findings(self, rules: Rules = RULES) -> list[Finding]:
        return compare_payment(
            self.theirs, self.ours, order=self.order, moved_back=self.moved_back, rules=rules
        )

    def kinds(self, rules: Rules = RULES) -> list[DifferenceKind]:
        return [one.kind for one in self.findings(rules)]

    def mine(self) -> OurPayment:
        assert self.ours is not None
        return self.ours


@st.composite
def agreeing(draw: st.DrawFn) -> Pair:
    """A payment of an order that is on its way, told in the same way on both sides."""
    amount = draw(st.integers(10, 100_000))
    captured = draw(st.integers(0, amount))
    is_open = captured < amount and draw(st.booleans())
    if not captured and not is_open:
        captured = amount
    refunded = draw(st.integers(0, captured))
    held = amount - captured if is_open else 0
    status = PaymentStatus.CAPTURED
    if is_open:
        status = PaymentStatus.PARTIALLY_CAPTURED if captured else PaymentStatus.AUTHORIZED
    planned = draw(st.integers(0, held))
    return Pair(
        theirs=ProviderPayment(
            provider_payment_id="pi_1",
            status=status,
            currency="USD",
            amount=amount,
            authorized_amount=amount,
            captured_amount=captured,
            refunded_amount=refunded,
            order_id="ord_1",
            payment_id="pay_1",
        ),
        ours=OurPayment(
            order=ORDER,
            payment_id="pay_1",
            provider_payment_id="pi_1",
            status=status,
            currency="USD",
            amount=amount,
            authorized=captured + held,
            captured=captured,
            refunded=refunded,
            planned=[PlannedPart(number=1, amount=planned)] if planned else [],
            refunds=frozenset({"re_1"}) if refunded else frozenset(),
        ),
        moved_back=(MovedBack(provider_refund_id="re_1", amount=refunded),) if refunded else (),
    )


def with_theirs(pair: Pair, **changes: object) -> Pair:
    return replace(pair, theirs=replace(pair.theirs, **changes))  # type: ignore[arg-type]  # any field


def with_ours(pair: Pair, **changes: object) -> Pair:
    return replace(pair, ours=replace(pair.mine(), **changes))  # type: ignore[arg-type]  # any field


def with_order(pair: Pair, status: OrderStatus) -> Pair:
    return with_ours(pair, order=replace(ORDER, status=status))


def captured(pair: Pair) -> Pair:
    """All of it taken on both sides, nothing given back."""
    amount = pair.theirs.amount
    done = with_theirs(
        pair, status=PaymentStatus.CAPTURED, captured_amount=amount, refunded_amount=0
    )
    return replace(
        with_ours(
            done,
            status=PaymentStatus.CAPTURED,
            authorized=amount,
            captured=amount,
            refunded=0,
            planned=[],
        ),
        moved_back=(),
    )


def authorized(pair: Pair) -> Pair:
    """Held on both sides, nothing taken."""
    amount = pair.theirs.amount
    held = with_theirs(pair, status=PaymentStatus.AUTHORIZED, captured_amount=0, refunded_amount=0)
    return replace(
        with_ours(
            held,
            status=PaymentStatus.AUTHORIZED,
            authorized=amount,
            captured=0,
            refunded=0,
            planned=[],
            refunds=frozenset(),
        ),
        moved_back=(),
    )


def refunded_by_somebody(pair: Pair) -> Pair:
    back = MovedBack(provider_refund_id="re_2", amount=3)
    return replace(with_theirs(captured(pair), refunded_amount=3), moved_back=(back,))


def taken_as_planned(pair: Pair) -> Pair:
    """The provider took the second of two planned parts."""
    parts = [PlannedPart(number=1, amount=3), PlannedPart(number=2, amount=5)]
    held = with_ours(authorized(pair), planned=parts)
    return with_theirs(held, captured_amount=5, status=PaymentStatus.PARTIALLY_CAPTURED)


PLANTS: dict[DifferenceKind, Callable[[Pair], Pair]] = {
    DifferenceKind.UNKNOWN_PAYMENT: lambda pair: replace(authorized(pair), ours=None, order=None),
    DifferenceKind.UNWANTED_PAYMENT: lambda pair: with_order(
        authorized(pair), OrderStatus.CANCELED
    ),
    DifferenceKind.STATE: lambda pair: with_theirs(authorized(pair), status=PaymentStatus.VOIDED),
    DifferenceKind.LOST_CAPTURE: taken_as_planned,
    DifferenceKind.CAPTURED_AMOUNT: lambda pair: with_theirs(
        authorized(pair), captured_amount=5, status=PaymentStatus.PARTIALLY_CAPTURED
    ),
    DifferenceKind.REFUNDED_AMOUNT: lambda pair: with_theirs(captured(pair), refunded_amount=7),
    DifferenceKind.UNKNOWN_REFUND: refunded_by_somebody,
    DifferenceKind.AMOUNT: lambda pair: with_ours(authorized(pair), amount=pair.theirs.amount + 1),
    DifferenceKind.CURRENCY: lambda pair: with_ours(authorized(pair), currency="EUR"),
}


@given(agreeing())
def test_books_that_agree_have_no_difference(pair: Pair) -> None:
    assert pair.findings() == []


@pytest.mark.parametrize("kind", PLANTS)
@given(pair=agreeing())
def test_planted_difference_is_found_and_nothing_else(kind: DifferenceKind, pair: Pair) -> None:
    assert PLANTS[kind](pair).kinds() == [kind]


@given(pair=agreeing())
def test_second_payment_of_a_paid_order_is_unwanted(pair: Pair) -> None:
    second = replace(authorized(pair), ours=None)
    (found,) = second.findings()
    assert (found.kind, found.repair) == (
        DifferenceKind.UNWANTED_PAYMENT,
        RepairKind.VOID_PAYMENT,
    )
    assert (found.order_id, found.amount, found.on_balance) == ("ord_1", pair.theirs.amount, 0)


@given(pair=agreeing())
def test_stray_payment_that_was_let_go_is_none(pair: Pair) -> None:
    gone = with_theirs(replace(authorized(pair), ours=None), status=PaymentStatus.VOIDED)
    assert gone.findings() == []
    assert replace(gone, order=None).findings() == []


@given(pair=agreeing(), status=st.sampled_from([OrderStatus.CONFIRMED, OrderStatus.PROCESSING]))
def test_what_is_under_way_may_differ_for_the_grace(pair: Pair, status: OrderStatus) -> None:
    lost = taken_as_planned(pair)
    young = with_ours(
        lost, order=replace(ORDER, status=status, quiet_for=GRACE - timedelta(seconds=1))
    )
    old = with_ours(lost, order=replace(ORDER, status=status, quiet_for=GRACE))
    assert young.kinds() == []
    assert old.kinds() == [DifferenceKind.LOST_CAPTURE]


@given(pair=agreeing(), asked=st.integers(1, 9))
def test_refund_that_is_asked_for_may_be_done_already(pair: Pair, asked: int) -> None:
    paid = with_ours(captured(pair), refunding=asked)
    assert with_theirs(paid, refunded_amount=asked).kinds() == []
    assert with_theirs(paid, refunded_amount=asked + 1).kinds() == [DifferenceKind.REFUNDED_AMOUNT]


@given(pair=agreeing())
def test_rest_that_the_provider_let_go_is_a_state_missed(pair: Pair) -> None:
    half = with_ours(authorized(pair), captured=4, status=PaymentStatus.PARTIALLY_CAPTURED)
    over = with_theirs(half, captured_amount=4, status=PaymentStatus.CAPTURED)
    (found,) = over.findings()
    assert found.kind is DifferenceKind.STATE
    assert found.amount == 4 - pair.theirs.amount


def at_once(pair: Pair) -> Pair:
    """The same payment at a provider without authorizations: taken, nothing sent yet."""
    held = with_theirs(authorized(pair), taken_at_once=True)
    return with_ours(held, taken_at_once=True)


@given(pair=agreeing(), sent=st.integers(0, 10))
def test_capture_is_our_own_fact_without_authorizations(pair: Pair, sent: int) -> None:
    taken = with_ours(at_once(pair), captured=sent)
    assert taken.kinds() == []
    given_up = with_ours(taken, authorized=pair.theirs.amount - 3)
    (found,) = given_up.findings()
    assert (found.kind, found.amount, found.on_balance) == (
        DifferenceKind.REFUNDED_AMOUNT,
        -3,
        3,
    )
    assert with_theirs(given_up, authorized_amount=pair.theirs.amount - 3).kinds() == []


@given(pair=agreeing())
def test_money_taken_at_once_is_on_the_balance(pair: Pair) -> None:
    amount = pair.theirs.amount
    (unknown,) = replace(at_once(pair), ours=None, order=None).findings()
    assert (unknown.kind, unknown.on_balance) == (DifferenceKind.UNKNOWN_PAYMENT, amount)
    missing = missing_payment(at_once(pair).mine(), rules=RULES)
    assert missing is not None
    assert (missing.amount, missing.on_balance) == (-amount, -amount)
    gone = with_theirs(at_once(pair), status=PaymentStatus.VOIDED, authorized_amount=0)
    assert gone.kinds() == [DifferenceKind.STATE]


@given(pair=agreeing())
def test_payment_that_the_provider_does_not_know_is_missing(pair: Pair) -> None:
    ours = captured(pair).mine()
    found = missing_payment(ours, rules=RULES)
    assert found is not None
    assert (found.subject, found.amount, found.on_balance) == ("pi_1", -ours.amount, -ours.amount)
    assert missing_payment(replace(ours, status=PaymentStatus.FAILED), rules=RULES) is None


@given(st.lists(st.integers(1, 50), max_size=6), st.integers(1, 300))
def test_parts_explain_an_excess_exactly_or_not_at_all(amounts: list[int], excess: int) -> None:
    parts = [PlannedPart(number=n, amount=amount) for n, amount in enumerate(amounts, 1)]
    found = explained_by(excess, parts)
    assert sum(part.amount for part in found) in {0, excess}
    assert bool(explained_by(sum(amounts), parts)) is bool(amounts)


DISPUTE = ProviderDispute(
    provider_dispute_id="dp_1",
    provider_payment_id="pi_1",
    status=DisputeStatus.NEEDS_RESPONSE,
    reason="fraudulent",
    currency="USD",
    amount=500,
    withdrawn=True,
    opened_at=datetime(2026, 11, 1, tzinfo=UTC),
)
OUR_DISPUTE = OurDispute(
    dispute_id="dsp_1",
    order_id="ord_1",
    payment_id="pay_1",
    status=DisputeStatus.NEEDS_RESPONSE,
    amount=500,
    withdrawn=True,
    quiet_for=QUIET,
)


def test_dispute_is_unknown_or_told_otherwise_or_the_same() -> None:
    unknown = compare_dispute(DISPUTE, None, payment=None, grace=GRACE)
    assert unknown is not None
    assert (unknown.kind, unknown.repair, unknown.on_balance) == (
        DifferenceKind.UNKNOWN_DISPUTE,
        RepairKind.BY_HAND,
        -500,
    )
    assert compare_dispute(DISPUTE, OUR_DISPUTE, payment=None, grace=GRACE) is None
    won = replace(DISPUTE, status=DisputeStatus.WON)
    told = compare_dispute(won, OUR_DISPUTE, payment=None, grace=GRACE)
    assert told is not None
    assert told.kind is DifferenceKind.DISPUTE_STATE
    fresh = replace(OUR_DISPUTE, quiet_for=timedelta(0))
    assert compare_dispute(won, fresh, payment=None, grace=GRACE) is None


TRANSFER = ProviderTransfer(
    provider_transfer_id="tr_1",
    status=MoneyTransferStatus.PAID,
    currency="USD",
    amount=700,
    destination="acct_1",
    reference="stl_1",
)
OUR_TRANSFER = OurTransfer(
    settlement_id="stl_1",
    reference="stl_1",
    provider_transfer_id="tr_1",
    status=SettlementStatus.PAID,
    currency="USD",
    amount=700,
    quiet_for=QUIET,
)


def test_transfer_is_unknown_or_missing_or_the_same() -> None:
    assert compare_transfer(TRANSFER, OUR_TRANSFER) is None
    unknown = compare_transfer(TRANSFER, None)
    assert unknown is not None
    assert (unknown.kind, unknown.amount, unknown.on_balance) == (
        DifferenceKind.UNKNOWN_TRANSFER,
        700,
        -700,
    )
    failed = replace(TRANSFER, status=MoneyTransferStatus.FAILED)
    assert compare_transfer(failed, None) is None
    assert missing_transfer(OUR_TRANSFER, TRANSFER, grace=GRACE) is None
    missing = missing_transfer(OUR_TRANSFER, failed, grace=GRACE)
    assert missing is not None
    assert (missing.kind, missing.subject, missing.on_balance) == (
        DifferenceKind.MISSING_TRANSFER,
        "stl_1",
        700,
    )
    young = replace(OUR_TRANSFER, quiet_for=timedelta(0))
    assert missing_transfer(young, None, grace=GRACE) is None


@given(st.integers(), st.integers())
def test_balance_differs_by_what_one_side_has_more(provider: int, ledger: int) -> None:
    found = compare_balance("USD", provider=provider, ledger=ledger)
    assert (found.amount if found else 0) == provider - ledger
