from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import stripe

from core.settings import load_settings
from deploy.sandbox.idempotency import WINDOW_SECONDS
from tests.integration.deploy.sandbox.harness import (
    Receiver,
    RunningSandbox,
    running_sandbox,
)


def headers_of(answer: Any) -> Any:
    return answer.last_response.headers


async def test_same_key_and_payload_replays_the_first_answer(sandbox: RunningSandbox) -> None:
    first = await sandbox.authorize(key="idem-1")
    await sandbox.stripe.v1.payment_intents.capture_async(first.id)

    again = await sandbox.authorize(key="idem-1")

    assert again.to_dict() == first.to_dict()
    assert "idempotent-replayed" not in headers_of(first)
    assert headers_of(again)["idempotent-replayed"] == "true"
    assert headers_of(again)["original-request"] == headers_of(first)["request-id"]
    assert len(await sandbox.ledger(first.id)) == 1


async def test_decline_is_replayed_under_its_key(sandbox: RunningSandbox) -> None:
    ids = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            await sandbox.authorize(
                "pm_card_visa_chargeDeclined", key="idem-decline", order_id="ord_idem_decline"
            )
        error: Any = caught.value.error
        ids.append(error.charge)

    assert ids[0] == ids[1]
    assert caught.value.headers is not None
    assert caught.value.headers["idempotent-replayed"] == "true"
    assert len(await sandbox.attempts_of_order("ord_idem_decline")) == 1


async def test_changed_payload_is_an_idempotency_error(sandbox: RunningSandbox) -> None:
    await sandbox.authorize(key="idem-changed", order_id="ord_idem_changed")

    with pytest.raises(stripe.IdempotencyError) as caught:
        await sandbox.authorize(key="idem-changed", order_id="ord_idem_changed", amount=1999)

    assert caught.value.http_status == 400
    assert len(await sandbox.attempts_of_order("ord_idem_changed")) == 1


async def test_key_on_another_path_is_an_idempotency_error(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize(key="idem-path")

    with pytest.raises(stripe.IdempotencyError) as caught:
        await sandbox.stripe.v1.payment_intents.capture_async(
            intent.id, options={"idempotency_key": "idem-path"}
        )

    assert "same endpoint" in str(caught.value.user_message)
    assert [row["captured"] for row in await sandbox.ledger(intent.id)] == [0]


async def test_validation_error_leaves_the_key_free(sandbox: RunningSandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await sandbox.authorize(key="idem-invalid", amount=0)

    intent = await sandbox.authorize(key="idem-invalid")

    assert intent.status == "requires_capture"
    assert "idempotent-replayed" not in headers_of(intent)


async def test_state_error_is_kept_under_its_key(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()
    await sandbox.stripe.v1.payment_intents.cancel_async(intent.id)

    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await sandbox.stripe.v1.payment_intents.capture_async(
                intent.id, options={"idempotency_key": "idem-state"}
            )

    assert caught.value.code == "payment_intent_unexpected_state"
    assert caught.value.headers is not None
    assert caught.value.headers["idempotent-replayed"] == "true"


async def test_key_in_use_is_a_conflict(sandbox: RunningSandbox) -> None:
    await sandbox.fault("stripe", "payment_intents.create", "latency", latency_ms=300, count=1)
    secret = load_settings().stripe.api_key.get_secret_value()
    key = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "idem-busy"}
    address = f"{sandbox.url}/stripe/v1/payment_intents"
    form = {"amount": "100", "currency": "usd", "metadata[order_id]": "ord_busy"}

    answers = await asyncio.gather(
        *(sandbox.http.post(address, data=form, headers=key) for _ in range(3))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["error"]["code"] == "idempotency_key_in_use"
    assert refused.headers["stripe-should-retry"] == "true"
    found = await sandbox.stripe.v1.payment_intents.search_async(
        {"query": "metadata['order_id']:'ord_busy'"}
    )
    assert len(found.data) == 1


async def test_key_is_free_again_after_24_hours(tmp_path: Path, receiver: Receiver) -> None:
    async with running_sandbox(tmp_path, receiver) as sandbox:
        first = await sandbox.authorize(key="idem-old")
        with sqlite3.connect(tmp_path / "sandbox.sqlite") as database:
            database.execute("UPDATE idempotency SET created = created - ?", (WINDOW_SECONDS,))
        database.close()

        second = await sandbox.authorize(key="idem-old", amount=1)

    assert second.id != first.id
