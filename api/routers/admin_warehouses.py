"""Warehouses, for staff."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from api import editing
from api.auth import StockReader, StockWriter
from api.dependencies import Cursor, CursorsDep, Limit, Res, WarehouseId
from api.editing import IfMatch
from api.idempotency import Idempotent, replay
from api.json_route import JsonResponse, router, to_json
from api.openapi import problems
from api.pages import page
from api.schemas.stock import Warehouse, WarehouseChange, WarehousePage, WarehouseRequest
from core.domain.errors import FieldError, InvalidRequestError
from core.domain.ids import Prefix, new_id
from models import stock as tables
from models.repositories import warehouses
from models.repositories.idempotency import StoredAnswer

api = router("staff")

_STAFF = ("not-authenticated", "forbidden")
_NEVER_NULL = ("name", "country", "priority")


@api.get(
    "/admin/warehouses",
    response_model=WarehousePage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_warehouses(
    _staff: StockReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return warehouses by id."""
    scope = {"list": "warehouses"}
    async with resources.database.transaction() as session:
        rows = await warehouses.page_of(
            session, after=cursors.open(cursor, scope=scope), limit=limit + 1
        )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda warehouse: warehouse.id,
            render=_document,
        )
    )


@api.post(
    "/admin/warehouses",
    status_code=201,
    response_model=Warehouse,
    responses=problems(*_STAFF, "idempotency-key-missing", "idempotency-key-reused"),
)
async def add_warehouse(
    wanted: WarehouseRequest, staff: StockWriter, call: Idempotent, resources: Res
) -> Response:
    """Add a warehouse; it has no stock yet."""
    record = await call.claim(resources.database, new_id(Prefix.WAREHOUSE))
    if record.answer is not None:
        return replay(record.answer)
    async with resources.database.transaction() as session:
        warehouse = await warehouses.add(
            session,
            record.resource_id,
            wanted.model_dump(),
            actor=staff.actor,
        )
        body = to_json(_document(warehouse))
    location = f"/v1/admin/warehouses/{record.resource_id}"
    answer = StoredAnswer(status=201, body=body, location=location)
    return await call.settle(resources.database, answer)


@api.get(
    "/admin/warehouses/{id}",
    response_model=Warehouse,
    responses=problems(*_STAFF, "not-found"),
)
async def get_warehouse(warehouse_id: WarehouseId, _staff: StockReader, resources: Res) -> Response:
    """Return one warehouse."""
    async with resources.database.transaction() as session:
        return editing.edited(_document(await warehouses.find(session, warehouse_id)))


@api.patch(
    "/admin/warehouses/{id}",
    response_model=Warehouse,
    responses=problems(*_STAFF, "not-found", "precondition-failed"),
)
async def change_warehouse(
    *,
    warehouse_id: WarehouseId,
    wanted: WarehouseChange,
    staff: StockWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change a warehouse; orders that are planned already stay as they are."""
    values = wanted.model_dump(exclude_unset=True)
    errors = [
        FieldError(pointer=f"/{name}", detail="required")
        for name in _NEVER_NULL
        if name in values and values[name] is None
    ]
    if errors:
        raise InvalidRequestError(errors)
    async with resources.database.transaction() as session:
        warehouse = await warehouses.find(session, warehouse_id, lock=True)
        editing.require_match(if_match, _document(warehouse))
        after = _document(warehouse) | values
        if (after["latitude"] is None) != (after["longitude"] is None):
            detail = "latitude and longitude come together"
            raise InvalidRequestError([FieldError(pointer="/latitude", detail=detail)])
        await warehouses.change(session, warehouse, values, actor=staff.actor)
        return editing.edited(_document(warehouse))


def _document(warehouse: tables.Warehouse) -> dict[str, Any]:
    fields = {name: getattr(warehouse, name) for name in warehouses.FIELDS}
    return {"id": warehouse.id, **fields, "created_at": warehouse.created_at}
