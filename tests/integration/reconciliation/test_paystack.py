"""Paystack's books: what was done there without us is found, and what it pays out is booked."""

from __future__ import annotations

from typing import Any

import httpx

from tests.eventually import eventually
from tests.integration.reconciliation.conftest import World

PAYSTACK = "paystack"
PART = 100


async def shipped(world: World) -> tuple[str, str]:
    """An order on its way; its id, and that of its payment at Paystack."""
    shop = world.platform.shop
    order_id = await shop.draft(
        await shop.stock_up(5),
        provider=PAYSTACK,
        payment_method="AUTH_test_success",
        email="ada@example.com",
    )
    await shop.place(order_id)
    await eventually(
        lambda: shop.status(order_id), lambda status: status == "shipped", within_seconds=60
    )
    return order_id, str((await shop.payment(order_id))["provider_payment_id"])


async def refund_by_hand(world: World, provider_payment_id: str) -> str:
    """Somebody gives money back on Paystack's own pages."""
    settings = world.platform.resources.settings.paystack
    key = settings.secret_key.get_secret_value()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http:
        answer = await http.post(
            f"{settings.api_base}/refund",
            json={"transaction": provider_payment_id, "amount": PART},
        )
    answer.raise_for_status()
    return str(answer.json()["data"]["id"])


async def differences(world: World) -> list[dict[str, Any]]:
    return await world.sql(
        "SELECT kind, subject, status FROM differences WHERE provider = 'paystack' ORDER BY id"
    )


async def figures(world: World) -> dict[str, int]:
    """What the last run found in dollars, at Paystack and in the ledger."""
    (run,) = await world.sql(
        "SELECT figures FROM reconciliations WHERE provider = 'paystack' ORDER BY id DESC LIMIT 1"
    )
    of_dollars: dict[str, int] = run["figures"]["USD"]
    return of_dollars


async def test_refund_made_at_paystack_is_repaired_and_its_payout_is_booked(world: World) -> None:
    order_id, provider_payment_id = await shipped(world)
    refund_id = await refund_by_hand(world, provider_payment_id)

    await world.reconcile(PAYSTACK)
    repaired = [{"kind": "unknown_refund", "subject": refund_id, "status": "repaired"}]
    assert await eventually(
        lambda: differences(world), lambda rows: rows == repaired, within_seconds=60
    )
    payment = await world.platform.shop.payment(order_id)
    assert (payment["status"], payment["refunded_amount"]) == ("partially_refunded", PART)

    await shipped(world)
    clean = await world.reconcile(PAYSTACK)
    assert (clean.open, clean.repairing) == (0, 0)
    before = await figures(world)
    assert before["provider"] == before["ledger"] > 0

    http = world.platform.outside.http
    settled = (await http.post("/paystack/settlements", json={"currency": "USD"})).json()
    clean = await world.reconcile(PAYSTACK)
    assert (clean.open, clean.repairing) == (0, 0)
    assert await figures(world) == {"provider": 0, "ledger": 0}
    assert await differences(world) == repaired
    rows = await world.sql(
        "SELECT e.account, e.holder, e.amount FROM ledger_postings p"
        " JOIN ledger_entries e ON e.posting_key = p.key"
        " WHERE p.kind = 'payout' AND p.reference = :id ORDER BY e.position",
        id=str(settled["id"]),
    )
    assert [(row["account"], row["amount"]) for row in rows] == [
        ("bank", before["provider"]),
        ("provider_balance", -before["provider"]),
    ]
    assert rows[1]["holder"] == PAYSTACK
