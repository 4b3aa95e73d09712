"""Capturing what a parcel costs: set aside under the order's lock, then taken part by part."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import RowMapping
from temporalio import activity

from activities.asking import noting_silence
from activities.authorizations import let_go_entry
from activities.providers import gateway_of, is_forgotten, may_have_happened
from core.database import Database
from core.domain.errors import AuthorizationLapsedError, InvalidStateError, ProviderError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.money import Money
from core.gateways.payments import PaymentGateway
from models.payments import CaptureStatus
from models.repositories import captures, orders, payments, shipments, timeline, unanswered
from workflows.ports.captures import (
    CaptureActivities,
    CapturePart,
    CapturePlan,
    DropCapture,
    PartOutcome,
    PlanCapture,
)


class GatewayCaptureActivities(CaptureActivities):
    def __init__(self, database: Database, gateways: Mapping[str, PaymentGateway]) -> None:
        self._database = database
        self._gateways = gateways

    @activity.defn
    async def plan_capture(self, step: PlanCapture) -> CapturePlan:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            shipment = await shipments.lock(session, step.shipment_id)
            parts = await captures.plan(session, order, shipment, now=step.now)
            # What is planned was so in time, and is tried: the provider knows best what lapsed.
            missing = max(shipment.capture_amount - sum(part.amount for part in parts), 0)
            lapsed = [
                payment.id
                for payment in await payments.of_order(session, order.id)
                if missing
                and captures.has_lapsed(payment, step.now)
                and not await payments.planned_on(session, payment.id)
            ]
            return CapturePlan(
                amount=shipment.capture_amount,
                parts=[
                    CapturePart(
                        order_id=order.id,
                        payment_id=part.payment_id,
                        number=part.number,
                        amount=part.amount,
                    )
                    for part in parts
                    if part.status == CaptureStatus.PLANNED
                ],
                missing=missing,
                renewal=await captures.renewal_of(session, order, shipment) if missing else "",
                lapsed=lapsed,
            )

    @activity.defn
    async def capture_part(self, step: CapturePart) -> PartOutcome:
        row = await captures.part(self._database, step.payment_id, step.number)
        if row is None or row["provider_payment_id"] is None:
            return PartOutcome(captured=False)
        if row["status"] == CaptureStatus.CAPTURED:
            return PartOutcome(captured=True)
        gateway = gateway_of(self._gateways, row["provider"])
        try:
            await self._capture(gateway, step, row)
        except AuthorizationLapsedError:
            if not await self._was_captured(gateway, row):
                # One that is short still holds something: both would block the customer's money.
                await gateway.void(
                    row["provider_payment_id"],
                    key=f"{step.order_id}:void:{row['provider_payment_id']}",
                    captured_amount=row["captured_amount"] + int(row["others"]),
                )
                await self._record_lapse(step)
                return PartOutcome(captured=False)
        await self._record(step)
        return PartOutcome(captured=True)

    async def _capture(self, gateway: PaymentGateway, step: CapturePart, row: RowMapping) -> None:
        unknown = row["unanswered_at"] is not None
        if (unknown or may_have_happened(row["created_at"].timestamp())) and (
            await self._is_taken(gateway, row)
        ):
            return
        rest = row["authorized_amount"] - row["captured_amount"] - row["amount"]
        async with noting_silence(
            lambda: unanswered.mark_capture(
                self._database, step.order_id, step.payment_id, step.number
            )
        ):
            captured = await gateway.capture(
                row["provider_payment_id"],
                amount=row["amount"],
                final=row["final"],
                key=_key(step, row["attempt"]),
                release=max(rest, 0) if row["final"] else 0,
            )
        if captured.captured_amount < row["amount"]:
            raise InvalidStateError(present=captured.status, wanted="captured")

    async def _is_taken(self, gateway: PaymentGateway, row: RowMapping) -> bool:
        """Ask the provider whether a part was taken: what it took beyond what is recorded tells.

        Beside the captures of other parcels a sum may prove nothing. Then the key is the question:
        the same one gets the same answer, as long as the provider remembers it.

        Raises:
            ProviderError: it took something, its key is forgotten, and nobody can say for what.
        """
        present = await gateway.fetch(row["provider_payment_id"])
        beyond = present.captured_amount - row["captured_amount"]
        if beyond <= 0:
            return False
        if row["final"] or not row["others"]:
            return bool(beyond >= row["amount"])
        if beyond >= row["amount"] + row["others"]:
            return True
        if is_forgotten(row["created_at"].timestamp()):
            raise ProviderError(f"{beyond} were taken, and not known for which parcel")
        return False

    async def _was_captured(self, gateway: PaymentGateway, row: RowMapping) -> bool:
        """The provider refuses a second capture by a forgotten key: look whether it was done."""
        present = await gateway.fetch(row["provider_payment_id"])
        return bool(present.captured_amount == row["captured_amount"] + row["amount"])

    async def _record(self, step: CapturePart) -> None:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            payment = await payments.get(session, step.payment_id)
            recorded = await captures.record(session, order, payment, number=step.number)
            if recorded is None:
                return
            capture, released = recorded
            entries = [
                TimelineEntry(
                    type=OrderEvent.PAYMENT_CAPTURED,
                    title="Payment captured",
                    detail=str(Money(amount=capture.amount, currency=order.currency)),
                    actor=f"provider:{payment.provider}",
                )
            ]
            if released:
                entries.append(let_go_entry(payment, released, lapsed=False))
            await timeline.append(session, order.id, entries)

    async def _record_lapse(self, step: CapturePart) -> None:
        """The part is planned no more, and the payment holds nothing."""
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            payment = await payments.get(session, step.payment_id)
            await captures.drop(session, payment, number=step.number)
            was = payment.status
            gone = await payments.let_go(session, order, payment)
            if gone or payment.status != was:
                await timeline.append(session, order.id, [let_go_entry(payment, gone, lapsed=True)])

    @activity.defn
    async def drop_capture(self, step: DropCapture) -> None:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            for part in await captures.of_number(session, order.id, step.number):
                payment = await payments.get(session, part.payment_id)
                await captures.drop(session, payment, number=step.number)


def _key(step: CapturePart, attempt: int) -> str:
    """The first payment keeps the key that it had when there was only one."""
    key = f"{step.order_id}:capture:{step.number}"
    return key if attempt == 1 else f"{key}:{attempt}"
