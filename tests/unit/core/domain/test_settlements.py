from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidStateError
from core.domain.ids import Prefix, is_id, issued_at
from core.domain.ledger import Account, PostingKind
from core.domain.settlements import (
    Line,
    LineKind,
    TransferAttempt,
    approvals_needed,
    kind_of,
    require_approver,
    settlement_id,
    settlement_of,
    total,
    transfer_key,
    transfer_reference,
)
from core.domain.statuses import SettlementStatus

END = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
VENDOR = "ven_01jd7x9k2me8kv1qzr5t0w3y4b"
AMOUNTS = st.integers(-(2**50), 2**50)
LINES = st.builds(Line, kind=st.sampled_from(LineKind), net=AMOUNTS, commission=AMOUNTS)


@given(st.lists(LINES))
def test_parts_of_a_settlement_add_up_to_its_lines(lines: list[Line]) -> None:
    sums = total(lines)

    assert sums.amount == sum(line.net for line in lines)
    assert sums.commission == sum(line.commission for line in lines)
    assert sums.sales == sum(line.gross for line in lines if line.kind is LineKind.SALE)


def test_settlement_has_one_id_of_its_vendor_currency_and_end() -> None:
    ids = {
        settlement_id(VENDOR, "USD", END),
        settlement_id(VENDOR, "USD", END.replace(microsecond=7)),
        settlement_id(VENDOR, "EUR", END),
        settlement_id(VENDOR, "USD", END.replace(minute=31)),
    }

    assert len(ids) == 3
    assert all(is_id(Prefix.SETTLEMENT, one) for one in ids)
    assert issued_at(settlement_id(VENDOR, "USD", END)) == int(END.timestamp())


@pytest.mark.parametrize(("amount", "people"), [(1, 0), (99, 0), (100, 1), (1_000, 1), (1_001, 2)])
def test_amount_says_how_many_people_approve(amount: int, people: int) -> None:
    assert approvals_needed(amount, automatic=100, two_person=1_000) == people


@pytest.mark.parametrize(
    ("actor", "needed", "approvers", "status"),
    [
        ("ada", 1, [], SettlementStatus.APPROVED),
        ("ada", 2, ["ada"], SettlementStatus.AWAITING_APPROVAL),
        ("maker", 1, [], SettlementStatus.AWAITING_APPROVAL),
    ],
)
def test_approval_that_does_not_count_is_refused(
    actor: str, needed: int, approvers: list[str], status: SettlementStatus
) -> None:
    with pytest.raises(InvalidStateError):
        require_approver(
            actor, status=status, needed=needed, approvers=approvers, created_by="maker"
        )


@pytest.mark.parametrize(
    ("actor", "needed", "approvers"), [("ada", 1, []), ("maker", 2, []), ("maker", 2, ["ada"])]
)
def test_approval_by_somebody_who_may_counts(actor: str, needed: int, approvers: list[str]) -> None:
    require_approver(
        actor,
        status=SettlementStatus.AWAITING_APPROVAL,
        needed=needed,
        approvers=approvers,
        created_by="maker",
    )


def test_each_attempt_to_pay_has_its_own_reference_and_key() -> None:
    assert [transfer_reference("stl_1", attempt) for attempt in (1, 2)] == ["stl_1", "stl_1-2"]
    assert transfer_key("stl_1", 2) == "settlement:stl_1-2"
    assert {settlement_of(reference) for reference in ("stl_1", "stl_1-2")} == {"stl_1"}


def test_payment_that_came_back_is_the_reverse_of_what_was_sent() -> None:
    attempt = TransferAttempt(
        settlement_id="stl_1",
        attempt=2,
        vendor_id=VENDOR,
        provider="stripe",
        currency="USD",
        amount=700,
    )
    sent, back = attempt.sent(), attempt.came_back()

    assert (sent.key, back.key) == ("stl_1:transfer:2", "stl_1:transfer_failed:2")
    assert {(leg.account, leg.holder): leg.amount for leg in sent.legs} == {
        (Account.VENDOR_PAYABLE, VENDOR): 700,
        (Account.PROVIDER_BALANCE, "stripe"): -700,
    }
    assert {(leg.account, leg.amount) for leg in back.legs} == {
        (leg.account, -leg.amount) for leg in sent.legs
    }


def test_every_posting_is_something_for_a_vendor() -> None:
    assert kind_of(PostingKind.CAPTURE) is LineKind.SALE
    assert kind_of(PostingKind.REFUND_FAILED) is LineKind.REFUND
    assert kind_of(PostingKind.DISPUTE_OPENED) is LineKind.DISPUTE
    assert kind_of(PostingKind.ADJUSTMENT) is LineKind.ADJUSTMENT
