"""Calls to payment providers. Keys come from business ids; a lost answer is asked for first."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict

from temporalio import activity

from core.database import Database
from core.domain.errors import InvalidStateError, NotFoundError, ProviderRejectedError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import issued_at
from core.domain.money import Money
from core.domain.payments import ProviderPayment
from core.domain.statuses import PaymentStatus
from core.gateways.payments import Authorization, PaymentGateway
from models.repositories import orders, payments, timeline
from workflows.ports.payments import (
    AuthorizePayment,
    CapturePayment,
    PaymentActivities,
    PaymentRef,
)

KEY_LIFETIME_SECONDS = 23 * 3600
"""Stripe forgets an idempotency key after 24 hours (its API reference, "Idempotent requests")."""

CLOCK_SKEW_SECONDS = 300
_DEAD = (PaymentStatus.FAILED, PaymentStatus.VOIDED)
_LET_GO = (PaymentStatus.VOIDED, PaymentStatus.REFUNDED)
"""A failed payment is not gone: whoever has its client secret could confirm it once more."""


class GatewayPaymentActivities(PaymentActivities):
    """On the configured gateways, recording in PostgreSQL."""

    def __init__(self, database: Database, gateways: Mapping[str, PaymentGateway]) -> None:
        self._database = database
        self._gateways = gateways

    @activity.defn
    async def authorize_payment(self, step: AuthorizePayment) -> ProviderPayment:
        gateway = self._gateway(step.terms.provider)
        if _may_have_happened(step.order_id):
            found = await self._find_live(gateway, step.order_id)
            if found is not None and found.status is not PaymentStatus.REQUIRES_ACTION:
                return found
        result = await gateway.authorize(
            Authorization(
                order_id=step.order_id,
                payment_id=step.terms.payment_id,
                amount=step.terms.amount,
                currency=step.terms.currency,
                payment_method=step.terms.payment_method,
                key=f"{step.order_id}:authorize:{step.business_attempt}",
            )
        )
        if result.challenge is not None:
            await payments.keep_challenge(
                self._database,
                payment_id=step.terms.payment_id,
                provider_payment_id=result.payment.provider_payment_id,
                next_action=asdict(result.challenge),
            )
        return result.payment

    @activity.defn
    async def fetch_payment(self, step: PaymentRef) -> ProviderPayment | None:
        gateway = self._gateway(step.provider)
        if step.provider_payment_id is not None:
            return await gateway.fetch(step.provider_payment_id)
        return await self._find_live(gateway, step.order_id)

    @activity.defn
    async def sync_payment(self, step: PaymentRef) -> ProviderPayment | None:
        found = await self.fetch_payment(step)
        if found is None:
            return None
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            payment = await orders.first_payment(session, step.order_id)
            if found.status is PaymentStatus.VOIDED and orders.move_payment(
                order, payment, found.status
            ):
                await session.flush()
                entry = TimelineEntry(
                    type=OrderEvent.PAYMENT_VOIDED,
                    title="The authorization was let go by the provider",
                    actor=f"provider:{step.provider}",
                )
                await timeline.append(session, order.id, [entry])
        return found

    @activity.defn
    async def void_payment(self, step: PaymentRef) -> ProviderPayment | None:
        gateway = self._gateway(step.provider)
        if step.provider_payment_id is not None:
            live = [await gateway.fetch(step.provider_payment_id)]
        else:
            live = await gateway.find(step.order_id, self._since(step.order_id))
        voided: ProviderPayment | None = None
        for payment in live:
            if payment.status in _LET_GO or payment.provider_payment_id is None:
                continue
            voided = await gateway.void(
                payment.provider_payment_id,
                key=f"{step.order_id}:void:{payment.provider_payment_id}",
            )
            if voided.status not in _LET_GO:
                raise ProviderRejectedError(f"a {voided.status} payment cannot be voided")
        return voided or next((p for p in live if p.status is PaymentStatus.VOIDED), None)

    @activity.defn
    async def capture_payment(self, step: CapturePayment) -> ProviderPayment:
        row = await payments.capture_state(self._database, step.payment_id, step.number)
        if row is None or row["provider_payment_id"] is None:
            raise NotFoundError(f"no authorized payment {step.payment_id}")
        gateway = self._gateway(row["provider"])
        provider_payment_id: str = row["provider_payment_id"]
        if row["captured"]:
            return await gateway.fetch(provider_payment_id)
        if activity.info().attempt > 1:
            present = await gateway.fetch(provider_payment_id)
            if present.status in _DEAD:
                raise ProviderRejectedError("the authorization has lapsed")
            if step.final and present.captured_amount >= step.amount:
                return await self._record_capture(step, present)
        # Beside the captures of other parcels a sum proves nothing; the same key gets the same
        # answer, so sending it again is the question whether it was done.
        captured = await gateway.capture(
            provider_payment_id,
            amount=step.amount,
            final=step.final,
            key=f"{step.order_id}:capture:{step.number}",
        )
        if captured.captured_amount < step.amount:
            raise InvalidStateError(present=captured.status, wanted="captured")
        return await self._record_capture(step, captured)

    async def _record_capture(
        self, step: CapturePayment, captured: ProviderPayment
    ) -> ProviderPayment:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            payment = await orders.first_payment(session, step.order_id)
            new = await payments.record_capture(
                session,
                order,
                payment,
                number=step.number,
                amount=step.amount,
                final=step.final,
            )
            await session.flush()
            if new:
                amount = Money(amount=step.amount, currency=order.currency)
                entry = TimelineEntry(
                    type=OrderEvent.PAYMENT_CAPTURED,
                    title="Payment captured",
                    detail=str(amount),
                    actor=f"provider:{payment.provider}",
                )
                await timeline.append(session, order.id, [entry])
        return captured

    async def _find_live(self, gateway: PaymentGateway, order_id: str) -> ProviderPayment | None:
        found = await gateway.find(order_id, self._since(order_id))
        live = [payment for payment in found if payment.status not in _DEAD]
        return next(iter(live or found), None)

    def _since(self, order_id: str) -> int:
        return issued_at(order_id) - CLOCK_SKEW_SECONDS

    def _gateway(self, provider: str) -> PaymentGateway:
        gateway = self._gateways.get(provider)
        if gateway is None:
            raise NotFoundError(f"no payment provider {provider}")
        return gateway


def _may_have_happened(order_id: str) -> bool:
    """An earlier attempt may have had its effect, or its idempotency key may be forgotten."""
    old = time.time() - issued_at(order_id) > KEY_LIFETIME_SECONDS
    return old or activity.info().attempt > 1
