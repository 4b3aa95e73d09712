"""A dispute is followed to its end, whatever is told of it in whichever order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateStage

from core.domain.errors import InvalidStateError
from models.repositories import disputes
from tests.disputing import (
    FIELDS,
    balances,
    dispute_of,
    dispute_status,
    drafted,
    sold_by,
    told,
)
from tests.eventually import eventually
from tests.replay.reading import readable
from tests.shop import PRICE, SHIPPING, Shop
from tests.workflows.platform import DAY, SkippingPlatform
from tests.workflows.test_paystack import confirmed, shipped
from tests.workflows.test_refund import MARGIN, PERSON, TOTAL, paid, requested
from workflows import workflow_ids
from workflows.dispute import ANSWER, EVIDENCE, DisputeWorkflow
from workflows.messages import Action, DisputeAnswer, Resolution

HOUR = timedelta(hours=1)
BEFORE = {"provider_balance": TOTAL, "vendor_payable": -PRICE}
HELD = {"disputes": TOTAL, "vendor_held": -PRICE}
SUBMISSION = "sub_1"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A disputed order, its payment and dispute at the provider."""

    order_id: str
    intent: str
    provider_dispute_id: str

    @property
    def workflow_id(self) -> str:
        return workflow_ids.dispute(disputes.id_of(self.order_id, self.provider_dispute_id))

    def workflow(self, shop: Shop) -> WorkflowHandle[Any, Any]:
        return shop.workflow(self.workflow_id)


async def opened(skipping: SkippingPlatform, **more: int | str | bool) -> Case:
    """An order that is paid for, and disputed at the provider; nobody has told us."""
    order_id = await paid(skipping)
    await sold_by(skipping.shop, order_id, goods=PRICE, shipping=SHIPPING)
    intent = await skipping.outside.intent(order_id)
    provider_dispute_id = await skipping.outside.dispute(intent, **more)
    return Case(order_id=order_id, intent=intent, provider_dispute_id=provider_dispute_id)


async def followed(skipping: SkippingPlatform, **more: int | str | bool) -> Case:
    """The same, and we have been told."""
    case = await opened(skipping, **more)
    assert await told(skipping.shop, case.intent, case.provider_dispute_id) == "dispute"
    await eventually(lambda: dispute_status(skipping.shop, case.order_id))
    return case


async def statuses(shop: Shop, order_id: str) -> tuple[str, str, int]:
    """What the order and its payment show, and how much of it is disputed."""
    payment = await shop.payment(order_id)
    order = await shop.order(order_id)
    return order["payment_status"], payment["status"], payment["disputed_amount"]


def events(entries: list[str]) -> list[str]:
    return [one for one in entries if one.startswith("dispute.")]


