"""One order in words: how it stands, why it does not go on, and what one can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from api import stuck, workflow_visibility
from api.rendering import order_number
from api.stuck import StuckOrder
from core.domain.money import Money
from core.resources import Resources
from deploy.local.errors import StackError
from models.repositories import oversight_views
from models.repositories.oversight_views import StaffOrder
from workflows.messages import Action

LAST_STEPS = 8
MEANING: Mapping[str, str] = {
    Action.RETRY: "try it now",
    Action.SKIP: "go on as if it were done",
    Action.CANCEL: "give up what it is for, and undo it",
    Action.REFUND: "give the money for it back",
}


async def explain(resources: Resources, name: str) -> list[str]:
    """Return the lines that explain an order.

    Args:
        resources: the platform.
        name: the order's id or number.

    Raises:
        StackError: there is no such order.
        UnavailableError: the database or Temporal does not answer.
    """
    order_id = await find_id(resources, name)
    order = await oversight_views.find_order(resources.database, order_id)
    found = await stuck.find_causes(resources, order_id)
    if order is None or found is None:
        raise _unknown(name)
    payments = await oversight_views.find_money(resources.database, order_id)
    timeline = await oversight_views.find_timeline(resources.database, order_id)
    return [
        *_state(order),
        *_money(payments),
        *_parcels(order),
        *_causes(found),
        *_ways_out(order),
        *_steps(timeline),
        *await _workflows(resources, order_id),
    ]


async def find_id(resources: Resources, name: str) -> str:
    """Return the id of the order with this id or number.

    Raises:
        StackError: there is no such order.
    """
    order_id = await oversight_views.id_of(resources.database, name)
    if order_id is None:
        raise _unknown(name)
    return order_id


def _unknown(name: str) -> StackError:
    return StackError(
        f"There is no order {name}", hint="Name it by its id (ord_…) or its number (P-…)."
    )


def _state(found: StaffOrder) -> Iterator[str]:
    order = found.order
    total = Money(amount=order.total_amount, currency=order.currency)
    yield f"Order {order_number(order.number)} ({order.id}) of {order.customer_id}"
    yield (
        f"  It is {order.status}, its payment {order.payment_status}, its goods"
        f" {order.fulfillment_status}; the total is {total}."
    )


def _money(payments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for payment in payments:
        authorized, captured, refunded = (
            Money(amount=payment[f"{what}_amount"], currency=payment["currency"])
            for what in ("authorized", "captured", "refunded")
        )
        yield (
            f"  Payment {payment['attempt']} ({payment['purpose']}, {payment['provider']}):"
            f" {payment['status']}, {authorized} authorized, {captured} captured,"
            f" {refunded} refunded."
        )


def _parcels(found: StaffOrder) -> Iterator[str]:
    for parcel in found.order.shipments:
        goods = ", ".join(f"{item['quantity']} x {item['sku']}" for item in parcel["items"])
        tracking = parcel["tracking_number"] or "no tracking number"
        status = (
            f"{parcel['status']} ({parcel['failure']})" if parcel["failure"] else parcel["status"]
        )
        name = f"Parcel {parcel['number']}"
        if parcel["purpose"] != "order":
            name += f", {parcel['purpose']}"
        yield f"  {name} ({parcel['id']}): {status}, {tracking}; {goods}."


def _causes(found: StuckOrder) -> Iterator[str]:
    yield ""
    if not found.causes:
        yield "Nothing keeps it from going on."
        return
    yield "Why it does not go on"
    for cause in found.causes:
        yield f"  {cause.reason} (since {cause.since:%Y-%m-%d %H:%M:%S} UTC)"
        if cause.wait is not None and cause.wait.next_attempt_at is not None:
            yield (
                f"    after {cause.wait.attempts} attempts; the next one is at"
                f" {cause.wait.next_attempt_at:%H:%M:%S} UTC"
            )


def _ways_out(found: StaffOrder) -> Iterator[str]:
    if not found.waits:
        return
    yield ""
    yield "What you can do"
    for wait in found.waits:
        for action in wait.actions:
            yield (
                f"  perdure ops resolve {found.order.id} {action} --what '{wait.what}'"
                f" --reason '…'   # {MEANING[action]}"
            )


def _steps(timeline: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield ""
    yield "Its last steps"
    for entry in timeline[-LAST_STEPS:]:
        detail = f": {entry['detail']}" if entry["detail"] else ""
        yield f"  {entry['at']:%Y-%m-%d %H:%M:%S} {entry['title']}{detail} ({entry['actor']})"


async def _workflows(resources: Resources, order_id: str) -> list[str]:
    runs = await workflow_visibility.all_of(resources.temporal, order_id)
    temporal = resources.settings.temporal
    return [
        "",
        "Its workflows",
        *(
            f"  {run.workflow_type} {run.status}: "
            f"{workflow_visibility.link(temporal, run.workflow_id)}"
            for run in sorted(runs, key=lambda run: (run.status != "running", run.workflow_id))
        ),
    ]
