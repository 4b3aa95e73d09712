"""A person decides about parked steps: the workflows that wait are told, and say who and why."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request
from starlette.responses import Response
from temporalio.service import RPCError

from api import engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, replay
from api.json_route import to_json
from api.staff_rendering import staff_order_document
from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError, NotFoundError
from core.domain.events import Actor, OrderEvent, TimelineEntry
from core.resources import Resources
from models.repositories import oversight_views, parking
from models.repositories.idempotency import StoredAnswer
from models.repositories.oversight_views import StaffOrder, WaitView
from workflows.messages import Action, Resolution


class Outcome(StrEnum):
    DECIDED = "decided"
    LATER = "not answered yet"
    REFUSED = "refused"
    GONE = "nothing waits any more"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What became of a decision at one wait; ``allowed`` is what the workflow would take."""

    wait: WaitView
    outcome: Outcome
    allowed: Sequence[str] = ()


async def step_in(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    order_id: str,
    resolution: Resolution,
) -> Response:
    """Answer a decision of staff with the order as it then is.

    Raises:
        NotFoundError: there is no such order.
        IdempotencyKeyReusedError: the key belongs to another request.
        InvalidRequestError: several steps wait, and the decision does not name one.
        UnavailableError: Temporal cannot be reached.
    """
    order = await require_order(resources, order_id)
    record = await call.claim(resources.database, f"resolve:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    try:
        told = await decide(resources, order, resolution, key=call.fingerprint)
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    later = any(one.outcome is Outcome.LATER for one in told)
    body = staff_order_document(await require_order(resources, order_id), resources.settings)
    answer = StoredAnswer(status=202 if later else 200, body=to_json(body), location=None)
    return await call.settle(resources.database, answer)


async def require_order(resources: Resources, order_id: str) -> StaffOrder:
    """Return any customer's order.

    Raises:
        NotFoundError: there is no such order.
    """
    order = await oversight_views.find_order(resources.database, order_id)
    if order is None:
        raise NotFoundError("there is no such order")
    return order


async def decide(
    resources: Resources, order: StaffOrder, resolution: Resolution, *, key: str
) -> list[Told]:
    """Tell every workflow that waits and takes the decision; at least one has taken it.

    Raises:
        InvalidStateError: nothing waits for this decision, or somebody else was first.
        InvalidRequestError: several steps wait, and the decision does not name one.
    """
    named = [wait for wait in order.waits if resolution.what in {"", wait.what}]
    chosen = [wait for wait in named if resolution.action in wait.actions]
    if not chosen:
        raise _not_possible(order, resolution, {way for wait in named for way in wait.actions})
    whats = sorted({wait.what for wait in chosen})
    if resolution.action is not Action.RETRY and len(whats) > 1:
        detail = f"several steps wait; name one of: {', '.join(whats)}"
        raise InvalidRequestError([FieldError(pointer="/what", detail=detail)])
    told = await asyncio.gather(*(tell(resources, wait, resolution, key=key) for wait in chosen))
    if all(one.outcome in {Outcome.REFUSED, Outcome.GONE} for one in told):
        raise _not_possible(order, resolution, {way for one in told for way in one.allowed})
    return list(told)


async def tell(resources: Resources, wait: WaitView, resolution: Resolution, *, key: str) -> Told:
    """Tell one waiting workflow; a mark that nothing stands behind any more is taken away."""
    seed = f"{key}\x1f{wait.workflow_id}\x1f{wait.what}"
    wanted = Resolution(
        actor=resolution.actor,
        reason=resolution.reason,
        action=resolution.action,
        what=wait.what,
    )
    try:
        await engine.send_update(
            resources.temporal,
            wait.workflow_id,
            "resolve",
            wanted,
            update_id="resolve-" + hashlib.sha256(seed.encode()).hexdigest()[:16],
            result_type=type(None),
            budget_seconds=resources.settings.api.latency_budget_seconds,
        )
    except NoAnswerYetError:
        return Told(wait=wait, outcome=Outcome.LATER)
    except UpdateRefusedError as refused:
        if await _still_waits(resources, wait):
            return Told(
                wait=wait, outcome=Outcome.REFUSED, allowed=refused.extra.get("allowed", ())
            )
    except WorkflowClosedError:
        pass
    else:
        return Told(wait=wait, outcome=Outcome.DECIDED)
    await _forget(resources, wait)
    return Told(wait=wait, outcome=Outcome.GONE)


async def _still_waits(resources: Resources, wait: WaitView) -> bool:
    """A reset run may not have come to the step again: ask the run itself."""
    handle = resources.temporal.get_workflow_handle(wait.workflow_id)
    try:
        steps: list[str] = await handle.query("get_parked_steps", result_type=list[str])
    except RPCError:
        return True
    return wait.what in steps


async def _forget(resources: Resources, wait: WaitView) -> None:
    async with resources.database.transaction() as session:
        await parking.resume(
            session,
            wait.order_id,
            workflow_id=wait.workflow_id,
            what=wait.what,
            entry=TimelineEntry(
                type=OrderEvent.RESUMED,
                title=f"No longer waiting for {wait.what}",
                detail="its workflow does not wait for it any more",
                actor=Actor.SYSTEM,
            ),
        )


def _not_possible(
    order: StaffOrder, resolution: Resolution, allowed: set[str]
) -> InvalidStateError:
    waits = sorted({wait.what for wait in order.waits})
    present = f"waiting for {', '.join(waits)}" if waits else f"{order.order.status}, not waiting"
    return InvalidStateError(present=present, wanted=resolution.action, allowed=sorted(allowed))
