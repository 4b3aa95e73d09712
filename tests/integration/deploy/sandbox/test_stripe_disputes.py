"""Disputes as Stripe words them, by its test cards, its test evidence and the control."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.integration.deploy.sandbox.harness import Json, RunningSandbox, eventually

FEE = 1500


async def captured(sandbox: RunningSandbox, card: str = "pm_card_visa") -> str:
    intent = await sandbox.authorize(card)
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id)
    return intent.id


async def opened(sandbox: RunningSandbox, **more: Any) -> Json:
    asked = {"payment_intent": await captured(sandbox), **more}
    answer = await sandbox.control("POST", "disputes", asked)
    assert answer.status_code == 201, answer.text
    dispute: Json = answer.json()
    return dispute


async def dispute_of(sandbox: RunningSandbox, intent_id: str) -> stripe.Dispute:
    [dispute] = (await sandbox.stripe.v1.disputes.list_async({"payment_intent": intent_id})).data
    return dispute


def news_of(sandbox: RunningSandbox, dispute_id: str) -> list[str]:
    return [
        one["type"].removeprefix("charge.dispute.") for one in sandbox.receiver.about(dispute_id)
    ]


@pytest.mark.parametrize(
    ("card", "reason", "status", "moved"),
    [
        ("pm_card_createDispute", "fraudulent", "needs_response", [-2000]),
        (
            "pm_card_createDisputeProductNotReceived",
            "product_not_received",
            "needs_response",
            [-2000],
        ),
        ("pm_card_createDisputeInquiry", "fraudulent", "warning_needs_response", []),
    ],
)
async def test_test_card_is_disputed_when_it_is_captured(
    sandbox: RunningSandbox, card: str, reason: str, status: str, moved: list[int]
) -> None:
    intent = await sandbox.authorize(card)
    listed = await sandbox.stripe.v1.disputes.list_async({"payment_intent": intent.id})
    assert listed.data == []
    captured_intent = await sandbox.stripe.v1.payment_intents.capture_async(
        intent.id, {"amount_to_capture": 2000, "expand": ["latest_charge"]}
    )

    dispute = await dispute_of(sandbox, intent.id)
    assert (dispute.reason, dispute.status, dispute.amount) == (reason, status, 2000)
    assert dispute.is_charge_refundable == (moved == [])
    assert [entry.amount for entry in dispute.balance_transactions] == moved
    assert captured_intent.status == "succeeded"
    charge = await sandbox.stripe.v1.charges.retrieve_async(str(dispute.charge))
    assert charge.disputed


async def test_disputed_card_that_was_captured_in_part_is_disputed_for_the_part(
    sandbox: RunningSandbox,
) -> None:
    options = {"card": {"request_multicapture": "if_available"}}
    intent = await sandbox.authorize("pm_card_createDispute", payment_method_options=options)
    await sandbox.stripe.v1.payment_intents.capture_async(
        intent.id, {"amount_to_capture": 700, "final_capture": False}
    )
    await sandbox.stripe.v1.payment_intents.cancel_async(intent.id)

    assert (await dispute_of(sandbox, intent.id)).amount == 700


async def test_withdrawal_is_an_adjustment_with_the_dispute_fee(sandbox: RunningSandbox) -> None:
    dispute = await opened(sandbox, amount=700, evidence_seconds=60)

    [entry] = (
        await sandbox.stripe.v1.balance_transactions.list_async(
            {"source": dispute["id"], "expand": ["data.source"]}
        )
    ).data
    assert (entry.type, entry.reporting_category) == ("adjustment", "dispute")
    assert (entry.amount, entry.fee, entry.net) == (-700, FEE, -700 - FEE)
    assert entry.to_dict()["source"]["payment_intent"] == dispute["payment_intent"]
    assert dispute["evidence_details"]["due_by"] == dispute["created"] + 60


@pytest.mark.parametrize(
    ("evidence", "status", "news", "moved"),
    [
        ("Delivered.", "under_review", ["updated"], [-2000]),
        (
            "winning_evidence",
            "won",
            ["updated", "closed", "funds_reinstated"],
            [-2000, 2000],
        ),
        ("losing_evidence", "lost", ["updated", "closed"], [-2000]),
    ],
)
async def test_evidence_is_reviewed_and_that_of_test_mode_decides(
    sandbox: RunningSandbox, evidence: str, status: str, news: list[str], moved: list[int]
) -> None:
    dispute_id = (await opened(sandbox))["id"]
    after = await sandbox.stripe.v1.disputes.update_async(
        dispute_id, {"evidence": {"uncategorized_text": evidence}}
    )

    assert after.status == status
    assert [entry.amount for entry in after.balance_transactions] == moved
    assert after.evidence_details.submission_count == 1
    expected = ["created", "funds_withdrawn", *news]
    await eventually(lambda: sorted(news_of(sandbox, dispute_id)) == sorted(expected))


async def test_evidence_that_is_kept_back_can_be_changed_and_then_goes_once(
    sandbox: RunningSandbox,
) -> None:
    dispute_id = (await opened(sandbox))["id"]
    disputes = sandbox.stripe.v1.disputes
    kept = await disputes.update_async(
        dispute_id, {"evidence": {"customer_name": "Ada"}, "submit": False}
    )
    assert (kept.status, kept.evidence_details.submission_count) == ("needs_response", 0)

    sent = await disputes.update_async(dispute_id, {"submit": True})
    assert (sent.status, sent.evidence.customer_name) == ("under_review", "Ada")
    with pytest.raises(stripe.InvalidRequestError):
        await disputes.update_async(dispute_id, {"evidence": {"customer_name": "Eve"}})
    assert (await disputes.retrieve_async(dispute_id)).evidence.customer_name == "Ada"


async def test_unknown_kind_of_evidence_is_named(sandbox: RunningSandbox) -> None:
    dispute_id = (await opened(sandbox))["id"]
    unknown: Any = {"evidence": {"alibi": "-"}}

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.disputes.update_async(dispute_id, unknown)
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "evidence[alibi]")


async def test_inquiry_takes_money_only_when_it_is_escalated(sandbox: RunningSandbox) -> None:
    dispute = await opened(sandbox, inquiry=True)
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    refund = await sandbox.stripe.v1.refunds.create_async(
        {"payment_intent": dispute["payment_intent"], "amount": 1}
    )
    assert refund.status == "succeeded"

    escalated = await sandbox.control(
        "POST", f"disputes/{dispute['id']}", {"status": "needs_response"}
    )
    assert [one["amount"] for one in escalated.json()["balance_transactions"]] == [-2000]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await sandbox.stripe.v1.refunds.create_async(
            {"payment_intent": dispute["payment_intent"], "amount": 1}
        )
    assert caught.value.code == "charge_disputed"


async def test_closed_dispute_stays_as_it_is(sandbox: RunningSandbox) -> None:
    dispute_id = (await opened(sandbox))["id"]
    closed = await sandbox.stripe.v1.disputes.close_async(dispute_id)
    assert closed.status == "lost"

    with pytest.raises(stripe.InvalidRequestError):
        await sandbox.stripe.v1.disputes.close_async(dispute_id)
    refused = await sandbox.control("POST", f"disputes/{dispute_id}", {"status": "won"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "dispute_closed")
    assert (await sandbox.stripe.v1.disputes.retrieve_async(dispute_id)).status == "lost"


async def test_only_captured_money_can_be_disputed(sandbox: RunningSandbox) -> None:
    held = (await sandbox.authorize()).id
    taken = await captured(sandbox)
    asked: list[tuple[Json, int, str]] = [
        ({"payment_intent": "pi_none"}, 404, "not_found"),
        ({"payment_intent": held}, 409, "nothing_captured"),
        ({"payment_intent": taken, "amount": 2001}, 409, "amount_too_large"),
    ]
    for content, status, code in asked:
        answer = await sandbox.control("POST", "disputes", content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
