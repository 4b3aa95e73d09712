"""Steps of disputes run twice: one effect at the bank, one posting, one entry."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from activities.disputes import GatewayDisputeActivities
from core.domain.errors import ProviderRejectedError
from core.domain.ledger import Account, Posting, PostingKind, credit, debit
from core.domain.provider_books import Evidence
from models.repositories import disputes, ledger
from tests.disputing import FIELDS, balances, dispute_of, drafted, sold_by
from tests.integration.activities.test_all_twice import Desk, desk
from tests.shop import PRICE, SHIPPING
from workflows import workflow_ids
from workflows.ports.disputes import (
    AcceptDispute,
    DisputeRef,
    RemindOfEvidence,
    SubmitEvidence,
)

__all__ = ["desk"]
STAFF = "staff:usr_test"
TOTAL = 2 * PRICE + SHIPPING
BEFORE = {"provider_balance": TOTAL, "vendor_payable": -2 * PRICE}
DUE = datetime(2026, 12, 7, 12, tzinfo=UTC)


def steps_of(desk: Desk) -> GatewayDisputeActivities:
    resources = desk.resources
    return GatewayDisputeActivities(
        resources.database, resources.payments, resources.temporal, resources.settings.disputes
    )


async def disputed(desk: Desk, **more: int | str | bool) -> DisputeRef:
    """An order that was paid for, and whose bank disputes it; nobody has looked."""
    order_id, _ = await desk.gone(await desk.shop.stock_up(5))
    await sold_by(desk.shop, order_id, goods=2 * PRICE, shipping=SHIPPING)
    payment = await desk.shop.payment(order_id)
    found = await desk.control.dispute(payment["provider_payment_id"], **more)
    return DisputeRef(
        order_id=order_id,
        payment_id=payment["id"],
        dispute_id=disputes.id_of(order_id, found),
        provider_dispute_id=found,
    )


async def events(desk: Desk, ref: DisputeRef) -> list[str]:
    entries = await desk.shop.events(ref.order_id)
    return [one for one in entries if one.startswith("dispute.")]


async def test_dispute_is_opened_reminded_of_answered_and_won_once(desk: Desk) -> None:
    steps, ref = steps_of(desk), await disputed(desk, amount=1000)

    state = await desk.twice(steps.look_at_dispute, ref)
    assert (state.status, state.wants_evidence) == ("needs_response", True)
    opened = await balances(desk.shop, ref.order_id)
    assert opened["disputes"] == 1000
    remind = RemindOfEvidence(ref=ref, due_at=DUE, left_seconds=86_400)
    await desk.twice(steps.remind_of_evidence, remind)
    await desk.twice(
        steps.remind_of_evidence,
        RemindOfEvidence(ref=ref, due_at=DUE, left_seconds=0, missed=True),
    )
    await drafted(desk.shop, ref.order_id, ref.provider_dispute_id, "sub_1")
    submit = SubmitEvidence(ref=ref, submission_id="sub_1", actor=STAFF)
    state = await desk.twice(steps.submit_evidence, submit)
    assert (state.status, state.wants_evidence) == ("under_review", False)
    await desk.control.decide_dispute(ref.provider_dispute_id, "won")
    assert (await desk.twice(steps.look_at_dispute, ref)).status == "won"

    assert await balances(desk.shop, ref.order_id) == BEFORE
    assert await events(desk, ref) == [
        "dispute.opened",
        "dispute.evidence_due",
        "dispute.evidence_missed",
        "dispute.evidence_submitted",
        "dispute.won",
    ]


async def test_dispute_is_given_up_once(desk: Desk) -> None:
    steps, ref = steps_of(desk), await disputed(desk)
    await desk.twice(steps.look_at_dispute, ref)

    accept = AcceptDispute(ref=ref, actor=STAFF, reason="lost on the way")
    assert (await desk.twice(steps.accept_dispute, accept)).status == "lost"
    assert await balances(desk.shop, ref.order_id) == {"dispute_losses": SHIPPING}
    assert await events(desk, ref) == ["dispute.opened", "dispute.accepted", "dispute.lost"]


async def test_evidence_whose_answer_is_lost_is_ours(desk: Desk) -> None:
    steps, ref = steps_of(desk), await disputed(desk)
    await desk.twice(steps.look_at_dispute, ref)
    await drafted(desk.shop, ref.order_id, ref.provider_dispute_id, "sub_1")
    gateway = desk.resources.payments["stripe"]
    evidence = Evidence(**FIELDS)
    await gateway.submit_evidence(ref.provider_dispute_id, evidence, key="lost")

    submit = SubmitEvidence(ref=ref, submission_id="sub_1", actor=STAFF)
    assert (await desk.twice(steps.submit_evidence, submit)).status == "under_review"
    row = await dispute_of(desk.shop, ref.order_id)
    assert (row["submitted_by"], row["evidence"]["drafts"]) == (STAFF, {})


async def test_capture_that_is_slower_than_its_dispute_is_shared_out_later(desk: Desk) -> None:
    steps, ref = steps_of(desk), await disputed(desk, amount=1000)
    await desk.twice(steps.look_at_dispute, ref)
    row = await dispute_of(desk.shop, ref.order_id)
    share = round(1000 * 2 * PRICE / TOTAL)
    assert [one["amount"] for one in row["held"]] == [share]
    await unheld(desk, ref, share)

    await desk.twice(steps.look_at_dispute, ref)
    again = await dispute_of(desk.shop, ref.order_id)
    assert (again["held"], again["version"]) == (row["held"], row["version"] + 1)
    assert (await balances(desk.shop, ref.order_id))["vendor_held"] == -share


async def unheld(desk: Desk, ref: DisputeRef, share: int) -> None:
    """As if the dispute had been recorded before the capture of its payment."""
    async with desk.resources.database.transaction() as session:
        dispute = await disputes.get(session, ref.dispute_id)
        vendor_id = dispute.held[0]["vendor_id"]
        dispute.held = []
        await session.flush()
        await ledger.post(
            session,
            Posting(
                key=f"{dispute.id}:unheld",
                kind=PostingKind.DISPUTE_OPENED,
                currency="USD",
                legs=[
                    debit(Account.VENDOR_HELD, share, vendor_id),
                    credit(Account.VENDOR_PAYABLE, share, vendor_id),
                ],
                order_id=dispute.order_id,
            ),
        )


async def test_dispute_of_another_payment_is_refused(desk: Desk) -> None:
    steps, ref = steps_of(desk), await disputed(desk)
    other = await disputed(desk)
    mixed = DisputeRef(
        order_id=ref.order_id,
        payment_id=ref.payment_id,
        dispute_id=disputes.id_of(ref.order_id, other.provider_dispute_id),
        provider_dispute_id=other.provider_dispute_id,
    )
    with pytest.raises(ProviderRejectedError, match="disputes pi_"):
        await steps.look_at_dispute(mixed)

    assert await events(desk, ref) == []


async def test_workflow_of_a_dispute_is_started_once_and_told_again(desk: Desk) -> None:
    steps, ref = steps_of(desk), await disputed(desk)
    await desk.twice(steps.follow_dispute, ref)

    handle = desk.resources.temporal.get_workflow_handle(workflow_ids.dispute(ref.dispute_id))
    history = (await handle.fetch_history()).events
    assert sum(event.HasField("workflow_execution_signaled_event_attributes") for event in history)
    await handle.terminate("the test is over")
