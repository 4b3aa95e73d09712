"""Transfers of stock between warehouses, for staff."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api import stock
from api.auth import StockReader, StockWriter
from api.dependencies import Cursor, CursorsDep, Limit, Res, TransferId
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.stock import Transfer, TransferPage, TransferRequest
from models.repositories import transfers
from models.stock import TransferStatus

api = router("staff")

_STAFF = ("not-authenticated", "forbidden")
_ONCE = (*_STAFF, "idempotency-key-missing", "idempotency-key-reused", "invalid-state")


@api.post(
    "/admin/stock-transfers", status_code=201, response_model=Transfer, responses=problems(*_ONCE)
)
async def send_transfer(
    request: Request, wanted: TransferRequest, _staff: StockWriter, call: Idempotent, resources: Res
) -> Response:
    """Let units leave for another warehouse: they are on no shelf until they arrive."""
    return await stock.send_transfer(request, resources, call, wanted)


@api.get(
    "/admin/stock-transfers",
    response_model=TransferPage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_transfers(
    *,
    _staff: StockReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[TransferStatus | None, Query()] = None,
) -> Response:
    """Return transfers, the newest first."""
    scope = {"list": "stock-transfers", "status": status}
    async with resources.database.transaction() as session:
        rows = await transfers.page_of(
            session, before=cursors.open(cursor, scope=scope), status=status, limit=limit + 1
        )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda transfer: transfer.id,
            render=stock.transfer_document,
        )
    )


@api.get(
    "/admin/stock-transfers/{id}",
    response_model=Transfer,
    responses=problems(*_STAFF, "not-found"),
)
async def get_transfer(transfer_id: TransferId, _staff: StockReader, resources: Res) -> Response:
    """Return one transfer."""
    async with resources.database.transaction() as session:
        return JsonResponse(stock.transfer_document(await transfers.find(session, transfer_id)))


@api.post(
    "/admin/stock-transfers/{id}/receive",
    response_model=Transfer,
    responses=problems(*_ONCE, "not-found"),
)
async def receive_transfer(
    request: Request, transfer_id: TransferId, _staff: StockWriter, call: Idempotent, resources: Res
) -> Response:
    """The units have arrived; orders that wait for them get them first."""
    return await stock.end_transfer(request, resources, call, transfer_id, TransferStatus.RECEIVED)


@api.post(
    "/admin/stock-transfers/{id}/cancel",
    response_model=Transfer,
    responses=problems(*_ONCE, "not-found"),
)
async def cancel_transfer(
    request: Request, transfer_id: TransferId, _staff: StockWriter, call: Idempotent, resources: Res
) -> Response:
    """The units are back where they left."""
    return await stock.end_transfer(request, resources, call, transfer_id, TransferStatus.CANCELED)
