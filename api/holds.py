"""Placing and releasing holds."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import Response

from api import carts, engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, replay
from api.json_route import to_json
from api.schemas.checkout import HoldRequest as WantedHold
from core.domain.errors import (
    FieldError,
    InvalidStateError,
    NotFoundError,
    OutOfStockError,
    UnavailableError,
)
from core.domain.ids import Prefix, new_id
from core.domain.statuses import HoldStatus
from core.resources import Resources
from models.repositories.catalogue import cart_snapshot
from models.repositories.idempotency import StoredAnswer
from models.repositories.stock_reads import HoldView, find_hold
from workflows import workflow_ids
from workflows.messages import HoldRequest
from workflows.ports.stock import PlacedHold, WantedItem
from workflows.task_queues import TaskQueue


async def place_hold(
    request: Request, resources: Resources, call: IdempotentCall, wanted: WantedHold
) -> Response:
    """Hold every unit until the deadline, or none.

    Raises:
        InvalidRequestError: before anything is written.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known yet; the same key finds the same hold.
    """
    settings = resources.settings
    carts.check_lines(wanted.items, settings.api)
    longest = settings.checkout.max_hold_seconds
    if wanted.ttl_seconds > longest:
        carts.refuse([FieldError(pointer="/ttl_seconds", detail=f"at most {longest} seconds")])
    snapshot = await cart_snapshot(
        resources.database,
        skus=[item.sku for item in wanted.items],
        currency="",
        country="",
        shipping_method="",
        caller_id=call.caller_id,
        key=call.key,
    )
    record = snapshot.record
    if record is None:
        carts.refuse(carts.unknown_skus(wanted.items, snapshot))
        record = await call.claim(resources.database, new_id(Prefix.HOLD))
    call.require_same(record.request_hash)
    if record.answer is not None:
        return replay(record.answer)
    hold_id = record.resource_id
    placed = await _run(resources, hold_id, call.caller_id, wanted)
    answer = await _answer(request, resources, hold_id, call.caller_id, placed)
    return await call.settle(resources.database, answer)


async def release_hold(resources: Resources, hold_id: str, owner_id: str) -> None:
    """Give the units back; a hold that is over already stays as it ended.

    Raises:
        NotFoundError: not there, or somebody else's.
        InvalidStateError: a checkout has consumed it.
        UnavailableError: not known whether it is released.
    """
    hold = await find_hold(resources.database, hold_id, owner_id)
    if hold is None:
        raise NotFoundError("there is no such hold")
    status = hold.status
    if status == HoldStatus.ACTIVE:
        try:
            status = await engine.send_update(
                resources.temporal,
                workflow_ids.hold(hold_id),
                "release",
                result_type=HoldStatus,
                budget_seconds=resources.settings.api.latency_budget_seconds,
            )
        except NoAnswerYetError as error:
            raise UnavailableError("the hold is being released") from error
        except (WorkflowClosedError, UpdateRefusedError):
            hold = await find_hold(resources.database, hold_id, owner_id)
            status = hold.status if hold else HoldStatus.RELEASED
    if status == HoldStatus.CONSUMED:
        raise InvalidStateError(present=HoldStatus.CONSUMED, wanted=HoldStatus.RELEASED)


def hold_document(hold: HoldView) -> dict[str, Any]:
    return {
        "id": hold.id,
        "status": hold.status,
        "expires_at": hold.expires_at,
        "items": hold.items,
    }


async def _run(
    resources: Resources, hold_id: str, owner_id: str, wanted: WantedHold
) -> PlacedHold | None:
    """Return what the workflow answered; None if it has ended and only its traces are left."""
    try:
        return await engine.start_and_update(
            resources.temporal,
            "StockReservationWorkflow",
            HoldRequest(
                hold_id=hold_id,
                owner_id=owner_id,
                items=[WantedItem(sku=i.sku, quantity=i.quantity) for i in wanted.items],
                ttl_seconds=wanted.ttl_seconds,
            ),
            workflow_id=workflow_ids.hold(hold_id),
            task_queue=TaskQueue.INVENTORY,
            update="place",
            result_type=PlacedHold,
            budget_seconds=resources.settings.api.latency_budget_seconds,
            summary=f"Hold {hold_id}",
        )
    except NoAnswerYetError as error:
        raise UnavailableError("the hold is being placed; ask again with the same key") from error
    except WorkflowClosedError:
        return None


async def _answer(
    request: Request,
    resources: Resources,
    hold_id: str,
    owner_id: str,
    placed: PlacedHold | None,
) -> StoredAnswer:
    if placed is not None and placed.shortages:
        return refusal(request, OutOfStockError(placed.shortages))
    hold = await find_hold(resources.database, hold_id, owner_id)
    if hold is None:
        raise UnavailableError("the hold is not written yet")
    return StoredAnswer(
        status=201, body=to_json(hold_document(hold)), location=f"/v1/holds/{hold_id}"
    )
