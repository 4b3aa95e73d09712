"""A provider that did not answer is asked before anything else; what is not ours is not applied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.checkout import PostgresCheckoutActivities
from core.domain.errors import PaymentMismatchError, ProviderError, ProviderRejectedError
from core.domain.ids import Prefix, derived_id, new_id
from core.domain.statuses import PaymentStatus, RefundStatus
from core.resources import Resources
from tests.integration.activities.test_money_twice import Books, books, requested
from tests.integration.activities.test_twice import twice
from tests.shop import PRICE, SHIPPING
from workflows.ports.checkout import OpenOrder, PaymentTerms
from workflows.ports.payments import (
    AuthorizationRef,
    AuthorizeMore,
    AuthorizePayment,
    PaymentRef,
)
from workflows.ports.refunds import SendRefundPart

__all__ = ["books"]

SILENT = ["timeout_after_effect", "connection_reset"]
TOTAL = 2 * PRICE + SHIPPING
CREATE = "payment_intents.create"


@pytest.fixture(autouse=True)
async def mended(books: Books) -> AsyncIterator[None]:
    yield
    await books.control.clear_faults()


async def opened(books: Books) -> tuple[str, PaymentTerms]:
    checkout = PostgresCheckoutActivities(
        books.shop.database, books.resources.temporal, books.resources.settings
    )
    order_id = await books.shop.draft(await books.shop.stock_up(5), 2)
    answer = await run(checkout.open_order, OpenOrder(order_id=order_id))
    terms: PaymentTerms = answer.terms
    return order_id, terms


async def run(activity: Any, step: Any) -> Any:
    """A first attempt: nothing but the row tells that there was one before."""
    return await ActivityEnvironment().run(activity, step)


async def made_elsewhere(
    resources: Resources, order_id: str | None, payment_id: str | None, **other: Any
) -> str:
    """A payment that another system made at our provider; its id there."""
    gateway: Any = resources.payments["stripe"]
    metadata = {"order_id": order_id, "payment_id": payment_id}
    intent = await gateway._intents.create_async(
        {
            "amount": TOTAL,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "capture_method": "manual",
            "confirm": True,
            "metadata": {name: value for name, value in metadata.items() if value},
            **other,
        }
    )
    return str(intent.id)


@pytest.mark.parametrize("mode", SILENT)
async def test_silence_about_an_authorization_is_written_down_and_asked_about(
    books: Books, mode: str
) -> None:
    order_id, terms = await opened(books)
    step = AuthorizePayment(order_id=order_id, terms=terms)
    await books.control.fault("stripe", CREATE, mode, latency_ms=0)

    with pytest.raises(ProviderError, match="not known whether"):
        await run(books.payments.authorize_payment, step)
    assert (await books.shop.payment(order_id))["status"] == "unknown"
    assert (await books.shop.order(order_id))["payment_status"] == "pending"
    # Another key would be another charge, if the provider were not asked first.
    again = replace(step, business_attempt=2)
    found = await twice(books.payments.authorize_payment, again)

    assert found.status is PaymentStatus.AUTHORIZED
    assert await books.charges(order_id) == [("requires_capture", 0, 0)]
    assert (await books.shop.events(order_id)).count("payment.unknown") == 1


@pytest.mark.parametrize("mode", SILENT)
async def test_silence_about_a_further_payment_is_asked_about(books: Books, mode: str) -> None:
    order_id = await books.confirmed()
    more = AuthorizeMore(order_id=order_id, purpose="edit", reference="edt_1", amount=700)
    await books.control.fault("stripe", CREATE, mode, latency_ms=0)
    with pytest.raises(ProviderError):
        await run(books.payments.authorize_more, more)
    rows = await books.shop.payments(order_id)
    assert [row["status"] for row in rows] == ["authorized", "unknown"]

    state = await twice(books.payments.authorize_more, more)

    assert state.status is PaymentStatus.AUTHORIZED
    assert len(await books.charges(order_id)) == 2


@pytest.mark.parametrize("key", ["remembered", "forgotten"])
@pytest.mark.parametrize("mode", SILENT)
async def test_silence_about_a_capture_is_asked_about_also_when_its_key_is_forgotten(
    books: Books, mode: str, key: str
) -> None:
    order_id = await books.confirmed()
    plan = await books.plan(order_id, 1)
    (part,) = plan.parts
    await books.control.fault("stripe", "payment_intents.capture", mode, latency_ms=0)
    with pytest.raises(ProviderError):
        await run(books.captures.capture_part, part)
    if key == "forgotten":
        await books.shop.database.statement(
            text("""
            WITH aged AS (
                UPDATE captures SET created_at = created_at - interval '2 days'
                WHERE payment_id = :id RETURNING payment_id
            ) UPDATE payments SET attempt = 7 FROM aged WHERE id = aged.payment_id
            """),  # the attempt is a part of the key: with another one the provider captures again
            {"id": part.payment_id},
        )

    outcome = await twice(books.captures.capture_part, part)

    assert outcome.captured
    assert await books.charges(order_id) == [("requires_capture", plan.amount, 0)]
    assert (await books.shop.events(order_id)).count("payment.captured") == 1


async def test_capture_beside_others_that_nobody_can_account_for_waits(books: Books) -> None:
    order_id = await books.confirmed()
    (first,), (second,) = [(await books.plan(order_id, n)).parts for n in (1, 2)]
    await books.control.fault("stripe", "payment_intents.capture", "timeout_after_effect")
    with pytest.raises(ProviderError):
        await run(books.captures.capture_part, first)
    await books.shop.database.statement(
        text("UPDATE captures SET created_at = created_at - interval '2 days'"), {}
    )

    for part in (first, second):
        with pytest.raises(ProviderError, match="not known for which parcel"):
            await run(books.captures.capture_part, part)
    assert await books.charges(order_id) == [("requires_capture", first.amount, 0)]


@pytest.mark.parametrize("mode", SILENT)
async def test_silence_about_a_refund_is_asked_about(books: Books, mode: str) -> None:
    order_id = await books.confirmed()
    await books.capture(order_id, 1)
    refund_id = await requested(books, order_id, 300)
    payment_id = derived_id(Prefix.PAYMENT, order_id, 1)
    send = SendRefundPart(order_id=order_id, refund_id=refund_id, payment_id=payment_id, tries=1)
    await books.control.fault("stripe", "refunds.create", mode, latency_ms=0)
    with pytest.raises(ProviderError):
        await run(books.refunds.send_refund_part, send)
    marked = "SELECT unanswered_at IS NOT NULL AS unknown FROM refund_parts WHERE refund_id = :id"
    assert (await books.shop.database.statement(text(marked), {"id": refund_id}))[0]["unknown"]

    state = await twice(books.refunds.send_refund_part, send)

    assert state.status is RefundStatus.SUCCEEDED
    assert (await books.charges(order_id))[0][2] == 300
    assert not (await books.shop.database.statement(text(marked), {"id": refund_id}))[0]["unknown"]


@pytest.mark.parametrize(
    ("other", "words"),
    [({"amount": 100}, "100 USD instead of"), ({"currency": "eur"}, "in EUR instead of USD")],
)
async def test_payment_of_another_amount_or_currency_is_not_applied(
    books: Books, other: dict[str, Any], words: str
) -> None:
    order_id, terms = await opened(books)
    made = await made_elsewhere(books.resources, order_id, terms.payment_id, **other)
    await books.shop.database.statement(
        text("UPDATE payments SET status = 'unknown' WHERE id = :id"), {"id": terms.payment_id}
    )
    ref = PaymentRef(order_id=order_id, payment_id=terms.payment_id, provider="stripe")
    known = replace(ref, provider_payment_id=made)

    for activity, step in (
        (books.payments.authorize_payment, AuthorizePayment(order_id=order_id, terms=terms)),
        (books.payments.fetch_payment, ref),
        (books.payments.fetch_payment, known),
        (books.payments.sync_payment, known),
        (
            books.payments.check_authorization,
            AuthorizationRef(order_id=order_id, payment_id=terms.payment_id),
        ),
    ):
        with pytest.raises(PaymentMismatchError, match=words):
            await run(activity, step)
    payment = await books.shop.payment(order_id)
    assert (payment["status"], payment["authorized_amount"]) == ("unknown", 0)
    # The checkout's compensation lets it go all the same: it is the order's money.
    await run(books.payments.void_payment, ref)
    assert await books.charges(order_id) == [("canceled", 0, 0)]


@pytest.mark.parametrize("order", ["another", "none"])
async def test_payment_of_somebody_else_is_neither_applied_nor_given_back(
    books: Books, order: str
) -> None:
    order_id, terms = await opened(books)
    foreign = new_id(Prefix.ORDER) if order == "another" else None
    made = await made_elsewhere(books.resources, foreign, None)
    ref = PaymentRef(
        order_id=order_id,
        payment_id=terms.payment_id,
        provider="stripe",
        provider_payment_id=made,
    )

    for activity in (
        books.payments.fetch_payment,
        books.payments.sync_payment,
        books.payments.return_stray,
        books.payments.void_payment,
    ):
        with pytest.raises(PaymentMismatchError, match="it was made for"):
            await run(activity, ref)

    gateway = books.resources.payments["stripe"]
    assert (await gateway.fetch(made)).status is PaymentStatus.AUTHORIZED
    assert (await books.shop.payment(order_id))["status"] == "pending"


async def test_payment_that_only_names_our_order_is_given_back_once(books: Books) -> None:
    order_id, terms = await opened(books)
    made = await made_elsewhere(books.resources, order_id, None)
    ref = PaymentRef(
        order_id=order_id,
        payment_id=terms.payment_id,
        provider="stripe",
        provider_payment_id=made,
    )
    assert await run(books.payments.fetch_payment, replace(ref, provider_payment_id=None)) is None
    with pytest.raises(PaymentMismatchError, match="it is not ours"):
        await run(books.payments.fetch_payment, ref)

    gone = await twice(books.payments.return_stray, ref)

    assert gone.status is PaymentStatus.VOIDED
    assert (await books.shop.events(order_id)).count("payment.stray_returned") == 1


async def test_second_payment_is_not_given_back_while_the_first_is_unknown_to_the_provider(
    books: Books,
) -> None:
    order_id, terms = await opened(books)
    real = await made_elsewhere(books.resources, order_id, terms.payment_id)
    await books.shop.database.statement(
        text(
            "UPDATE payments SET status = 'authorized', provider_payment_id = 'pi_not_there'"
            " WHERE id = :id"
        ),
        {"id": terms.payment_id},
    )
    ref = PaymentRef(
        order_id=order_id,
        payment_id=terms.payment_id,
        provider="stripe",
        provider_payment_id=real,
    )

    for activity in (books.payments.void_payment, books.payments.return_stray):
        with pytest.raises(PaymentMismatchError, match="does not know pi_not_there"):
            await run(activity, ref)

    assert await books.charges(order_id) == [("requires_capture", 0, 0)]


async def test_stray_whose_refund_comes_back_is_for_a_person(books: Books) -> None:
    order_id, terms = await opened(books)
    slow = {"payment_method": "pm_card_pendingRefund", "capture_method": "automatic"}
    made = await made_elsewhere(books.resources, order_id, None, **slow)
    ref = PaymentRef(
        order_id=order_id,
        payment_id=terms.payment_id,
        provider="stripe",
        provider_payment_id=made,
    )
    await twice(books.payments.return_stray, ref)
    (sent,) = await books.resources.payments["stripe"].find_refunds(made)
    await books.control.settle_refund(sent.provider_refund_id, "failed")

    with pytest.raises(ProviderRejectedError, match="the money came back"):
        await run(books.payments.return_stray, ref)
    assert len(await books.resources.payments["stripe"].find_refunds(made)) == 1


async def test_our_payment_is_no_stray_though_its_answer_is_still_to_come(books: Books) -> None:
    order_id, terms = await opened(books)
    made = await made_elsewhere(books.resources, order_id, terms.payment_id)
    ref = PaymentRef(
        order_id=order_id,
        payment_id=terms.payment_id,
        provider="stripe",
        provider_payment_id=made,
    )

    found = await twice(books.payments.return_stray, ref)

    assert found.status is PaymentStatus.AUTHORIZED
    assert await books.charges(order_id) == [("requires_capture", 0, 0)]
