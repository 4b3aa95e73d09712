"""Further payments of an order: authorized when it costs more, let go when they are not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.asking import noting_silence, require_asked
from activities.providers import CLOCK_SKEW_SECONDS, gateway_of, may_have_happened
from core.database import Database
from core.domain.errors import ProviderRejectedError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.money import Money
from core.domain.payments import AskedPayment, ProviderPayment
from core.domain.statuses import OrderStatus, PaymentStatus
from core.gateways.payments import Authorization, Authorized, PaymentGateway
from models.orders import Order
from models.payments import Payment, PaymentPurpose
from models.repositories import orders, payments, timeline, unanswered
from workflows.ports.payments import (
    AuthorizationRef,
    AuthorizationState,
    AuthorizeMore,
    PaymentActivities,
    ReleaseAuthorizations,
    Released,
)

_UNDECIDED = (PaymentStatus.PENDING, PaymentStatus.UNKNOWN)
_UNDER_WAY = (*_UNDECIDED, PaymentStatus.REQUIRES_ACTION)


class GatewayAuthorizationActivities(PaymentActivities):
    """The part of the payment activities that looks after an order's further payments.

    The row of a payment is written before its call, so that the number in its key is decided once.
    """

    def __init__(
        self,
        database: Database,
        gateways: Mapping[str, PaymentGateway],
        *,
        return_url: str | None = None,
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._return_url = return_url

    @activity.defn
    async def authorize_more(self, step: AuthorizeMore) -> AuthorizationState:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            payment = await payments.add(
                session,
                order,
                purpose=step.purpose,
                reference=step.reference,
                amount=step.amount,
                provider=step.provider,
                payment_method=step.payment_method,
            )
            await session.refresh(payment)
        if payment.status not in _UNDECIDED:
            return _state(payment)
        answer = await self._authorize_once(self._gateway(payment.provider), payment)
        return await self._record(payment, answer)

    async def _authorize_once(self, gateway: PaymentGateway, payment: Payment) -> Authorized:
        unknown = payment.status == PaymentStatus.UNKNOWN
        if unknown or may_have_happened(payment.created_at.timestamp()):
            found = await self._find(gateway, payment)
            if found is not None and found.status is not PaymentStatus.REQUIRES_ACTION:
                return Authorized(payment=found)
        begun = await self._begun(gateway, payment.id)
        async with noting_silence(
            lambda: unanswered.mark_payment(self._database, payment.order_id, payment.id)
        ):
            return await gateway.authorize(
                Authorization(
                    order_id=payment.order_id,
                    payment_id=payment.id,
                    amount=payment.amount,
                    currency=payment.currency,
                    payment_method=payment.payment_method,
                    key=f"{payment.order_id}:authorize:{payment.attempt}",
                    email=begun.email,
                    return_url=self._back_to(payment.order_id),
                )
            )

    @activity.defn
    async def check_authorization(self, step: AuthorizationRef) -> AuthorizationState:
        payment = await self._read(step.payment_id)
        if payment.status not in _UNDER_WAY:
            return _state(payment)
        gateway = self._gateway(payment.provider)
        if payment.provider_payment_id is not None:
            found = await gateway.fetch(payment.provider_payment_id)
        else:
            made = await self._find(gateway, payment)
            if made is None:
                return _state(payment)
            found = made
        if found.status is PaymentStatus(payment.status):
            return _state(payment)
        return await self._record(payment, Authorized(payment=found))

    @activity.defn
    async def void_authorization(self, step: AuthorizationRef) -> AuthorizationState:
        async with self._database.transaction() as session:
            payment = await payments.get(session, step.payment_id)
            planned = await payments.planned_on(session, payment.id)
        if payment.status in payments.ENDED:
            return _state(payment)
        gateway = self._gateway(payment.provider)
        provider_payment_id = payment.provider_payment_id
        if provider_payment_id is None:
            made = await self._find(gateway, payment)
            provider_payment_id = made.provider_payment_id if made else None
        if provider_payment_id is not None:
            kept = payment.captured_amount + planned
            await self._void(gateway, payment, provider_payment_id, kept)
        return await self._record_void(payment, lapsed=step.lapsed)

    @activity.defn
    async def release_authorizations(self, step: ReleaseAuthorizations) -> Released:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            ending = order.cancel_requested_at is not None or order.status in {
                OrderStatus.CANCELED,
                OrderStatus.FAILED,
            }
            idle = [
                payment.id
                for payment in await payments.of_order(session, order.id)
                if _is_idle(payment, ending=ending)
                and not await payments.planned_on(session, payment.id)
            ]
        amount = 0
        for payment_id in idle:
            before = await self._read(payment_id)
            await self.void_authorization(
                AuthorizationRef(order_id=step.order_id, payment_id=payment_id)
            )
            amount += before.authorized_amount - before.captured_amount
        return Released(amount=amount)

    async def _void(
        self, gateway: PaymentGateway, payment: Payment, provider_payment_id: str, kept: int
    ) -> None:
        gone = await gateway.void(
            provider_payment_id,
            key=f"{payment.order_id}:void:{provider_payment_id}",
            captured_amount=kept,
        )
        if gone.status is not PaymentStatus.VOIDED and not gone.captured_amount:
            raise ProviderRejectedError(f"a {gone.status} payment cannot be let go")

    async def _record(self, payment: Payment, answer: Authorized) -> AuthorizationState:
        require_asked(answer.payment, asked_with(payment))
        challenge = asdict(answer.challenge) if answer.challenge else None
        async with self._database.transaction() as session:
            order = await orders.lock(session, payment.order_id)
            row = await payments.get(session, payment.id)
            entry = await record_outcome(session, order, row, answer.payment, challenge)
            if entry is not None:
                await timeline.append(session, order.id, [entry])
            return _state(row)

    async def _record_void(self, payment: Payment, *, lapsed: bool) -> AuthorizationState:
        async with self._database.transaction() as session:
            order = await orders.lock(session, payment.order_id)
            row = await payments.get(session, payment.id)
            was = row.status
            gone = await payments.let_go(session, order, row)
            if gone or row.status != was:
                entry = let_go_entry(row, gone, lapsed=lapsed)
                await timeline.append(session, order.id, [entry])
            return _state(row)

    async def _find(self, gateway: PaymentGateway, payment: Payment) -> ProviderPayment | None:
        since = int(payment.created_at.timestamp()) - CLOCK_SKEW_SECONDS
        made = await gateway.find(payment.order_id, since)
        found = [one for one in made if one.payment_id == payment.id]
        live = [one for one in found if one.status not in payments.ENDED]
        return next(iter(live or found), None)

    async def _read(self, payment_id: str) -> Payment:
        async with self._database.transaction() as session:
            return await payments.get(session, payment_id)

    async def _begun(self, gateway: PaymentGateway, payment_id: str) -> payments.Begun:
        """What only the database knows of a payment; asked for when the provider needs it."""
        if not gateway.capabilities.needs_email:
            return payments.Begun()
        return await payments.begun(self._database, payment_id)

    def _back_to(self, order_id: str) -> str | None:
        return self._return_url and self._return_url.replace("{order_id}", order_id)

    def _gateway(self, provider: str) -> PaymentGateway:
        return gateway_of(self._gateways, provider)


def asked_with(payment: Payment) -> AskedPayment:
    """What a payment's provider was asked for."""
    return AskedPayment(
        order_id=payment.order_id,
        payment_id=payment.id,
        amount=payment.amount,
        currency=payment.currency,
    )


