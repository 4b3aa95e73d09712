"""Transfers to vendors, payouts to the bank, and the balance that all movements leave."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.integration.deploy.sandbox.harness import Json, RunningSandbox, eventually


async def transfer(sandbox: RunningSandbox, **changes: Any) -> stripe.Transfer:
    parameters: Any = {
        "amount": 900,
        "currency": "usd",
        "destination": "acct_vendor",
        "metadata": {"reference": "stl_1"},
        "transfer_group": "stl_1",
        **changes,
    }
    return await sandbox.stripe.v1.transfers.create_async(parameters)


async def balance_of(sandbox: RunningSandbox, currency: str) -> Json:
    rows: list[Json] = (await sandbox.control("GET", "balance")).json()["data"]
    return next((row for row in rows if row["currency"] == currency), {"net": 0})


def types_of(sandbox: RunningSandbox, object_id: str) -> list[str]:
    return sorted(one["type"] for one in sandbox.receiver.about(object_id))


async def test_transfer_is_taken_from_the_balance_and_told(sandbox: RunningSandbox) -> None:
    made = await transfer(sandbox, transfer_group="stl_told")

    entry = await sandbox.stripe.v1.balance_transactions.retrieve_async(
        str(made.balance_transaction)
    )
    assert (entry.type, entry.amount, entry.fee) == ("transfer", -900, 0)
    assert (entry.source, made.reversed, made.amount_reversed) == (made.id, False, 0)
    listed = await sandbox.stripe.v1.transfers.list_async({"transfer_group": "stl_told"})
    assert [one.id for one in listed.data] == [made.id]
    await eventually(lambda: types_of(sandbox, made.id) == ["transfer.created"])


async def test_transfer_comes_back_in_parts_until_nothing_is_left(
    sandbox: RunningSandbox,
) -> None:
    made = await transfer(sandbox)
    reversal = await sandbox.stripe.v1.transfers.reversals.create_async(made.id, {"amount": 400})
    entry = await sandbox.stripe.v1.balance_transactions.retrieve_async(
        str(reversal.balance_transaction)
    )
    assert (entry.type, entry.amount, entry.source) == ("transfer_refund", 400, reversal.id)
    partly = await sandbox.stripe.v1.transfers.retrieve_async(made.id)
    assert (partly.reversed, partly.amount_reversed) == (False, 400)

    whole = await sandbox.control("POST", f"transfers/{made.id}", {"status": "reversed"})
    assert (whole.json()["reversed"], whole.json()["amount_reversed"]) == (True, 900)
    again = await sandbox.control("POST", f"transfers/{made.id}", {"status": "reversed"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "nothing_to_reverse")
    expected = ["transfer.created", "transfer.reversed", "transfer.reversed"]
    await eventually(lambda: types_of(sandbox, made.id) == expected)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"destination": "acct_unknown_1"}, "resource_missing"),
        ({"destination": "ba_1"}, "resource_missing"),
        ({"destination": "acct_restricted_1"}, "insufficient_capabilities_for_transfer"),
        ({"destination": "acct_insufficient_1"}, "balance_insufficient"),
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"currency": "dollars"}, None),
    ],
)
async def test_refused_transfer_moves_nothing(
    sandbox: RunningSandbox, changes: dict[str, Any], code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await transfer(sandbox, transfer_group="stl_refused", **changes)

    assert caught.value.code == code
    listed = await sandbox.stripe.v1.transfers.list_async({"transfer_group": "stl_refused"})
    assert listed.data == []


async def test_payout_empties_the_balance_and_a_failed_one_fills_it_again(
    sandbox: RunningSandbox,
) -> None:
    intent = await sandbox.authorize(currency="sek")
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id)
    fee = 2000 * 29 // 1000 + 30
    assert (await balance_of(sandbox, "sek"))["net"] == 2000 - fee

    paid = (await sandbox.control("POST", "payouts", {"currency": "SEK"})).json()
    assert (paid["amount"], paid["status"]) == (2000 - fee, "paid")
    assert (await balance_of(sandbox, "sek"))["net"] == 0
    nothing = await sandbox.control("POST", "payouts", {"currency": "sek"})
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (409, "nothing_to_pay_out")

    for _ in range(2):
        await sandbox.control("POST", f"payouts/{paid['id']}", {"status": "failed"})
    after = await sandbox.stripe.v1.payouts.retrieve_async(paid["id"])
    assert (after.status, after.failure_code) == ("failed", "account_closed")
    assert await balance_of(sandbox, "sek") == {
        "currency": "sek",
        "amount": 2000,
        "fee": fee,
        "net": 2000 - fee,
        "types": {
            "charge": {"movements": 1, "amount": 2000, "fee": fee},
            "payout": {"movements": 1, "amount": fee - 2000, "fee": 0},
            "payout_failure": {"movements": 1, "amount": 2000 - fee, "fee": 0},
        },
    }
    await eventually(lambda: types_of(sandbox, paid["id"]) == ["payout.failed", "payout.paid"])


async def test_failed_refund_is_booked_back_once(sandbox: RunningSandbox) -> None:
    intent = await sandbox.authorize()
    await sandbox.stripe.v1.payment_intents.capture_async(intent.id)
    refund = await sandbox.stripe.v1.refunds.create_async(
        {"payment_intent": intent.id, "amount": 500}
    )
    for _ in range(2):
        await sandbox.control("POST", f"refunds/{refund.id}", {"status": "failed"})

    entries = await sandbox.stripe.v1.balance_transactions.list_async({"source": refund.id})
    assert [(one.type, one.amount) for one in entries.data] == [
        ("refund_failure", 500),
        ("refund", -500),
    ]
    after = await sandbox.stripe.v1.refunds.retrieve_async(refund.id)
    assert after.failure_balance_transaction == entries.data[0].id
