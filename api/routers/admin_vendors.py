"""Those who sell, for staff."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api import editing
from api.auth import PeopleReader, PeopleWriter
from api.dependencies import Cursor, CursorsDep, Limit, Res, VendorId
from api.editing import IfMatch
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.once import made_once
from api.openapi import problems
from api.pages import page
from api.schemas.people import VendorAccount, VendorAccountPage, VendorChange, VendorRequest
from core.domain.ids import Prefix, new_id
from models.repositories import vendors
from models.vendors import Vendor, VendorStatus

api = router("people")

_STAFF = ("not-authenticated", "forbidden")


@api.get(
    "/admin/vendors",
    response_model=VendorAccountPage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_vendors(
    *,
    _staff: PeopleReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[VendorStatus | None, Query()] = None,
) -> Response:
    """Return vendors, the newest first."""
    scope = {"list": "vendors", "status": status}
    async with resources.database.transaction() as session:
        rows = await vendors.page_of(
            session,
            status=status,
            before=cursors.open(cursor, scope=scope),
            limit=limit + 1,
        )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda vendor: vendor.id,
            render=_document,
        )
    )


@api.post(
    "/admin/vendors",
    status_code=201,
    response_model=VendorAccount,
    responses=problems(*_STAFF, "idempotency-key-missing", "idempotency-key-reused", "conflict"),
)
async def add_vendor(
    wanted: VendorRequest, staff: PeopleWriter, call: Idempotent, resources: Res
) -> Response:
    """Add a vendor; its first owner is an account of staff's making."""

    async def making(session: AsyncSession, id_: str) -> dict[str, Any]:
        values = wanted.model_dump()
        return _document(await vendors.add(session, id_, values, actor=staff.actor))

    return await made_once(
        resources, call, new_id(Prefix.VENDOR), making, located="/v1/admin/vendors/"
    )


@api.get(
    "/admin/vendors/{id}",
    response_model=VendorAccount,
    responses=problems(*_STAFF, "not-found"),
)
async def get_vendor(vendor_id: VendorId, _staff: PeopleReader, resources: Res) -> Response:
    """Return one vendor."""
    async with resources.database.transaction() as session:
        return editing.edited(_document(await vendors.find(session, vendor_id)))


@api.patch(
    "/admin/vendors/{id}",
    response_model=VendorAccount,
    responses=problems(*_STAFF, "not-found", "precondition-failed", "conflict"),
)
async def change_vendor(
    *,
    vendor_id: VendorId,
    wanted: VendorChange,
    staff: PeopleWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change a vendor; what a suspended one has on sale is not on sale any more."""
    values = wanted.model_dump(exclude_none=True, exclude={"reason"})
    async with resources.database.transaction() as session:
        vendor = await vendors.find(session, vendor_id, lock=True)
        editing.require_match(if_match, _document(vendor))
        await vendors.change(session, vendor, values, actor=staff.actor, reason=wanted.reason)
        return editing.edited(_document(vendor))


def _document(vendor: Vendor) -> dict[str, Any]:
    fields = {name: getattr(vendor, name) for name in vendors.FIELDS}
    moments = {"created_at": vendor.created_at, "updated_at": vendor.updated_at}
    return {"id": vendor.id, **fields, **moments}
