"""The opening of an order with every row locked: promotions first, then its hold or its stock.

The usual order is opened by one statement. This is for one that it cannot open: the plan did not
hold, units have to wait, there is a hold, or a promotion whose use has to be reserved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.allocation import AllocationStrategy
from core.domain.backorders import StockPlan, plan_stock
from core.domain.errors import Shortage
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.ids import Prefix, derived_id
from core.domain.places import Place
from core.domain.promotions import counted_customer
from core.domain.statuses import HoldStatus, OrderStatus, PaymentStatus
from models.repositories import backorders, checkout, holds, promotions, reservations
from workflows import workflow_ids

OPENED = (
    TimelineEntry(type=OrderEvent.PLACED, title="Order placed", actor="customer"),
    TimelineEntry(type=OrderEvent.STOCK_RESERVED, title="Stock reserved"),
)


async def open_under_locks(session: AsyncSession, order_id: str) -> None:
    """Open the order of a draft, or fail it; nothing when it is open already."""
    draft = await checkout.lock_draft(session, order_id)
    if draft is None or draft["opened"]:
        return
    cart: Mapping[str, Any] = draft["cart"]
    gone = await _lock_promotions(session, draft)
    if gone is not None:
        await checkout.open_without_stock(session, _without_promotion(order_id, gone))
    elif await _reserve(session, draft, order_id):
        await promotions.take(
            session,
            order_id,
            cart.get("promotions") or (),
            counted_as=_counted_as(draft),
            currency=cart["currency"],
        )


async def _lock_promotions(session: AsyncSession, draft: RowMapping) -> str | None:
    """Return the promotion that can no longer be used, if there is one."""
    ids = [use["promotion_id"] for use in draft["cart"].get("promotions") or ()]
    if not ids:
        return None
    return await promotions.lock_unavailable(session, ids, counted_as=_counted_as(draft))


async def _reserve(session: AsyncSession, draft: RowMapping, order_id: str) -> bool:
    """Open the order with its units, or as sold out."""
    cart: Mapping[str, Any] = draft["cart"]
    wanted = {line["sku"]: line["quantity"] for line in cart["lines"]}
    if cart["hold_id"] and await _take_hold(session, draft, order_id, wanted):
        return True
    plan = await _plan_under_locks(session, cart, wanted)
    if plan.shortages:
        await checkout.open_without_stock(session, _sold_out(order_id, plan.shortages))
        return False
    parameters = opening(order_id, _entries_of(plan))
    if plan.allocations:
        await checkout.replan(session, order_id, plan.allocations)
        await checkout.open_planned(session, parameters)
    else:
        await checkout.open_without_stock(session, parameters)
    if plan.waiting:
        await backorders.record(session, order_id, plan.waiting)
    return True


async def _plan_under_locks(
    session: AsyncSession, cart: Mapping[str, Any], wanted: Mapping[str, int]
) -> StockPlan:
    skus = sorted(wanted)
    terms = await backorders.lock_terms(session, skus)
    address = cart["shipping_address"]
    return plan_stock(
        wanted,
        await reservations.lock_levels(session, skus),
        terms,
        now=datetime.now(UTC),
        strategy=AllocationStrategy(cart.get("allocation") or AllocationStrategy.FEWEST_SHIPMENTS),
        destination=Place(country=address["country"], region=address.get("region")),
    )


async def _take_hold(
    session: AsyncSession,
    draft: RowMapping,
    order_id: str,
    wanted: Mapping[str, int],
) -> bool:
    """Consume the hold if it is still there; one that has just ended is no reason to fail."""
    hold = await holds.lock(session, draft["cart"]["hold_id"])
    if (
        hold is None
        or hold.status != HoldStatus.ACTIVE
        or hold.owner_id != draft["customer_id"]
        or await holds.content(session, hold.id) != wanted
    ):
        return False
    await checkout.open_without_stock(session, opening(order_id))
    await holds.consume(session, hold, order_id)
    return True


def opening(order_id: str, entries: Sequence[TimelineEntry] = OPENED) -> dict[str, object]:
    """Return the parameters that open an order."""
    return checkout.opening(
        order_id=order_id,
        payment_id=derived_id(Prefix.PAYMENT, order_id, 1),
        workflow_id=workflow_ids.checkout(order_id),
        entries=entries,
    )


def _sold_out(order_id: str, shortages: Sequence[Shortage]) -> dict[str, object]:
    items = [{"sku": s.sku, "requested": s.requested, "available": s.available} for s in shortages]
    failure: dict[str, object] = {"code": "out-of-stock", "items": items}
    return _failed(order_id, failure, "out of stock")


def _without_promotion(order_id: str, label: str) -> dict[str, object]:
    failure: dict[str, object] = {"code": "promotion-unavailable", "promotion": label}
    return _failed(order_id, failure, f"the promotion {label} cannot be used any more")


def _failed(order_id: str, failure: dict[str, object], detail: str) -> dict[str, object]:
    return checkout.opening(
        order_id=order_id,
        payment_id=derived_id(Prefix.PAYMENT, order_id, 1),
        workflow_id=workflow_ids.checkout(order_id),
        entries=[
            OPENED[0],
            TimelineEntry(type=OrderEvent.FAILED, title="Order failed", detail=detail),
        ],
        status=OrderStatus.FAILED,
        payment_status=PaymentStatus.FAILED,
        failure=failure,
    )


def _counted_as(draft: RowMapping) -> str:
    return counted_customer(draft["customer_id"], draft["cart"].get("email"))


def _entries_of(plan: StockPlan) -> list[TimelineEntry]:
    """What happened at the opening: stock was reserved, units wait, or both."""
    entries = list(OPENED) if plan.allocations else [OPENED[0]]
    if plan.waiting:
        units = [
            f"{one.quantity} of {one.sku}"
            + (f", expected {one.promised_at:%Y-%m-%d}" if one.promised_at else "")
            for one in plan.waiting
        ]
        entries.append(
            TimelineEntry(
                type=OrderEvent.BACKORDERED,
                title="Waiting for stock",
                detail="; ".join(units),
            )
        )
    return entries
