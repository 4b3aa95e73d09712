from __future__ import annotations

import asyncio
from typing import Any

import pytest
import stripe

from tests.integration.deploy.sandbox.harness import RunningSandbox, eventually


async def resolve(sandbox: RunningSandbox, intent_id: str, outcome: str) -> int:
    answer = await sandbox.control("POST", f"challenges/{intent_id}", {"outcome": outcome})
    return answer.status_code


async def test_card_on_session_asks_for_a_challenge(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize("pm_card_authenticationRequired")

    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.next_action.type == "use_stripe_sdk"
    assert str(intent.client_secret).startswith(f"{intent.id}_secret_")
    assert intent.latest_charge is None
    assert [row["status"] for row in await sandbox.ledger(intent.id)] == ["requires_action"]


async def test_return_url_gives_a_redirect(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize(
        "pm_card_threeDSecure2Required", return_url="https://shop.test/back"
    )

    action: Any = intent.next_action
    assert action.type == "redirect_to_url"
    assert action.redirect_to_url.return_url == "https://shop.test/back"


async def test_passed_challenge_authorizes(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize("pm_card_authenticationRequired", key="challenge-1")

    assert await resolve(sandbox, intent.id, "succeeded") == 200

    after = await sandbox.stripe.v1.payment_intents.retrieve_async(intent.id)
    rows = await sandbox.ledger(intent.id)
    assert (after.status, after.next_action, after.amount_capturable) == (
        "requires_capture",
        None,
        2000,
    )
    assert [(row["status"], row["idempotency_key"]) for row in rows] == [
        ("requires_capture", "challenge-1")
    ]
    await eventually(lambda: len(sandbox.receiver.about(intent.id)) == 2)
    assert [event["type"] for event in sandbox.receiver.about(intent.id)] == [
        "payment_intent.requires_action",
        "payment_intent.amount_capturable_updated",
    ]


async def test_failed_challenge_asks_for_another_method(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize("pm_card_authenticationRequired")

    assert await resolve(sandbox, intent.id, "failed") == 200

    after = await sandbox.stripe.v1.payment_intents.retrieve_async(intent.id)
    assert after.status == "requires_payment_method"
    assert after.last_payment_error is not None
    assert after.last_payment_error.code == "payment_intent_authentication_failure"
    assert [row["status"] for row in await sandbox.ledger(intent.id)] == ["failed"]


async def test_passed_challenge_of_a_declining_card_is_declined(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize(
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds"
    )

    assert await resolve(sandbox, intent.id, "succeeded") == 200

    after = await sandbox.stripe.v1.payment_intents.retrieve_async(intent.id)
    assert after.status == "requires_payment_method"
    assert after.last_payment_error is not None
    assert after.last_payment_error.decline_code == "insufficient_funds"


async def test_card_off_session_is_declined(sandbox: RunningSandbox) -> None:
    with pytest.raises(stripe.CardError) as caught:
        await sandbox.authorize("pm_card_authenticationRequired", off_session=True)

    error: Any = caught.value.error
    assert (error.code, error.decline_code) == (
        "authentication_required",
        "authentication_required",
    )
    assert error.payment_intent.status == "requires_payment_method"


async def test_challenge_after_cancel_is_refused(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize("pm_card_authenticationRequired")
    await sandbox.stripe.v1.payment_intents.cancel_async(intent.id)

    assert await resolve(sandbox, intent.id, "succeeded") == 409
    assert [row["status"] for row in await sandbox.ledger(intent.id)] == ["canceled"]


async def test_cancel_racing_the_challenge_has_one_consistent_end(sandbox: RunningSandbox) -> None:
    for _ in range(5):
        intent = await sandbox.authorize("pm_card_authenticationRequired")

        _, resolved = await asyncio.gather(
            sandbox.stripe.v1.payment_intents.cancel_async(intent.id),
            resolve(sandbox, intent.id, "succeeded"),
        )

        assert resolved in {200, 409}
        rows = await sandbox.ledger(intent.id)
        assert [(row["status"], row["captured"]) for row in rows] == [("canceled", 0)]


async def test_unknown_intent_is_404(sandbox: RunningSandbox) -> None:
    assert await resolve(sandbox, "pi_none", "succeeded") == 404
