"""The steps of captures, further payments and refunds run twice: one effect, one answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from activities.captures import GatewayCaptureActivities
from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.payments import GatewayPaymentActivities
from activities.refunds import GatewayRefundActivities
from core.domain.ids import Prefix, new_id
from core.domain.statuses import PaymentStatus, RefundStatus
from core.resources import Resources, open_resources
from core.settings import Settings
from models.repositories import orders, refunds
from tests.contract.sandbox import Control
from tests.integration.activities.test_twice import twice
from tests.shop import PRICE, SHIPPING, Shop
from workflows.ports.captures import CapturePlan, DropCapture, PlanCapture
from workflows.ports.checkout import ConfirmOrder, OpenOrder
from workflows.ports.fulfillment import OrderRef
from workflows.ports.payments import (
    AuthorizationRef,
    AuthorizeMore,
    AuthorizePayment,
    PaymentRef,
    ReleaseAuthorizations,
)
from workflows.ports.refunds import GiveUpRefundPart, RefundRef, SendRefundPart

TOTAL = 3 * PRICE + SHIPPING


@dataclass(frozen=True, kw_only=True)
class Books:
    """The steps under test on one shop, and the provider's side of it."""

    shop: Shop
    control: Control
    payments: GatewayPaymentActivities
    captures: GatewayCaptureActivities
    refunds: GatewayRefundActivities
    resources: Resources

    async def confirmed(self, **draft: Any) -> str:
        """An order of two vendors, confirmed and planned in two parcels."""
        settings = self.resources.settings
        checkout = PostgresCheckoutActivities(self.shop.database, self.resources.temporal, settings)
        fulfillment = PostgresFulfillmentActivities(self.shop.database, settings.fulfillment)
        one, other = await self.shop.stock_up(5), await self.shop.stock_up(5)
        order_id = await self.shop.draft(one, 2, more=[other], **draft)
        opened = await twice(checkout.open_order, OpenOrder(order_id=order_id))
        payment = await twice(
            self.payments.authorize_payment,
            AuthorizePayment(order_id=order_id, terms=opened.terms),
        )
        await twice(checkout.confirm_order, ConfirmOrder(order_id=order_id, payment=payment))
        await twice(fulfillment.plan_fulfillment, OrderRef(order_id=order_id))
        return order_id

    async def plan(self, order_id: str, number: int) -> CapturePlan:
        parcels = await self.shop.shipments(order_id)
        plan: CapturePlan = await twice(
            self.captures.plan_capture,
            PlanCapture(
                order_id=order_id,
                shipment_id=parcels[number - 1]["id"],
                number=number,
                now=datetime.now(UTC),
            ),
        )
        return plan

    async def capture(self, order_id: str, number: int) -> int:
        plan = await self.plan(order_id, number)
        for part in plan.parts:
            assert (await twice(self.captures.capture_part, part)).captured
        return plan.amount

    async def charges(self, order_id: str) -> list[tuple[str, int, int]]:
        return [
            (row["status"], row["captured"], row["refunded"])
            for row in await self.control.attempts(order_id)
        ]


@pytest.fixture
async def books(settings: Settings, sandbox_url: str) -> AsyncIterator[Books]:
    async with (
        open_resources(settings) as resources,
        httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http,
    ):
        yield Books(
            shop=Shop(resources.database, resources.temporal),
            control=Control(http=http),
            payments=GatewayPaymentActivities(resources.database, resources.payments),
            captures=GatewayCaptureActivities(resources.database, resources.payments),
            refunds=GatewayRefundActivities(resources.database, resources.payments),
            resources=resources,
        )


async def requested(books: Books, order_id: str, amount: int) -> str:
    refund_id = new_id(Prefix.REFUND)
    async with books.shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        await refunds.request(
            session, order, refund_id=refund_id, amount=amount, reason="late", actor="staff:usr_1"
        )
    return refund_id


async def test_parcels_are_captured_one_by_one(books: Books) -> None:
    order_id = await books.confirmed()
    first = await books.capture(order_id, 1)
    assert await books.charges(order_id) == [("requires_capture", first, 0)]
    assert (await books.shop.order(order_id))["payment_status"] == "partially_captured"

    second = await books.capture(order_id, 2)
    assert first + second == TOTAL
    assert await books.charges(order_id) == [("succeeded", TOTAL, 0)]
    assert (await books.shop.order(order_id))["payment_status"] == "captured"
    assert (await books.shop.events(order_id)).count("payment.captured") == 2


async def test_rest_is_let_go_after_a_capture_but_not_what_is_planned(books: Books) -> None:
    order_id = await books.confirmed()
    first = await books.capture(order_id, 1)
    await books.plan(order_id, 2)
    release = ReleaseAuthorizations(order_id=order_id)
    assert (await twice(books.payments.release_authorizations, release)).amount == 0
    assert await books.charges(order_id) == [("requires_capture", first, 0)]

    await twice(books.captures.drop_capture, DropCapture(order_id=order_id, number=2))
    released: Any = await books.payments.release_authorizations(release)
    assert released.amount == TOTAL - first
    assert (await twice(books.payments.release_authorizations, release)).amount == 0
    assert await books.charges(order_id) == [("succeeded", first, 0)]
    assert (await books.shop.order(order_id))["payment_status"] == "captured"
    assert (await books.shop.events(order_id)).count("payment.released") == 1
    assert (await books.plan(order_id, 2)).missing == TOTAL - first


