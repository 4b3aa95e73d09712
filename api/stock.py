"""What staff do to stock: once for each key, and then told to those who wait for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api import engine
from api.idempotency import IdempotentCall, refusal, replay
from api.json_route import to_json
from api.schemas.stock import AdjustmentRequest, TransferRequest
from core.domain.errors import InvalidStateError
from core.domain.ids import Prefix, new_id
from core.resources import Resources
from models.repositories import stock_alerts, stock_changes, transfers
from models.repositories.idempotency import StoredAnswer
from models.repositories.stock_changes import Adjustment, CountedRow
from models.stock import StockTransfer, TransferStatus
from workflows import workflow_ids

Effect = Callable[[AsyncSession, str], Awaitable[tuple[dict[str, Any], Sequence[str]]]]
"""Changes stock in a transaction, under the id of the request; safe to run twice.

Returns the answer's document, and the orders that got units."""

_CREATED = 201
_TELL_SECONDS = 1.0


async def adjust(
    request: Request, resources: Resources, call: IdempotentCall, wanted: AdjustmentRequest
) -> Response:
    """Add or take units.

    Raises:
        InvalidRequestError: no such warehouse or SKU.
    """

    async def effect(session: AsyncSession, id_: str) -> tuple[dict[str, Any], Sequence[str]]:
        adjustment = Adjustment(
            id=id_,
            warehouse_id=wanted.warehouse_id,
            sku=wanted.sku,
            delta=wanted.delta,
            reason=wanted.reason,
            actor=_actor(call),
        )
        level, served = await stock_changes.adjust(session, adjustment)
        document = {
            **wanted.model_dump(),
            "on_hand": level.on_hand,
            "reserved": level.reserved,
            "available": level.available,
            "served_orders": served,
        }
        return document, served

    claimed = f"adjustment:{call.fingerprint}"
    return await _once(request, resources, call, claimed, effect, skus=[wanted.sku])


async def take(
    request: Request, resources: Resources, call: IdempotentCall, rows: Sequence[CountedRow]
) -> Response:
    """Make stock what was counted, all of it or nothing.

    Raises:
        InvalidRequestError: names every line at fault.
    """

    async def effect(session: AsyncSession, id_: str) -> tuple[dict[str, Any], Sequence[str]]:
        summary, served = await stock_changes.take_stock(
            session, id_, rows, actor=_actor(call), dry_run=False
        )
        return {"dry_run": False, **asdict(summary)}, served

    skus = sorted({row.sku for row in rows})
    return await _once(request, resources, call, f"take:{call.fingerprint}", effect, skus=skus)


async def rehearse(
    resources: Resources, call: IdempotentCall, rows: Sequence[CountedRow]
) -> dict[str, Any]:
    """Tell what a stock-taking would change; nothing is changed, and the key stays free.

    Raises:
        InvalidRequestError: names every line at fault.
    """
    async with resources.database.transaction() as session:
        summary, _ = await stock_changes.take_stock(
            session, f"take:{call.fingerprint}", rows, actor=_actor(call), dry_run=True
        )
    return {"dry_run": True, **asdict(summary)}


async def send_transfer(
    request: Request, resources: Resources, call: IdempotentCall, wanted: TransferRequest
) -> Response:
    """Let units leave for another warehouse.

    Raises:
        InvalidRequestError: no such warehouse or SKU.
    """
    items = {item.sku: item.quantity for item in wanted.items}

    async def effect(session: AsyncSession, id_: str) -> tuple[dict[str, Any], Sequence[str]]:
        transfer = await transfers.send(
            session,
            transfer_id=id_,
            from_warehouse_id=wanted.from_warehouse_id,
            to_warehouse_id=wanted.to_warehouse_id,
            items=items,
            actor=_actor(call),
            reason=wanted.reason,
        )
        return transfer_document(transfer), []

    return await _once(
        request,
        resources,
        call,
        new_id(Prefix.TRANSFER),
        effect,
        skus=list(items),
        located="/v1/admin/stock-transfers/",
    )


async def end_transfer(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    transfer_id: str,
    status: TransferStatus,
) -> Response:
    """Receive a transfer's units, or take them back.

    Raises:
        NotFoundError: there is no such transfer.
    """

    async def effect(session: AsyncSession, _: str) -> tuple[dict[str, Any], Sequence[str]]:
        transfer, served = await transfers.end(
            session, transfer_id, status, actor=_actor(call), call=call.fingerprint
        )
        return transfer_document(transfer), served

    async with resources.database.transaction() as session:
        transfer = await transfers.find(session, transfer_id)
    skus = [item["sku"] for item in transfer.items]
    claimed = f"transfer-end:{call.fingerprint}"
    return await _once(request, resources, call, claimed, effect, skus=skus, status=200)


def transfer_document(transfer: StockTransfer) -> dict[str, Any]:
    """Return a transfer as staff see it."""
    return {
        "id": transfer.id,
        "from_warehouse_id": transfer.from_warehouse_id,
        "to_warehouse_id": transfer.to_warehouse_id,
        "status": transfer.status,
        "items": transfer.items,
        "reason": transfer.reason,
        "actor": transfer.actor,
        "created_at": transfer.created_at,
        "ended_at": transfer.ended_at,
    }


async def _once(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    claimed: str,
    effect: Effect,
    *,
    skus: Sequence[str],
    status: int = _CREATED,
    located: str | None = None,
) -> Response:
    """Run an effect once for its key and keep its answer; afterwards tell who is concerned.

    What is told may be lost with this process: the housekeeping looks for it again.
    """
    record = await call.claim(resources.database, claimed)
    if record.answer is not None:
        return replay(record.answer)
    try:
        async with resources.database.transaction() as session:
            document, served = await effect(session, record.resource_id)
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    location = f"{located}{record.resource_id}" if located else None
    answer = await call.settle(
        resources.database,
        StoredAnswer(status=status, body=to_json(document), location=location),
    )
    await stock_alerts.watch(resources.database, skus)
    await engine.signal_each(
        resources.temporal,
        [workflow_ids.fulfillment(order_id) for order_id in served],
        "shipments_planned",
        budget_seconds=_TELL_SECONDS,
    )
    return answer


def _actor(call: IdempotentCall) -> str:
    return f"staff:{call.caller_id}"
