"""Which orders are stuck, and why: parked, failing, forgotten, or in one state for too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from api import workflow_visibility
from api.workflow_visibility import Running
from core.domain.statuses import OrderStatus
from core.resources import Resources
from core.settings import Settings
from models.repositories import oversight_views
from models.repositories.order_views import TERMINAL
from models.repositories.oversight_views import Scanned, WaitView

_BATCH = 200
_MOST_SCANNED = 2000
"""A page looks at so many orders at most; its cursor goes on from there."""


class CauseKind(StrEnum):
    FAILING = "failing"
    """A workflow of it fails its own tasks: a bug, or a release that does not fit."""
    PARKED = "parked"
    """A step waits for something outside, or for a person."""
    LOST = "lost"
    """It is not finished, and no workflow runs for it."""
    OVERDUE = "overdue"
    """It is in one state for longer than the state's objective."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One thing that keeps an order from going on; ``wait`` when it is a parked step."""

    kind: CauseKind
    reason: str
    since: datetime
    workflow_id: str
    wait: WaitView | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StuckOrder:
    order: Scanned
    causes: Sequence[Cause]
    running: Sequence[Running]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A page of stuck orders; ``next_before`` is where the next one begins, if there is one."""

    orders: Sequence[StuckOrder]
    next_before: str | None


async def find_stuck(resources: Resources, *, limit: int, before: str | None = None) -> Found:
    """Return stuck orders, the newest first; a page may be short and still have a next one.

    Raises:
        UnavailableError: the database or Temporal does not answer.
    """
    failing = {one.order_id for one in await workflow_visibility.failing(resources.temporal)}
    found: list[StuckOrder] = []
    for _ in range(_MOST_SCANNED // _BATCH):
        batch = await oversight_views.scan(
            resources.database, failing=sorted(failing - {""}), limit=_BATCH, before=before
        )
        for stuck in await _stuck_among(resources, batch):
            if len(found) == limit:
                return Found(orders=found, next_before=found[-1].order.id)
            found.append(stuck)
        if len(batch) < _BATCH:
            return Found(orders=found, next_before=None)
        before = batch[-1].id
    return Found(orders=found, next_before=before)


async def _stuck_among(resources: Resources, orders: Sequence[Scanned]) -> list[StuckOrder]:
    ids = [order.id for order in orders]
    running = await workflow_visibility.running_for(resources.temporal, ids)
    waits = await oversight_views.waits_of(resources.database, ids)
    found = []
    for order in orders:
        of_order = running.get(order.id, [])
        causes = causes_of(order, waits.get(order.id, []), of_order, resources.settings)
        if causes:
            found.append(StuckOrder(order=order, causes=causes, running=of_order))
    return found


def causes_of(
    order: Scanned, waits: Sequence[WaitView], running: Sequence[Running], settings: Settings
) -> list[Cause]:
    """Return all that keeps an order from going on, what is worst first."""
    causes = [_failing(order, one) for one in running if one.problems]
    causes += [_parked(wait, running) for wait in waits]
    if order.status in TERMINAL:
        return causes
    quiet_since = order.now - timedelta(seconds=settings.oversight.lost_seconds)
    if not running and order.updated_at < quiet_since:
        causes.append(
            Cause(
                kind=CauseKind.LOST,
                reason=f"the order is {order.status}, and no workflow runs for it",
                since=order.updated_at,
                workflow_id=order.workflow_id,
            )
        )
    overdue = _overdue(order, settings)
    return [*causes, overdue] if overdue else causes


def _failing(order: Scanned, one: Running) -> Cause:
    problems = ", ".join(problem.partition("=")[2] or problem for problem in one.problems)
    return Cause(
        kind=CauseKind.FAILING,
        reason=f"{one.workflow_type} fails its own tasks ({problems}): its code does not fit its"
        " history, or has a bug",
        since=order.updated_at,
        workflow_id=one.workflow_id,
    )


def _parked(wait: WaitView, running: Sequence[Running]) -> Cause:
    gone = all(one.workflow_id != wait.workflow_id for one in running)
    ended = "; its workflow may have ended" if gone else ""
    return Cause(
        kind=CauseKind.PARKED,
        reason=f"waits for {wait.what}: {wait.last_error}{ended}",
        since=wait.since_at,
        workflow_id=wait.workflow_id,
        wait=wait,
    )


def _overdue(order: Scanned, settings: Settings) -> Cause | None:
    if order.cancel_requested_at is not None:
        state, since = "being canceled", order.cancel_requested_at
        objective = settings.oversight.cancel_seconds
    else:
        state, since = str(order.status), order.state_since
        objective = objectives(settings)[order.status]
        if order.is_held and order.status is OrderStatus.CONFIRMED:
            return None
    if order.now - since <= timedelta(seconds=objective):
        return None
    return Cause(
        kind=CauseKind.OVERDUE,
        reason=f"{state} for {in_words(order.now - since)}, longer than"
        f" {in_words(timedelta(seconds=objective))}",
        since=since,
        workflow_id=order.workflow_id,
    )


def objectives(settings: Settings) -> Mapping[OrderStatus, int]:
    """Return how many seconds an order may be in each unfinished state."""
    beyond, fulfillment = settings.oversight, settings.fulfillment
    return {
        OrderStatus.PENDING: beyond.pending_seconds,
        OrderStatus.REQUIRES_ACTION: settings.checkout.challenge_seconds + beyond.challenge_seconds,
        OrderStatus.CONFIRMED: fulfillment.handling_seconds + beyond.confirmed_seconds,
        OrderStatus.PROCESSING: beyond.processing_seconds,
        OrderStatus.SHIPPED: fulfillment.delivery_deadline_seconds + beyond.shipped_seconds,
        OrderStatus.DELIVERED: fulfillment.return_window_seconds + beyond.delivered_seconds,
    }


def in_words(duration: timedelta) -> str:
    """Say how long, in the two largest units that count."""
    seconds = int(duration.total_seconds())
    parts = []
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}{'' if number == 1 else 's'}")
    return " ".join(parts[:2]) or "no time"
