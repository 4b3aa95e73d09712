from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain.provider_books import (
    MoneyTransferStatus,
    MovementKind,
    ProviderDispute,
    ProviderMovement,
)
from core.domain.statuses import DisputeStatus
from core.gateways.stripe_events import SUBSCRIBED_EVENTS, event_of
from core.gateways.stripe_mapping_books import dispute_of, movement_of, transfer_of

MOST_TYPES_LISTED = 20


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": "txn_1",
        "amount": -1000,
        "fee": 1500,
        "created": 1_795_339_800,
        "currency": "eur",
        "type": "adjustment",
        "reporting_category": "dispute",
        "source": {
            "id": "du_1",
            "object": "dispute",
            "payment_intent": "pi_1",
            "metadata": {},
        },
    } | changes


def dispute(**changes: Any) -> dict[str, Any]:
    return {
        "id": "du_1",
        "amount": 1000,
        "balance_transactions": [{"id": "txn_1", "amount": -1000}],
        "created": 1_795_339_800,
        "currency": "eur",
        "evidence_details": {"due_by": 1_795_944_600, "submission_count": 0},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": "needs_response",
    } | changes


def test_movement_is_told_with_its_payment_and_what_is_left_of_it() -> None:
    movement = movement_of(entry())

    assert movement == ProviderMovement(
        movement_id="txn_1",
        kind=MovementKind.DISPUTE,
        source_id="du_1",
        currency="EUR",
        amount=-1000,
        fee=1500,
        occurred_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
        provider_payment_id="pi_1",
    )
    assert movement.net == -2500


@pytest.mark.parametrize(
    ("type_", "category", "kind"),
    [
        ("charge", "charge", MovementKind.CHARGE),
        ("payment", "charge", MovementKind.CHARGE),
        ("refund", "refund", MovementKind.REFUND),
        ("payment_refund", "refund", MovementKind.REFUND),
        ("refund_failure", "refund_failure", MovementKind.REFUND_FAILED),
        ("adjustment", "dispute", MovementKind.DISPUTE),
        ("adjustment", "dispute_reversal", MovementKind.DISPUTE_REVERSED),
        ("adjustment", "fee", MovementKind.FEE),
        ("adjustment", "other_adjustment", MovementKind.OTHER),
        ("transfer", "transfer", MovementKind.TRANSFER),
        ("transfer_refund", "transfer_reversal", MovementKind.TRANSFER_REVERSED),
        ("payout", "payout", MovementKind.PAYOUT),
        ("payout_failure", "payout_reversal", MovementKind.PAYOUT_FAILED),
        ("payout_cancel", "payout_reversal", MovementKind.PAYOUT_FAILED),
        ("stripe_fee", "fee", MovementKind.FEE),
        ("topup", "topup", MovementKind.OTHER),
        ("invented_tomorrow", "charge", MovementKind.OTHER),
    ],
)
def test_each_type_of_stripe_has_a_kind(type_: str, category: str, kind: MovementKind) -> None:
    assert movement_of(entry(type=type_, reporting_category=category)).kind is kind