async def test_dispute_without_evidence_reminds_staff_and_is_lost(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    case = await followed(skipping, evidence_seconds=8 * 86_400)
    assert await statuses(shop, case.order_id) == ("disputed", "disputed", TOTAL)
    assert await balances(shop, case.order_id) == HELD
    with pytest.raises(InvalidStateError, match=r"since 24\.99 USD is in dispute"):
        await requested(shop, case.order_id, 1)
    assert await shop.waits(case.order_id) == []

    await skipping.skip(DAY + MARGIN)
    mark = await eventually(lambda: shop.order(case.order_id), lambda order: order["waiting_for"])
    assert mark["waiting_for"]["what"] == EVIDENCE
    assert "without our side unless evidence is submitted by" in mark["waiting_for"]["last_error"]
    await skipping.skip(timedelta(days=7))
    await eventually(lambda: shop.waits(case.order_id), lambda waits: waits == [])
    late = DisputeAnswer(actor=PERSON, submission_id=SUBMISSION)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await case.workflow(shop).execute_update(DisputeWorkflow.answer, late)
    assert "evidence was due by" in str(refused.value.cause)

    await skipping.outside.decide_dispute(case.provider_dispute_id, "lost")
    # No event tells it: the provider is asked now and then.
    assert await skipping.skip_to_the_end(case.workflow_id, DAY) == "lost"
    assert await statuses(shop, case.order_id) == ("refunded", "refunded", TOTAL)
    assert await balances(shop, case.order_id) == {"dispute_losses": SHIPPING}
    assert events(await shop.events(case.order_id)) == [
        "dispute.opened",
        *["dispute.evidence_due"] * 3,
        "dispute.evidence_missed",
        "dispute.lost",
    ]


async def test_evidence_is_sent_when_the_provider_is_back_and_the_dispute_is_won(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    case = await followed(skipping)
    workflow = case.workflow(shop)
    await drafted(shop, case.order_id, case.provider_dispute_id, SUBMISSION)
    await skipping.outside.break_down("stripe", "disputes.update", "timeout_after_effect")
    wanted = DisputeAnswer(actor=PERSON, submission_id=SUBMISSION)
    answer = await workflow.start_update(
        DisputeWorkflow.answer, wanted, wait_for_stage=WorkflowUpdateStage.ACCEPTED
    )
    with pytest.raises(WorkflowUpdateFailedError):
        await workflow.execute_update(DisputeWorkflow.answer, wanted, id="second")
    await skipping.outside.clear_faults()
    await skipping.skip(timedelta(seconds=30))

    assert await answer.result() == "under_review"
    row = await dispute_of(shop, case.order_id)
    assert row["submitted_by"] == PERSON
    assert row["evidence"] == {
        "submitted": {**FIELDS, "submission_id": SUBMISSION},
        "drafts": {},
    }
    assert await balances(shop, case.order_id) == HELD
    await skipping.outside.decide_dispute(case.provider_dispute_id, "won")
    for news in ("closed", "updated", "funds_reinstated", "created", "closed"):
        assert await told(shop, case.intent, case.provider_dispute_id, news) == "dispute"
    assert await workflow.result() == "won"
    assert await statuses(shop, case.order_id) == ("captured", "captured", 0)
    assert await balances(shop, case.order_id) == BEFORE
    assert events(await shop.events(case.order_id)) == [
        "dispute.opened",
        "dispute.evidence_due",
        "dispute.evidence_submitted",
        "dispute.won",
    ]
    words = readable((await workflow.fetch_history()).to_json())
    assert case.provider_dispute_id in words
    assert [one for one in FIELDS.values() if one in words] == []


async def test_provider_that_is_down_is_shown_until_a_person_gives_the_submission_up(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    case = await followed(skipping, evidence_seconds=60 * 86_400)
    workflow = case.workflow(shop)
    await drafted(shop, case.order_id, case.provider_dispute_id, SUBMISSION)
    await skipping.outside.break_down("stripe", "disputes.update")
    answer = await workflow.start_update(
        DisputeWorkflow.answer,
        DisputeAnswer(actor=PERSON, submission_id=SUBMISSION),
        wait_for_stage=WorkflowUpdateStage.ACCEPTED,
    )
    await skipping.skip(timedelta(seconds=4))
    await eventually(lambda: shop.waits(case.order_id), lambda waits: waits == [ANSWER])
    skip = Resolution(actor=PERSON, reason="done on their pages", action=Action.SKIP)
    await workflow.execute_update(DisputeWorkflow.resolve, skip)

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await answer.result()
    assert "done on their pages" in str(refused.value.cause)
    assert await shop.waits(case.order_id) == []
    assert await dispute_status(shop, case.order_id) == "needs_response"


async def test_inquiry_holds_nothing_until_it_becomes_a_dispute_that_is_given_up(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    case = await followed(skipping, inquiry=True, amount=1000)
    assert await statuses(shop, case.order_id) == ("captured", "captured", 0)
    assert await balances(shop, case.order_id) == BEFORE

    await skipping.outside.decide_dispute(case.provider_dispute_id, "needs_response")
    await told(shop, case.intent, case.provider_dispute_id, "funds_withdrawn")
    await eventually(
        lambda: statuses(shop, case.order_id), lambda shown: shown == ("disputed", "disputed", 1000)
    )
    share = round(1000 * PRICE / TOTAL)
    assert (await balances(shop, case.order_id))["vendor_held"] == -share
    given_up = DisputeAnswer(actor=PERSON, accepted=True, reason="the parcel is lost")
    status = await case.workflow(shop).execute_update(DisputeWorkflow.answer, given_up)
    assert status == "lost"
    assert await case.workflow(shop).result() == "lost"
    assert await statuses(shop, case.order_id) == (
        "partially_refunded",
        "partially_refunded",
        1000,
    )
    assert await balances(shop, case.order_id) == {
        "provider_balance": TOTAL - 1000,
        "vendor_payable": share - PRICE,
        "dispute_losses": 1000 - share,
    }
    assert await requested(shop, case.order_id, TOTAL - 1000)
    assert events(await shop.events(case.order_id)) == [
        "dispute.opened",
        "dispute.evidence_due",
        "dispute.escalated",
        "dispute.accepted",
        "dispute.lost",
    ]


async def test_dispute_that_is_decided_before_anybody_tells_of_it_ends_as_the_orderly_one(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    case = await opened(skipping)
    await skipping.outside.decide_dispute(case.provider_dispute_id, "lost")
    for news in ("closed", "created", "funds_withdrawn"):
        assert await told(shop, case.intent, case.provider_dispute_id, news) == "dispute"
    assert await case.workflow(shop).result() == "lost"

    assert await statuses(shop, case.order_id) == ("refunded", "refunded", TOTAL)
    assert await balances(shop, case.order_id) == {"dispute_losses": SHIPPING}
    assert events(await shop.events(case.order_id)) == ["dispute.opened", "dispute.lost"]


async def test_dispute_of_a_payment_that_is_not_ours_is_seen_and_changes_nothing(
    skipping: SkippingPlatform,
) -> None:
    assert await told(skipping.shop, "pi_of_somebody", "du_1") == "unknown_dispute"


async def test_person_who_wants_no_reminder_gets_none_for_that_deadline(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    case = await followed(skipping)
    await eventually(lambda: shop.waits(case.order_id), lambda waits: waits == [EVIDENCE])
    skip = Resolution(actor=PERSON, reason="not worth it", action=Action.SKIP)
    await case.workflow(shop).execute_update(DisputeWorkflow.resolve, skip)
    await skipping.skip(timedelta(days=5) + HOUR)

    assert await shop.waits(case.order_id) == []
    assert events(await shop.events(case.order_id)) == [
        "dispute.opened",
        *["dispute.evidence_due"] * 2,
    ]


async def test_dispute_whose_money_is_taken_when_it_is_lost_holds_the_shares_from_the_first_day(
    skipping: SkippingPlatform,
) -> None:
    shop = skipping.shop
    order_id = await confirmed(skipping)
    payment = (await shop.payment(order_id))["provider_payment_id"]
    answer = await skipping.outside.http.post("/paystack/disputes", json={"transaction": payment})
    provider_dispute_id = str(answer.json()["id"])
    await told(shop, payment, provider_dispute_id, "create", provider="paystack")
    await eventually(lambda: dispute_status(shop, order_id))
    assert await statuses(shop, order_id) == ("disputed", "disputed", 0)
    await shipped(skipping, order_id)
    total = 2 * PRICE + SHIPPING
    with pytest.raises(InvalidStateError, match="is in dispute"):
        await requested(shop, order_id, 1)
    await told(shop, payment, provider_dispute_id, "remind", provider="paystack")
    await eventually(
        lambda: balances(shop, order_id), lambda books: books.get("vendor_held") == -2 * PRICE
    )

    await skipping.outside.http.post(
        f"/paystack/disputes/{provider_dispute_id}", json={"outcome": "lost"}
    )
    await told(shop, payment, provider_dispute_id, "resolve", provider="paystack")
    dispute = shop.workflow(workflow_ids.dispute(disputes.id_of(order_id, provider_dispute_id)))
    assert await dispute.result() == "lost"
    assert await statuses(shop, order_id) == ("refunded", "refunded", total)
    assert await balances(shop, order_id) == {"dispute_losses": SHIPPING}
