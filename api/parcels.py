"""What people do with a parcel: its workflow is asked, and the database tells what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api import engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, replay
from api.json_route import to_json
from core.domain.errors import InvalidStateError, NotFoundError, UnavailableError
from core.domain.statuses import SHIPMENT_MOVES, ShipmentStatus
from core.resources import Resources
from core.settings_trade import FulfillmentSettings
from models.repositories import parcel_views
from models.repositories.idempotency import StoredAnswer
from models.repositories.parcel_views import ParcelView
from workflows import workflow_ids
from workflows.ports.shipments import ShipmentState

LOOK_AGAIN_SECONDS = 0.1
_OF_A_VENDOR = frozenset({"accept", "reject", "pack", "hand_over"})


async def require_parcel(
    resources: Resources, shipment_id: str, vendor_id: str | None
) -> ParcelView:
    """Return a parcel of a vendor, or of any for None.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    parcel = await parcel_views.find(resources.database, shipment_id, vendor_id=vendor_id)
    if parcel is None:
        raise NotFoundError("there is no such parcel")
    return parcel


async def move_parcel(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    parcel: ParcelView,
    *,
    update: str,
    step: Any,
) -> Response:
    """Send an update to a parcel's workflow; 202 when it goes on without an answer for now.

    Raises:
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: not known what came of it.
    """
    record = await call.claim(resources.database, f"{update}:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    status = 200
    try:
        await _ask(resources, parcel, update, step, update_id=update_id_of(call, update))
    except NoAnswerYetError:
        status = 202
    except (UpdateRefusedError, WorkflowClosedError):
        now = await require_parcel(resources, parcel.id, None)
        return await call.settle(resources.database, refusal(request, _not_possible(now, update)))
    now = await require_parcel(resources, parcel.id, None)
    body = to_json(parcel_document(now, resources.settings.fulfillment))
    answer = StoredAnswer(status=status, body=body, location=None)
    return await call.settle(resources.database, answer)


async def _ask(
    resources: Resources, parcel: ParcelView, update: str, step: Any, *, update_id: str
) -> None:
    """Ask the parcel's workflow, which starts a moment after the parcel can be seen."""
    budget = resources.settings.api.latency_budget_seconds
    deadline = time.monotonic() + budget
    while True:
        try:
            await engine.send_update(
                resources.temporal,
                workflow_ids.shipment(parcel.id),
                update,
                step,
                update_id=update_id,
                result_type=ShipmentState,
                budget_seconds=budget,
            )
        except WorkflowClosedError:
            now = await require_parcel(resources, parcel.id, None)
            if update not in now.moves:
                raise
            if time.monotonic() > deadline:
                raise UnavailableError("the parcel is not looked after yet") from None
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        else:
            return


def update_id_of(call: IdempotentCall, update: str) -> str:
    """One id for one request, however often it is sent."""
    return f"{update}-{hashlib.sha256(call.fingerprint.encode()).hexdigest()[:16]}"


def parcel_document(parcel: ParcelView, settings: FulfillmentSettings) -> dict[str, Any]:
    """Return a parcel as JSON."""
    names = (
        "id", "order_id", "number", "vendor_id", "warehouse_id", "status", "purpose",
        "shipping_method", "carrier", "tracking_number", "label_url", "failure", "items",
        "shipping_address", "accepted_at", "moves", "created_at", "updated_at",
    )  # fmt: skip
    return {name: getattr(parcel, name) for name in names} | {
        "deadline": _deadline(parcel, settings)
    }


def _deadline(parcel: ParcelView, settings: FulfillmentSettings) -> datetime | None:
    if not parcel.moves:
        return None
    if parcel.status is ShipmentStatus.PACKED and parcel.booking_at is not None:
        return parcel.booking_at + timedelta(seconds=settings.hand_over_within_seconds)
    if parcel.accepted_at is not None:
        return parcel.accepted_at + timedelta(seconds=settings.pack_within_seconds)
    return parcel.created_at + timedelta(seconds=settings.accept_within_seconds)


def _not_possible(parcel: ParcelView, update: str) -> InvalidStateError:
    if update in _OF_A_VENDOR:
        allowed = parcel.moves
    elif update == "record_event":
        allowed = sorted(str(move) for move in SHIPMENT_MOVES[parcel.status])
    else:
        allowed = []
    return InvalidStateError(present=parcel.status, wanted=update, allowed=allowed)