@pytest.mark.parametrize(
    ("source", "source_id", "reference"),
    [
        ({"id": "ch_1", "metadata": {"order_id": "ord_1", "payment_id": "p"}}, "ch_1", "ord_1"),
        ({"id": "re_1", "metadata": {"refund_id": "rfd_1"}}, "re_1", "rfd_1"),
        ({"id": "tr_1", "metadata": {"reference": "stl_1"}}, "tr_1", "stl_1"),
        (
            {"id": "trr_1", "object": "transfer_reversal", "transfer": "tr_1", "metadata": {}},
            "tr_1",
            None,
        ),
        ({"id": "po_1", "metadata": None}, "po_1", None),
        ("ch_not_expanded", "ch_not_expanded", None),
        (None, "txn_1", None),
    ],
)
def test_movement_names_what_is_behind_it(
    source: object, source_id: str, reference: str | None
) -> None:
    movement = movement_of(entry(source=source))
    assert (movement.source_id, movement.reference) == (source_id, reference)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("warning_needs_response", DisputeStatus.NEEDS_RESPONSE),
        ("warning_under_review", DisputeStatus.UNDER_REVIEW),
        ("warning_closed", DisputeStatus.WON),
        ("prevented", DisputeStatus.WON),
        ("needs_response", DisputeStatus.NEEDS_RESPONSE),
        ("under_review", DisputeStatus.UNDER_REVIEW),
        ("won", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
        ("appeal_needs_response", DisputeStatus.NEEDS_RESPONSE),
        ("appeal_under_review", DisputeStatus.UNDER_REVIEW),
        ("invented_tomorrow", DisputeStatus.UNDER_REVIEW),
    ],
)
def test_each_status_of_a_dispute_has_one_of_ours(status: str, expected: DisputeStatus) -> None:
    assert dispute_of(dispute(status=status)).status is expected


def test_dispute_tells_its_deadline_and_whether_money_left() -> None:
    opened = dispute_of(dispute())
    inquiry = dispute_of(
        dispute(balance_transactions=[], evidence_details={"due_by": None, "submission_count": 1})
    )

    assert opened == ProviderDispute(
        provider_dispute_id="du_1",
        provider_payment_id="pi_1",
        status=DisputeStatus.NEEDS_RESPONSE,
        reason="fraudulent",
        currency="EUR",
        amount=1000,
        withdrawn=True,
        opened_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
        evidence_due_at=datetime(2026, 11, 29, 9, 30, tzinfo=UTC),
    )
    assert (inquiry.withdrawn, inquiry.evidence_due_at) == (False, None)
    assert inquiry.evidence_submitted


def test_transfer_has_failed_only_when_all_of_it_came_back() -> None:
    whole = {
        "id": "tr_1",
        "amount": 900,
        "currency": "eur",
        "destination": "acct_1",
        "metadata": {"reference": "stl_1"},
    }
    partly = transfer_of(whole | {"reversed": False, "amount_reversed": 400})
    back = transfer_of(whole | {"reversed": True, "amount_reversed": 900})

    assert (partly.status, partly.failure) == (MoneyTransferStatus.PAID, None)
    assert (back.status, back.failure) == (MoneyTransferStatus.FAILED, "reversed")


def test_subscribed_events_can_be_listed_in_one_request() -> None:
    assert len(set(SUBSCRIBED_EVENTS)) == len(SUBSCRIBED_EVENTS) <= MOST_TYPES_LISTED


@pytest.mark.parametrize(
    ("subject", "object_id", "reference"),
    [
        (
            {"id": "pi_1", "object": "payment_intent", "metadata": {"order_id": "ord_1"}},
            "pi_1",
            "ord_1",
        ),
        (
            {"id": "re_1", "payment_intent": "pi_1", "metadata": {"refund_id": "rfd_1"}},
            "pi_1",
            "rfd_1",
        ),
        (
            {"id": "du_1", "object": "dispute", "payment_intent": "pi_1", "metadata": {}},
            "pi_1",
            None,
        ),
        ({"id": "tr_1", "metadata": {"reference": "stl_1"}}, "tr_1", "stl_1"),
        ({"id": "po_1", "metadata": {}}, "po_1", None),
    ],
)
def test_event_names_the_payment_and_its_own_subject(
    subject: dict[str, Any], object_id: str, reference: str | None
) -> None:
    event = event_of({"id": "evt_1", "type": "made.up", "created": 5, "data": {"object": subject}})
    assert (event.object_id, event.reference) == (object_id, reference)
    assert event.payload["subject_id"] == subject["id"]
    of_dispute = subject.get("object") == "dispute"
    assert event.payload.get("dispute_id") == (subject["id"] if of_dispute else None)
