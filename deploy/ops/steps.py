"""Many parked steps at once: list them, and tell the workflows that wait for one cause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from api import step_in, stuck
from api.step_in import Outcome, Told
from api.stuck import Cause, StuckOrder
from core.domain.errors import DomainError
from core.domain.ids import Prefix, new_id
from core.resources import Resources
from models.repositories import oversight_views
from models.repositories.oversight_views import WaitView
from workflows.messages import Action, Resolution

AT_ONCE = 8
"""Workflows that are told at the same time: what was down has just come back."""
_PAGE = 100


async def find_stuck(
    resources: Resources, *, cause: str | None, older_than: timedelta
) -> list[StuckOrder]:
    """Return all stuck orders with a cause that contains the words and is that old."""
    found: list[StuckOrder] = []
    before: str | None = None
    while True:
        page = await stuck.find_stuck(resources, limit=_PAGE, before=before)
        found += [
            order
            for order in page.orders
            if any(_matches(order, one, cause, older_than) for one in order.causes)
        ]
        before = page.next_before
        if before is None:
            return found


def _matches(order: StuckOrder, one: Cause, cause: str | None, older_than: timedelta) -> bool:
    said = cause is None or cause.lower() in one.reason.lower()
    return said and order.order.now - one.since >= older_than


async def find_retriable(resources: Resources, cause: str) -> list[WaitView]:
    """Return the parked steps whose name or last error contains ``cause`` and that can be tried."""
    waits = await oversight_views.waits_for(resources.database, cause)
    return [wait for wait in waits if Action.RETRY in wait.actions]


async def retry_all(
    resources: Resources,
    waits: Sequence[WaitView],
    *,
    actor: str,
    reason: str,
    report: Callable[[WaitView, str], None],
) -> int:
    """Tell each workflow to try now, a few at once; return how many took it."""
    gate = asyncio.Semaphore(AT_ONCE)
    key = new_id(Prefix.AUDIT)
    resolution = Resolution(actor=actor, reason=reason, action=Action.RETRY)

    async def one(wait: WaitView) -> bool:
        async with gate:
            try:
                told = await step_in.tell(resources, wait, resolution, key=f"{key}{wait.order_id}")
            except DomainError as error:
                report(wait, str(error))
                return False
        report(wait, told.outcome)
        return told.outcome in {Outcome.DECIDED, Outcome.LATER}

    return sum(await asyncio.gather(*(one(wait) for wait in waits)))


async def resolve(resources: Resources, order_id: str, resolution: Resolution) -> list[Told]:
    """Decide about one order's parked step, as staff do over the API.

    Raises:
        NotFoundError: there is no such order.
        InvalidStateError: nothing waits for this decision, or somebody else was first.
        InvalidRequestError: several steps wait, and the decision does not name one.
    """
    order = await step_in.require_order(resources, order_id)
    return await step_in.decide(resources, order, resolution, key=new_id(Prefix.AUDIT))
