"""One difference of each kind, planted at the provider or in the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from core.domain.ids import Prefix, new_id
from core.domain.ledger import Account, Posting, PostingKind, credit, debit
from core.domain.reconciliation import DifferenceKind
from core.gateways.payments import Authorization, PaymentGateway, Transfer
from models.repositories import ledger
from tests.eventually import eventually
from tests.integration.reconciliation.conftest import World

VENDOR_ACCOUNT = "acct_sandbox_vendor"
STRAY, PART, OFF = 1234, 100, 77


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """An order on its way, paid with one payment of which all is captured."""

    world: World
    order_id: str
    payment_id: str
    intent: str

    async def change_payment(self, changes: str, **parameters: Any) -> None:
        await self.world.sql(
            f"UPDATE payments SET {changes} WHERE id = :id",  # noqa: S608  # constants of this file
            id=self.payment_id,
            **parameters,
        )


def gateway_of(world: World) -> PaymentGateway:
    return world.platform.resources.payments["stripe"]


async def ordered(world: World) -> Ordered:
    shop = world.platform.shop
    order_id = await shop.draft(await shop.stock_up(5))
    await shop.place(order_id)
    await eventually(
        lambda: shop.status(order_id), lambda status: status == "shipped", within_seconds=60
    )
    payment = await shop.payment(order_id)
    return Ordered(
        world=world,
        order_id=order_id,
        payment_id=payment["id"],
        intent=payment["provider_payment_id"],
    )


async def authorize(world: World, order_id: str, payment_id: str, amount: int) -> str:
    answer = await gateway_of(world).authorize(
        Authorization(
            order_id=order_id,
            payment_id=payment_id,
            amount=amount,
            currency="USD",
            payment_method="pm_card_visa",
            key=f"planted:{payment_id}",
        )
    )
    assert answer.payment.provider_payment_id is not None
    return answer.payment.provider_payment_id


async def second_payment(of: Ordered, intent: str, payment_id: str) -> None:
    """A further payment in the books, authorized and untouched."""
    await of.world.sql(
        "INSERT INTO payments (id, order_id, attempt, provider, provider_payment_id,"
        " payment_method, status, currency, amount, authorized_amount, captured_amount,"
        " refunded_amount, purpose)"
        " VALUES (:id, :order_id, 2, 'stripe', :intent, 'pm_card_visa', 'authorized', 'USD',"
        " :amount, :amount, 0, 0, 'edit')",
        amount=PART,
        id=payment_id,
        order_id=of.order_id,
        intent=intent,
    )


async def unknown_payment(of: Ordered) -> str:
    intent = await authorize(of.world, new_id(Prefix.ORDER), new_id(Prefix.PAYMENT), STRAY)
    await gateway_of(of.world).capture(intent, amount=STRAY, final=True, key=f"planted:{intent}")
    return intent


async def unwanted_payment(of: Ordered) -> str:
    return await authorize(of.world, of.order_id, new_id(Prefix.PAYMENT), STRAY)


async def missing_payment(of: Ordered) -> str:
    await second_payment(of, "pi_nobody", new_id(Prefix.PAYMENT))
    return "pi_nobody"


async def state(of: Ordered) -> str:
    payment_id = new_id(Prefix.PAYMENT)
    intent = await authorize(of.world, of.order_id, payment_id, PART)
    await second_payment(of, intent, payment_id)
    await of.world.platform.outside.lapse(intent)
    return intent


async def lost_capture(of: Ordered) -> str:
    await of.change_payment("captured_amount = 0, status = 'authorized'")
    await of.world.sql(
        "UPDATE captures SET status = 'planned' WHERE payment_id = :id", id=of.payment_id
    )
    return of.intent


async def captured_amount(of: Ordered) -> str:
    await of.change_payment(f"captured_amount = captured_amount - {PART}")
    return of.intent


async def refunded_amount(of: Ordered) -> str:
    await of.change_payment(f"refunded_amount = {PART}, status = 'partially_refunded'")
    return of.intent


async def unknown_refund(of: Ordered) -> str:
    settings = of.world.platform.resources.settings.stripe
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            f"{settings.api_base}/v1/refunds",
            data={"payment_intent": of.intent, "amount": PART},
            auth=(settings.api_key.get_secret_value(), ""),
        )
    answer.raise_for_status()
    return str(answer.json()["id"])


async def amount(of: Ordered) -> str:
    await of.change_payment("amount = amount + 1")
    return of.intent


async def currency(of: Ordered) -> str:
    await of.change_payment("currency = 'EUR'")
    return of.intent


async def unknown_dispute(of: Ordered) -> str:
    return await of.world.platform.outside.dispute(of.intent, amount=PART)


async def unknown_transfer(of: Ordered) -> str:
    made = await gateway_of(of.world).transfer(
        Transfer(
            reference=new_id(Prefix.SETTLEMENT),
            destination=VENDOR_ACCOUNT,
            amount=PART,
            currency="USD",
            key=f"planted:{of.order_id}",
        )
    )
    return made.provider_transfer_id


async def missing_transfer(of: Ordered) -> str:
    settlement_id = new_id(Prefix.SETTLEMENT)
    await of.world.sql(
        "INSERT INTO settlements (id, vendor_id, currency, period_start_at, period_end_at, status,"
        " sales_amount, commission_amount, refunds_amount, disputes_amount, adjustments_amount,"
        " amount, attempt, provider, destination, provider_transfer_id)"
        " SELECT :id, vendor_id, 'USD', now() - interval '1 day', now(), 'paid',"
        " :amount, 0, 0, 0, 0, :amount, 1, 'stripe', :destination, 'tr_nobody'"
        " FROM order_items WHERE order_id = :order_id LIMIT 1",
        id=settlement_id,
        order_id=of.order_id,
        amount=PART,
        destination=VENDOR_ACCOUNT,
    )
    return settlement_id


async def unprocessed_event(of: Ordered) -> str:
    event_id = new_id(Prefix.EVENT)
    await of.world.sql(
        "INSERT INTO webhook_events (provider, event_id, type, object_id, payload)"
        " VALUES ('stripe', :id, 'payment_intent.succeeded', :intent, '{}')",
        id=event_id,
        intent=of.intent,
    )
    return event_id


async def missed_event(of: Ordered) -> str:
    """A capture that its provider tells of, and the webhook is lost: as all of them are here."""
    refund = await unknown_refund(of)
    settings = of.world.platform.resources.settings.stripe
    async with httpx.AsyncClient() as http:
        listed = await http.get(
            f"{settings.api_base}/v1/events",
            params={"type": "refund.created"},
            auth=(settings.api_key.get_secret_value(), ""),
        )
    (event,) = (one for one in listed.json()["data"] if one["data"]["object"]["id"] == refund)
    return str(event["id"])


async def lost_workflow(of: Ordered) -> str:
    await of.world.platform.shop.fulfillment(of.order_id).terminate("planted")
    return of.order_id


async def balance(of: Ordered) -> str:
    async with of.world.platform.shop.database.transaction() as session:
        await ledger.post(
            session,
            Posting(
                key="planted:balance",
                kind=PostingKind.ADJUSTMENT,
                currency="USD",
                legs=[
                    debit(Account.PROVIDER_BALANCE, OFF, "stripe"),
                    credit(Account.SUSPENSE, OFF, "stripe"),
                ],
            ),
        )
    return "USD"


Plant = Callable[[Ordered], Awaitable[str]]

FOR_PEOPLE: dict[DifferenceKind, Plant] = {
    DifferenceKind.UNKNOWN_PAYMENT: unknown_payment,
    DifferenceKind.MISSING_PAYMENT: missing_payment,
    DifferenceKind.CAPTURED_AMOUNT: captured_amount,
    DifferenceKind.REFUNDED_AMOUNT: refunded_amount,
    DifferenceKind.AMOUNT: amount,
    DifferenceKind.CURRENCY: currency,
    DifferenceKind.UNKNOWN_TRANSFER: unknown_transfer,
    DifferenceKind.MISSING_TRANSFER: missing_transfer,
    DifferenceKind.BALANCE: balance,
}
"""Found by the next run and shown."""

REPAIRED: dict[DifferenceKind, Plant] = {
    DifferenceKind.UNWANTED_PAYMENT: unwanted_payment,
    DifferenceKind.STATE: state,
    DifferenceKind.LOST_CAPTURE: lost_capture,
    DifferenceKind.UNKNOWN_REFUND: unknown_refund,
    DifferenceKind.UNKNOWN_DISPUTE: unknown_dispute,
    DifferenceKind.UNPROCESSED_EVENT: unprocessed_event,
    DifferenceKind.MISSED_EVENT: missed_event,
    DifferenceKind.LOST_WORKFLOW: lost_workflow,
}
"""Found by the next run and put right. A dispute's state follows when it is recorded."""