async def record_outcome(
    session: AsyncSession,
    order: Order,
    payment: Payment,
    found: ProviderPayment,
    challenge: dict[str, object] | None = None,
) -> TimelineEntry | None:
    """Record what became of a further payment; return what the timeline says of it, if new."""
    if not await payments.record_authorization(session, order, payment, found, challenge):
        return None
    actor = f"provider:{payment.provider}"
    amount = str(Money(amount=payment.amount, currency=payment.currency))
    renewal = payment.purpose == PaymentPurpose.RENEWAL
    match found.status:
        case PaymentStatus.AUTHORIZED if renewal:
            return TimelineEntry(
                type=OrderEvent.PAYMENT_RENEWED,
                title="Authorized again",
                detail=amount,
                actor=actor,
            )
        case PaymentStatus.AUTHORIZED:
            return TimelineEntry(
                type=OrderEvent.PAYMENT_AUTHORIZED,
                title="Payment authorized",
                detail=amount,
                actor=actor,
            )
        case PaymentStatus.REQUIRES_ACTION:
            return TimelineEntry(
                type=OrderEvent.PAYMENT_REQUIRES_ACTION,
                title="The bank asks for a confirmation",
                detail=amount,
                actor=actor,
            )
        case PaymentStatus.FAILED:
            return TimelineEntry(
                type=OrderEvent.PAYMENT_DECLINED,
                title="Payment declined",
                detail=found.decline_code or "",
                actor=actor,
            )
        case _:
            return None


def let_go_entry(payment: Payment, amount: int, *, lapsed: bool) -> TimelineEntry:
    """What the timeline says of an authorization that is no more."""
    detail = str(Money(amount=amount, currency=payment.currency)) if amount else ""
    actor = f"provider:{payment.provider}"
    if lapsed:
        return TimelineEntry(
            type=OrderEvent.PAYMENT_LAPSED,
            title="The authorization has lapsed",
            detail=detail,
            actor=actor,
        )
    if payment.captured_amount:
        return TimelineEntry(
            type=OrderEvent.PAYMENT_RELEASED,
            title="The rest of the authorization was let go",
            detail=detail,
        )
    return TimelineEntry(
        type=OrderEvent.PAYMENT_VOIDED, title="The authorization was let go", detail=detail
    )


def _is_idle(payment: Payment, *, ending: bool) -> bool:
    """Whether nothing needs what the payment holds; an exchange pays for what comes later."""
    if payment.status in payments.ENDED:
        return False
    if payment.purpose == PaymentPurpose.EXCHANGE and not ending:
        return False
    if payment.status in _UNDER_WAY:
        return ending
    return payment.authorized_amount > payment.captured_amount


def _state(payment: Payment) -> AuthorizationState:
    return AuthorizationState(
        payment_id=payment.id,
        attempt=payment.attempt,
        status=PaymentStatus(payment.status),
        authorized_amount=payment.authorized_amount,
        captured_amount=payment.captured_amount,
        capture_before=payment.capture_before,
        decline_code=payment.decline_code,
    )
