"""Calls to payment providers. Keys come from business ids; a lost answer is asked for first."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from activities.asking import GONE, noting_silence, require_asked
from activities.authorizations import GatewayAuthorizationActivities, record_outcome
from activities.providers import may_have_happened, placed_at
from core.domain.errors import NotFoundError, PaymentMismatchError, ProviderRejectedError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import issued_at
from core.domain.payments import AskedPayment, ProviderPayment, ProviderRefund
from core.domain.statuses import PaymentStatus, RefundStatus
from core.gateways.payments import Authorization, PaymentGateway
from models.orders import Order
from models.payments import Payment, PaymentPurpose
from models.repositories import orders, payments, refunds, timeline, unanswered
from workflows.ports.payments import AuthorizePayment, PaymentRef

_ANSWERED = (PaymentStatus.AUTHORIZED, PaymentStatus.FAILED)
"""What an event may tell before our own call does; a challenge comes with the call's answer."""

_UNDECIDED = (PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION, PaymentStatus.UNKNOWN)
_LET_GO = (PaymentStatus.VOIDED, PaymentStatus.REFUNDED)
"""A failed payment is let go too: whoever has its client secret could confirm it once more."""


class GatewayPaymentActivities(GatewayAuthorizationActivities):
    """On the configured gateways, recording in PostgreSQL."""

    @activity.defn
    async def authorize_payment(self, step: AuthorizePayment) -> ProviderPayment:
        terms = step.terms
        gateway = self._gateway(terms.provider)
        asked = AskedPayment(
            order_id=step.order_id,
            payment_id=terms.payment_id,
            amount=terms.amount,
            currency=terms.currency,
        )
        begun = await self._begun(gateway, terms.payment_id)
        if begun.challenged is not None:
            # Its customer has the address of this page: a second page could be paid as well.
            return await self._asked_before(gateway, begun.challenged, asked)
        if await self._may_have_been_asked(step):
            found = await self._find_live(gateway, asked)
            if found is not None and found.status is not PaymentStatus.REQUIRES_ACTION:
                return found
        async with noting_silence(
            lambda: unanswered.mark_payment(self._database, step.order_id, terms.payment_id)
        ):
            result = await gateway.authorize(
                Authorization(
                    order_id=step.order_id,
                    payment_id=terms.payment_id,
                    amount=terms.amount,
                    currency=terms.currency,
                    payment_method=terms.payment_method,
                    key=f"{step.order_id}:authorize:{step.business_attempt}",
                    email=begun.email,
                    return_url=self._back_to(step.order_id),
                )
            )
        require_asked(result.payment, asked)
        if result.challenge is not None:
            await payments.keep_challenge(
                self._database,
                payment_id=terms.payment_id,
                provider_payment_id=result.payment.provider_payment_id,
                next_action=asdict(result.challenge),
            )
        return result.payment

    async def _may_have_been_asked(self, step: AuthorizePayment) -> bool:
        """The row remembers a lost answer for the next attempt, a reset and another worker."""
        if may_have_happened(issued_at(step.order_id)):
            return True
        row = await unanswered.asked(self._database, step.terms.payment_id)
        return row is not None and row["status"] == PaymentStatus.UNKNOWN

    @activity.defn
    async def fetch_payment(self, step: PaymentRef) -> ProviderPayment | None:
        gateway = self._gateway(step.provider)
        asked = await self._asked(step)
        if step.provider_payment_id is None:
            return await self._find_live(gateway, asked)
        return await self._asked_before(gateway, step.provider_payment_id, asked)

    async def _asked_before(
        self, gateway: PaymentGateway, provider_payment_id: str, asked: AskedPayment
    ) -> ProviderPayment:
        found = await gateway.fetch(provider_payment_id)
        require_asked(found, asked)
        return found

    async def _asked(self, step: PaymentRef) -> AskedPayment:
        row = await unanswered.asked(self._database, step.payment_id)
        if row is None or row["order_id"] != step.order_id:
            raise NotFoundError(f"no payment {step.payment_id} of {step.order_id}")
        return AskedPayment(
            order_id=step.order_id,
            payment_id=step.payment_id,
            amount=row["amount"],
            currency=row["currency"],
        )

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
            found = await gateway.fetch(step.provider_payment_id)
            _require_named(found, step.order_id)
            await self._require_own(step)
            live = [found]
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
        sent = [one for one in known if one.reference == reference]
        if any(one.status is not RefundStatus.FAILED for one in sent):
            return voided
        if sent:
            raise ProviderRejectedError(f"the money came back: {sent[0].failure_code or 'why?'}")
        await gateway.refund(
            provider_payment_id,
            amount=voided.captured_amount - voided.refunded_amount,
            key=f"{order_id}:void-refund:{provider_payment_id}",
            reference=reference,
        )
        return await gateway.fetch(provider_payment_id)

    @activity.defn
    async def return_stray(self, step: PaymentRef) -> ProviderPayment | None:
        if step.provider_payment_id is None:
            return None
        gateway = self._gateway(step.provider)
        found = await gateway.fetch(step.provider_payment_id)
        _require_named(found, step.order_id)
        if found.status in GONE or await self._is_ours(step, found):
            return found
        await self._require_own(step)
        gone = await self._let_go(gateway, step.order_id, step.provider_payment_id)
        async with self._database.transaction() as session:
            await orders.lock(session, step.order_id)
            await unanswered.tell_of_stray(session, step.order_id, found)
        return gone

    async def _require_own(self, step: PaymentRef) -> None:
        """Let another payment of an order go only while its own is at the provider.

        Raises:
            PaymentMismatchError: it is not, so the other one may be the real one.
        """
        async with self._database.transaction() as session:
            own = {
                payment.provider_payment_id: payment.provider
                for payment in await payments.of_order(session, step.order_id)
                if payment.provider_payment_id and payment.status not in payments.ENDED
            }
        if step.provider_payment_id in own:
            return
        for provider_payment_id, provider in own.items():
            try:
                await self._gateway(provider).fetch(provider_payment_id)
            except ProviderRejectedError:
                raise PaymentMismatchError(
                    f"the provider's payment {step.provider_payment_id} is not given back: "
                    f"{provider} does not know {provider_payment_id}, which the order has"
                ) from None

    async def _is_ours(self, step: PaymentRef, found: ProviderPayment) -> bool:
        """Whether it is a payment that we asked for, told of before our own call returned."""
        row = await unanswered.asked(self._database, found.payment_id or "")
        return (
            row is not None
            and (row["order_id"], row["provider"]) == (step.order_id, step.provider)
            and row["provider_payment_id"] in {None, found.provider_payment_id}
        )

    async def _find_live(
        self, gateway: PaymentGateway, asked: AskedPayment
    ) -> ProviderPayment | None:
        """The payment that was asked for, if the provider has it.

        Raises:
            PaymentMismatchError: it has one in our name, and that is another one.
        """
        made = await gateway.find(asked.order_id, placed_at(asked.order_id))
        ours = [payment for payment in made if payment.payment_id == asked.payment_id]
        live = [payment for payment in ours if payment.status not in GONE]
        as_asked = [payment for payment in live if payment.differs_from(asked) is None]
        found = next(iter(as_asked or live or ours), None)
        if found is not None:
            require_asked(found, asked)
        return found


def _require_named(found: ProviderPayment, order_id: str) -> None:
    """Let nobody's money go but the order's.

    Raises:
        PaymentMismatchError: the payment was made for something else, and holds money.
    """
    if found.order_id != order_id and found.status not in GONE and not _is_let_go(found):
        raise PaymentMismatchError(
            f"the provider's payment {found.provider_payment_id} is not given back: "
            f"it was made for {found.order_id or 'no order of ours'}"
        )


def _is_let_go(payment: ProviderPayment) -> bool:
    given_back = payment.captured_amount and payment.captured_amount == payment.refunded_amount
    return payment.status in _LET_GO or bool(given_back)
