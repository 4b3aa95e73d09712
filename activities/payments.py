"""Calls to payment providers. Keys come from business ids; a lost answer is asked for first."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.authorizations import GatewayAuthorizationActivities, record_outcome
from activities.providers import may_have_happened, placed_at
from core.domain.errors import ProviderRejectedError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import issued_at
from core.domain.payments import ProviderPayment, ProviderRefund
from core.domain.statuses import PaymentStatus
from core.gateways.payments import Authorization, PaymentGateway
from models.orders import Order
from models.payments import Payment, PaymentPurpose
from models.repositories import orders, payments, refunds, timeline
from workflows.ports.payments import AuthorizePayment, PaymentRef

_ANSWERED = (PaymentStatus.AUTHORIZED, PaymentStatus.FAILED)
"""What an event may tell before our own call does; a challenge comes with the call's answer."""

_UNDECIDED = (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.UNKNOWN)
_DEAD = (PaymentStatus.FAILED, PaymentStatus.VOIDED)
_LET_GO = (PaymentStatus.VOIDED, PaymentStatus.REFUNDED)
"""A failed payment is not gone: whoever has its client secret could confirm it once more."""


class GatewayPaymentActivities(GatewayAuthorizationActivities):
    """On the configured gateways, recording in PostgreSQL."""

    @activity.defn
    async def authorize_payment(self, step: AuthorizePayment) -> ProviderPayment:
        gateway = self._gateway(step.terms.provider)
        begun = await self._begun(gateway, step.terms.payment_id)
        if begun.challenged is not None:
            # Its customer has the address of this page: a second page could be paid as well.
            return await gateway.fetch(begun.challenged)
        if may_have_happened(issued_at(step.order_id)):
            found = await self._find_live(gateway, step.order_id, step.terms.payment_id)
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
                email=begun.email,
                return_url=self._back_to(step.order_id),
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
        return await self._find_live(gateway, step.order_id, step.payment_id)

    @activity.defn
    async def sync_payment(self, step: PaymentRef) -> ProviderPayment | None:
        gateway = self._gateway(step.provider)
        found = await self.fetch_payment(step)
        if found is None or found.provider_payment_id is None:
            return None
        given_back: list[ProviderRefund] = []
        if found.captured_amount or found.taken_at_once:
            await self._give_surplus_back(gateway, step.payment_id, found)
            given_back = await gateway.find_refunds(found.provider_payment_id)
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            payment = await payments.get(session, step.payment_id)
            await self._record_state(session, order, payment, found)
            await refunds.record_found(session, order, payment, given_back)
        return found

    async def _give_surplus_back(
        self, gateway: PaymentGateway, payment_id: str, found: ProviderPayment
    ) -> None:
        """Let go of money that was taken although our books have let it go.

        A page was paid after all, or the refund of what was let go has failed.
        """
        payment = await self._read(payment_id)
        if (
            not found.taken_at_once
            or found.provider_payment_id is None
            or payment.status in _UNDECIDED
        ):
            return
        kept = 0 if payment.status in payments.ENDED else payment.authorized_amount
        if found.authorized_amount > kept:
            await gateway.void(
                found.provider_payment_id,
                key=f"{payment.order_id}:void:{found.provider_payment_id}",
                captured_amount=kept,
            )

    async def _record_state(
        self, session: AsyncSession, order: Order, payment: Payment, found: ProviderPayment
    ) -> None:
        """Record news of the authorization; captures and refunds are recorded by their steps."""
        entry: TimelineEntry | None = None
        actor = f"provider:{payment.provider}"
        if found.status is PaymentStatus.VOIDED:
            if payment.status not in payments.ENDED and not payment.captured_amount:
                await payments.let_go(session, order, payment)
                entry = TimelineEntry(
                    type=OrderEvent.PAYMENT_VOIDED,
                    title="The authorization was let go by the provider",
                    actor=actor,
                )
        elif payment.purpose != PaymentPurpose.ORDER and found.status in _ANSWERED:
            entry = await record_outcome(session, order, payment, found)
        if entry is not None:
            await timeline.append(session, order.id, [entry])

    @activity.defn
    async def void_payment(self, step: PaymentRef) -> ProviderPayment | None:
        gateway = self._gateway(step.provider)
        if step.provider_payment_id is not None:
            live = [await gateway.fetch(step.provider_payment_id)]
        else:
            live = await gateway.find(step.order_id, placed_at(step.order_id))
        voided: ProviderPayment | None = None
        for payment in live:
            if payment.provider_payment_id is None or _is_let_go(payment):
                continue
            voided = await self._let_go(gateway, step.order_id, payment.provider_payment_id)
        return voided or next((p for p in live if _is_let_go(p)), None)

    async def _let_go(
        self, gateway: PaymentGateway, order_id: str, provider_payment_id: str
    ) -> ProviderPayment:
        """Void what is only authorized; what was captured goes back to the customer."""
        voided = await gateway.void(
            provider_payment_id, key=f"{order_id}:void:{provider_payment_id}"
        )
        if _is_let_go(voided):
            return voided
        if not voided.captured_amount:
            raise ProviderRejectedError(f"a {voided.status} payment cannot be voided")
        reference = f"void:{provider_payment_id}"
        known = await gateway.find_refunds(provider_payment_id)
        if any(one.reference == reference for one in known):
            return voided
        await gateway.refund(
            provider_payment_id,
            amount=voided.captured_amount - voided.refunded_amount,
            key=f"{order_id}:void-refund:{provider_payment_id}",
            reference=reference,
        )
        return await gateway.fetch(provider_payment_id)

    async def _find_live(
        self, gateway: PaymentGateway, order_id: str, payment_id: str
    ) -> ProviderPayment | None:
        made = await gateway.find(order_id, placed_at(order_id))
        found = [payment for payment in made if payment.payment_id in {None, payment_id}]
        live = [payment for payment in found if payment.status not in _DEAD]
        return next(iter(live or found), None)


def _is_let_go(payment: ProviderPayment) -> bool:
    given_back = payment.captured_amount and payment.captured_amount == payment.refunded_amount
    return payment.status in _LET_GO or bool(given_back)
