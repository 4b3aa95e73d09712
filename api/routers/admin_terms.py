"""Taxes and shipping fees, by staff; carts are priced by them from the next snapshot on."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from api import editing
from api.auth import TermsReader, TermsWriter
from api.carts import refuse
from api.dependencies import Cursor, CursorsDep, Limit, Res
from api.editing import IfMatch
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas import terms
from core.domain.errors import FieldError
from core.security import Principal
from models.catalogue import ShippingOption, TaxRule
from models.repositories import audit, selling_terms

api = router("staff")
_LISTS = problems("not-authenticated", "forbidden", "invalid-cursor")
_CHANGES = problems("not-authenticated", "forbidden", "precondition-failed")


@api.get("/admin/tax-rules", response_model=terms.TaxRulePage, responses=_LISTS)
async def list_tax_rules(
    _staff: TermsReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return every rule, by country and region."""
    scope = {"list": "tax-rules"}
    rows = await selling_terms.list_tax_rules(
        resources.database, limit=limit + 1, after=_key(cursors.open(cursor, scope=scope))
    )
    return JsonResponse(
        page(rows, limit=limit, cursors=cursors, scope=scope, id_of=_position, render=_row)
    )


@api.put("/admin/tax-rules", response_model=terms.TaxRuleRow, responses=_CHANGES)
async def put_tax_rule(
    wanted: terms.TaxRuleChange, staff: TermsWriter, resources: Res, if_match: IfMatch = None
) -> Response:
    """Set the rate of a country or of a region of it."""
    rule = TaxRule(**wanted.model_dump(exclude={"reason"}))
    async with resources.database.transaction() as session:
        editing.require_match(if_match, await selling_terms.lock(session, rule))
        await _put(session, rule, staff, action="tax_rule.changed", reason=wanted.reason)
    return _answer(rule)


@api.get("/admin/shipping-options", response_model=terms.ShippingOptionPage, responses=_LISTS)
async def list_shipping_options(
    _staff: TermsReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return every fee, by method, zone, currency and weight."""
    scope = {"list": "shipping-options"}
    rows = await selling_terms.list_shipping_options(
        resources.database, limit=limit + 1, after=_key(cursors.open(cursor, scope=scope))
    )
    return JsonResponse(
        page(rows, limit=limit, cursors=cursors, scope=scope, id_of=_position, render=_row)
    )


@api.put("/admin/shipping-options", response_model=terms.ShippingOptionRow, responses=_CHANGES)
async def put_shipping_option(
    wanted: terms.ShippingOptionChange,
    staff: TermsWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Set the fee of a method in a zone from a weight on."""
    option = ShippingOption(**wanted.model_dump(exclude={"reason"}))
    async with resources.database.transaction() as session:
        if not await selling_terms.zone_exists(session, option.zone_id):
            refuse([FieldError(pointer="/zone_id", detail="there is no such zone")])
        editing.require_match(if_match, await selling_terms.lock(session, option))
        await _put(session, option, staff, action="shipping_option.changed", reason=wanted.reason)
    return _answer(option)


async def _put(
    session: AsyncSession, row: SQLModel, staff: Principal, *, action: str, reason: str
) -> None:
    """Write the row, and who did it unless nothing changed."""
    after = _document(row)
    before = await selling_terms.lock(session, row)
    await selling_terms.put(session, row)
    if before != after:
        key = "/".join(str(part) for part in _parts(row))
        await audit.record(
            session,
            actor=staff.actor,
            action=action,
            target=f"{row.__tablename__}/{key}",
            reason=reason,
            before=before,
            after=after,
        )


def _answer(row: SQLModel) -> Response:
    response = JsonResponse(_row(row))
    response.headers["ETag"] = editing.tag_of(_document(row))
    return response


def _row(row: SQLModel) -> dict[str, Any]:
    """The row with its tag: it has no address of its own to read it from."""
    document = _document(row)
    return {**document, "etag": editing.tag_of(document)}


def _document(row: SQLModel) -> dict[str, Any]:
    return row.model_dump()


def _parts(row: SQLModel) -> list[Any]:
    return [getattr(row, name) for name in selling_terms.key_of(type(row))]


def _position(row: SQLModel) -> str:
    return orjson.dumps(_parts(row)).decode()


def _key(position: str | None) -> list[Any] | None:
    return None if position is None else orjson.loads(position)
