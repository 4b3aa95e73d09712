"""The database steps of a checkout."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.opening import OPENED, open_under_locks, opening
from core.database import Database, sqlstate
from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id
from core.domain.statuses import OrderStatus, PaymentStatus
from core.settings import Settings
from models.orders import Order
from models.repositories import (
    checkout,
    orders,
    parking,
    promotions,
    reservations,
    timeline,
)
from workflows import search_attributes, workflow_ids
from workflows.messages import Child, Fulfillment
from workflows.ports.checkout import (
    AwaitChallenge,
    CheckoutActivities,
    CloseOrder,
    ConfirmOrder,
    OpenedOrder,
    OpenOrder,
    PaymentTerms,
    ReadStatus,
    StartFulfillment,
)
from workflows.task_queues import TaskQueue

_CONFIRMED_ENTRIES = (
    TimelineEntry(type=OrderEvent.PAYMENT_AUTHORIZED, title="Payment authorized"),
    TimelineEntry(type=OrderEvent.CONFIRMED, title="Order confirmed"),
)


class PostgresCheckoutActivities(CheckoutActivities):
    """On PostgreSQL. The first attempt of the hot steps is one statement each."""

    def __init__(self, database: Database, temporal: Client, settings: Settings) -> None:
        self._database = database
        self._temporal = temporal
        self._settings = settings

    @activity.defn
    async def open_order(self, step: OpenOrder) -> OpenedOrder:
        order_id = step.order_id
        try:
            row = await checkout.open_order(self._database, opening(order_id))
        except DBAPIError as error:
            if sqlstate(error) != checkout.OUT_OF_STOCK_STATE:
                raise
            row = None
        if row is not None:
            return self._opened(order_id, OrderStatus.PENDING, row)
        async with self._database.transaction() as session:
            await open_under_locks(session, order_id)
        again = await checkout.opened(self._database, order_id)
        if again is None:
            raise NotFoundError(f"no draft {order_id}")
        return self._opened(order_id, OrderStatus(again["status"]), again)

    @activity.defn
    async def read_status(self, step: ReadStatus) -> OrderStatus | None:
        row = await checkout.opened(self._database, step.order_id)
        return OrderStatus(row["status"]) if row else None

    @activity.defn
    async def await_challenge(self, step: AwaitChallenge) -> OrderStatus:
        async with self._database.transaction() as session:
            order = await orders.lock(session, step.order_id)
            if order.status == OrderStatus.PENDING:
                orders.move(order, OrderStatus.REQUIRES_ACTION)
                order.payment_status = PaymentStatus.REQUIRES_ACTION
                await session.flush()
                await timeline.append(
                    session,
                    order.id,
                    [
                        TimelineEntry(
                            type=OrderEvent.PAYMENT_REQUIRES_ACTION,
                            title="The bank asks for a confirmation",
                            detail=f"until {step.deadline:%Y-%m-%d %H:%M:%S} UTC",
                        )
                    ],
                )
            await orders.hold_lines_until(session, order.id, step.deadline)
            return OrderStatus(order.status)

    @activity.defn
    async def confirm_order(self, step: ConfirmOrder) -> OrderStatus:
        confirmed = await checkout.confirm_order(
            self._database,
            order_id=step.order_id,
            payment=step.payment,
            workflow_id=workflow_ids.fulfillment(step.order_id),
            entries=_CONFIRMED_ENTRIES,
        )
        if confirmed:
            return OrderStatus.CONFIRMED
        row = await checkout.opened(self._database, step.order_id)
        if row is None:
            raise NotFoundError(f"no order {step.order_id}")
        status = OrderStatus(row["status"])
        if status in {OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION}:
            raise InvalidStateError(present="authorized for another amount", wanted="confirmed")
        return status

    @activity.defn
    async def close_order(self, step: CloseOrder) -> OrderStatus:
        async with self._database.transaction() as session:
            order = await orders.lock_if_opened(session, step.order_id)
            if order is None:
                draft = await checkout.lock_draft(session, step.order_id)
                if draft is not None:
                    await checkout.open_without_stock(session, self._tombstone(step))
                return step.status
            if order.status not in {OrderStatus.PENDING, OrderStatus.REQUIRES_ACTION}:
                return OrderStatus(order.status)
            await self._close(session, order, step)
            return OrderStatus(order.status)

    @activity.defn
    async def start_fulfillment(self, step: StartFulfillment) -> None:
        """Called from here, a start costs the server a third of a child workflow's."""
        with suppress(WorkflowAlreadyStartedError):
            await self._temporal.start_workflow(
                Child.FULFILLMENT,
                Fulfillment(
                    order_id=step.order_id,
                    handling_seconds=step.handling_seconds,
                    capture_before=step.capture_before,
                ),
                id=workflow_ids.fulfillment(step.order_id),
                task_queue=TaskQueue.FULFILLMENT,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=search_attributes.of_order(step.order_id, step.customer_id),
                static_summary=f"Fulfilment of {step.order_id}",
            )

    async def _close(self, session: AsyncSession, order: Order, step: CloseOrder) -> None:
        payment = await orders.first_payment(session, order.id)
        declined = step.code == "payment-declined"
        orders.move_payment(
            order, payment, PaymentStatus.FAILED if declined else PaymentStatus.VOIDED
        )
        payment.decline_code = step.decline_code
        if step.provider_payment_id is not None:
            payment.provider_payment_id = step.provider_payment_id
        orders.move(order, step.status)
        order.failure = _failure(step)
        order.next_action = None
        await parking.forget(session, order)
        await session.flush()
        await promotions.release(session, order.id)
        released = await reservations.release_order(session, order.id)
        await timeline.append(session, order.id, _closed_entries(step, released))

    def _tombstone(self, step: CloseOrder) -> dict[str, object]:
        """An order that was ended before it was opened, so that nothing opens it later."""
        return checkout.opening(
            order_id=step.order_id,
            payment_id=derived_id(Prefix.PAYMENT, step.order_id, 1),
            workflow_id=workflow_ids.checkout(step.order_id),
            entries=[OPENED[0], *_closed_entries(step, 0)],
            status=step.status,
            payment_status=PaymentStatus.VOIDED,
            failure=_failure(step),
        )

    def _opened(self, order_id: str, status: OrderStatus, row: RowMapping) -> OpenedOrder:
        return OpenedOrder(
            status=status,
            hold_id=row["hold_id"],
            challenge_seconds=self._settings.checkout.challenge_seconds,
            handling_seconds=self._settings.fulfillment.handling_seconds,
            terms=PaymentTerms(
                payment_id=derived_id(Prefix.PAYMENT, order_id, 1),
                provider=row["provider"],
                payment_method=row["payment_method"],
                amount=row["amount"],
                currency=row["currency"],
            ),
        )


def _failure(step: CloseOrder) -> dict[str, object]:
    failure: dict[str, object] = {"code": step.code}
    if step.decline_code is not None:
        failure["decline_code"] = step.decline_code
    return failure


def _closed_entries(step: CloseOrder, released_lines: int) -> list[TimelineEntry]:
    entries: list[TimelineEntry] = []
    if step.code == "payment-declined":
        entries.append(
            TimelineEntry(
                type=OrderEvent.PAYMENT_DECLINED,
                title="Payment declined",
                detail=step.decline_code or "",
            )
        )
    if released_lines:
        entries.append(TimelineEntry(type=OrderEvent.STOCK_RELEASED, title="Stock released"))
    canceled = step.status is OrderStatus.CANCELED
    entries.append(
        TimelineEntry(
            type=OrderEvent.CANCELED if canceled else OrderEvent.FAILED,
            title="Order canceled" if canceled else "Order failed",
            detail=step.reason or step.code,
            actor=step.actor,
        )
    )
    return entries