async def test_untouched_authorization_is_voided(books: Books) -> None:
    order_id = await books.confirmed()
    released = await books.payments.release_authorizations(ReleaseAuthorizations(order_id=order_id))
    assert released.amount == TOTAL
    assert await books.charges(order_id) == [("canceled", 0, 0)]
    assert (await books.shop.order(order_id))["payment_status"] == "voided"
    assert (await books.shop.events(order_id)).count("payment.voided") == 1


async def test_further_payment_is_authorized_and_let_go_once(books: Books) -> None:
    order_id = await books.confirmed()
    more = AuthorizeMore(order_id=order_id, purpose="edit", reference="edt_1", amount=700)
    state = await twice(books.payments.authorize_more, more)
    assert (state.status, state.attempt, state.authorized_amount) == (
        PaymentStatus.AUTHORIZED,
        2,
        700,
    )
    ref = AuthorizationRef(order_id=order_id, payment_id=state.payment_id)
    assert await twice(books.payments.check_authorization, ref) == state
    gone = await twice(books.payments.void_authorization, ref)
    assert gone.status is PaymentStatus.VOIDED
    assert (await twice(books.payments.authorize_more, more)).status is PaymentStatus.VOIDED
    assert [one[0] for one in await books.charges(order_id)] == ["requires_capture", "canceled"]
    assert (await books.shop.order(order_id))["payment_status"] == "authorized"


async def test_declined_and_challenged_payments_are_results(books: Books) -> None:
    order_id = await books.confirmed()
    states = [
        await twice(
            books.payments.authorize_more,
            AuthorizeMore(
                order_id=order_id,
                purpose="edit",
                reference=f"edt_{method}",
                amount=700,
                provider="stripe",
                payment_method=method,
            ),
        )
        for method in ("pm_card_visa_chargeDeclined", "pm_card_authenticationRequired")
    ]
    assert [(one.status, one.decline_code) for one in states] == [
        (PaymentStatus.FAILED, "generic_decline"),
        (PaymentStatus.REQUIRES_ACTION, None),
    ]
    assert (await books.shop.order(order_id))["next_action"]["client_secret"]
    ref = AuthorizationRef(order_id=order_id, payment_id=states[1].payment_id)
    await twice(books.payments.void_authorization, ref)
    assert (await books.shop.order(order_id))["next_action"] is None


async def test_lapse_is_recorded_once_and_leaves_what_is_missing(books: Books) -> None:
    order_id = await books.confirmed()
    plan = await books.plan(order_id, 1)
    (attempt,) = await books.control.attempts(order_id)
    await books.control.lapse(attempt["id"])
    outcome = await twice(books.captures.capture_part, plan.parts[0])
    assert not outcome.captured
    assert (await books.shop.events(order_id)).count("payment.lapsed") == 1
    again = await books.plan(order_id, 1)
    assert (again.parts, again.missing) == ([], plan.amount)


async def test_refund_is_sent_once_and_given_up_once(books: Books) -> None:
    order_id = await books.confirmed()
    await books.capture(order_id, 1)
    refund_id = await requested(books, order_id, 300)
    ref = RefundRef(order_id=order_id, refund_id=refund_id)
    plan = await twice(books.refunds.plan_refund, ref)
    (payment_id,) = plan.payment_ids
    send = SendRefundPart(order_id=order_id, refund_id=refund_id, payment_id=payment_id, tries=1)
    assert (await twice(books.refunds.send_refund_part, send)).status is RefundStatus.SUCCEEDED
    assert (await books.charges(order_id))[0][2] == 300

    other = await requested(books, order_id, 200)
    up = GiveUpRefundPart(
        order_id=order_id,
        refund_id=other,
        payment_id=payment_id,
        actor="staff:usr_1",
        reason="by bank transfer",
    )
    assert (await twice(books.refunds.give_up_refund_part, up)).status is RefundStatus.FAILED
    events = await books.shop.events(order_id)
    assert (events.count("refund.succeeded"), events.count("refund.failed")) == (1, 1)


async def test_provider_is_followed_once(books: Books) -> None:
    order_id = await books.confirmed()
    (payment,) = await books.shop.payments(order_id)
    ref = PaymentRef(
        order_id=order_id,
        payment_id=payment["id"],
        provider="stripe",
        provider_payment_id=payment["provider_payment_id"],
    )
    await books.control.lapse(payment["provider_payment_id"])
    await twice(books.payments.sync_payment, ref)
    assert (await books.shop.events(order_id)).count("payment.voided") == 1
    assert (await books.shop.order(order_id))["payment_status"] == "voided"
