"""Where refunds have no keys, their senders take turns: two at the same instant send one refund."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from temporalio.testing import ActivityEnvironment

from core.domain.ids import Prefix, derived_id
from core.domain.statuses import PaymentStatus, RefundStatus
from core.resources import open_resources
from tests.integration.activities.test_money_twice import TOTAL, Books, books, requested
from workflows.ports.refunds import SendRefundPart

__all__ = ["books"]

PAYSTACK = "paystack"


async def paid(books: Books) -> tuple[str, str]:
    """An order whose money was taken at once; its id, and that of its payment at the provider."""
    order_id = await books.confirmed(
        provider=PAYSTACK, payment_method="AUTH_test_success", email="ada@example.com"
    )
    (attempt,) = await books.control.attempts(order_id, PAYSTACK)
    return order_id, str(attempt["id"])


async def given_back(books: Books, provider_payment_id: str) -> list[int]:
    found = await books.resources.payments[PAYSTACK].find_refunds(provider_payment_id)
    return [one.amount for one in found]


async def slow_refund(books: Books) -> None:
    """Let the other one look while the first one is still sending."""
    await books.control.fault(PAYSTACK, "refund.create", "latency", latency_ms=700)


async def both(one: Awaitable[object], other: Awaitable[object]) -> list[object]:
    return list(await asyncio.gather(one, other))


async def test_two_senders_of_a_refund_at_once_send_one(books: Books) -> None:
    order_id, provider_payment_id = await paid(books)
    await books.capture(order_id, 1)
    refund_id = await requested(books, order_id, 300)
    step = SendRefundPart(
        order_id=order_id,
        refund_id=refund_id,
        payment_id=derived_id(Prefix.PAYMENT, order_id, 1),
        tries=1,
    )
    await slow_refund(books)
    send = books.refunds.send_refund_part

    await both(ActivityEnvironment().run(send, step), ActivityEnvironment().run(send, step))

    assert await given_back(books, provider_payment_id) == [300]
    state = await ActivityEnvironment().run(send, step)
    assert state.status is RefundStatus.SUCCEEDED
    assert (await books.shop.payment(order_id))["refunded_amount"] == 300


async def test_two_processes_that_let_a_payment_go_at_once_give_it_back_once(books: Books) -> None:
    _, provider_payment_id = await paid(books)
    await slow_refund(books)
    async with open_resources(books.resources.settings) as other:
        gateways = [books.resources.payments[PAYSTACK], other.payments[PAYSTACK]]

        answers = await both(*(one.void(provider_payment_id, key="k:v") for one in gateways))

    assert await given_back(books, provider_payment_id) == [TOTAL]
    assert {getattr(one, "status", None) for one in answers} == {PaymentStatus.VOIDED}
