"""Feature flags, for staff; every process has heard of a change within some seconds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request, Response

from api.auth import SettingsReader, SettingsWriter
from api.dependencies import Res
from api.feature_flags import FeatureFlags
from api.json_route import JsonResponse, router, to_json
from api.openapi import problems
from api.preconditions import IfMatch, etag, require_match
from api.schemas.feature_flags import FeatureFlag, FeatureFlagChange, FeatureFlagList
from core.domain.errors import NotFoundError
from core.domain.feature_flags import DECLARED, Flag
from models.feature_flags import FeatureFlag as Row
from models.repositories import feature_flags

api = router("staff")

_STAFF = ("not-authenticated", "forbidden")
_Name = Annotated[str, Path(examples=[Flag.PRODUCT_IMPORTS.value])]


@api.get("/admin/feature-flags", response_model=FeatureFlagList, responses=problems(*_STAFF))
async def list_flags(_staff: SettingsReader, resources: Res) -> Response:
    """Return every feature flag by name; there are few, so there is one page."""
    async with resources.database.transaction() as session:
        rows = await feature_flags.rows(session)
    return JsonResponse({"data": [_document(row) for row in rows], "next_cursor": None})


@api.get(
    "/admin/feature-flags/{name}",
    response_model=FeatureFlag,
    responses=problems(*_STAFF, "not-found"),
)
async def get_flag(name: _Name, _staff: SettingsReader, resources: Res) -> Response:
    """Return a feature flag; its ``ETag`` is for the next change."""
    async with resources.database.transaction() as session:
        return _answer(await feature_flags.find(session, _flag(name)))


@api.patch(
    "/admin/feature-flags/{name}",
    response_model=FeatureFlag,
    responses=problems(*_STAFF, "not-found", "precondition-failed"),
)
async def change_flag(
    *,
    request: Request,
    name: _Name,
    wanted: FeatureFlagChange,
    staff: SettingsWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Turn a feature flag on or off, or on for a share of people."""
    values = wanted.model_dump(exclude_none=True, exclude={"reason"})
    async with resources.database.transaction() as session:
        row = await feature_flags.find(session, _flag(name), lock=True)
        require_match(if_match, row.version)
        await feature_flags.change(session, row, values, actor=staff.actor, reason=wanted.reason)
        answer = _answer(row)
    flags: FeatureFlags = request.app.state.flags
    flags.forget()
    return answer


def _flag(name: str) -> Flag:
    try:
        return Flag(name)
    except ValueError:
        raise NotFoundError("there is no such feature flag") from None


def _answer(row: Row) -> Response:
    headers = {"ETag": etag(row.version)}
    return Response(to_json(_document(row)), 200, headers, "application/json")


def _document(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "description": DECLARED[Flag(row.name)].description,
        "enabled": row.enabled,
        "percentage": row.percentage,
        "updated_at": row.updated_at,
        "updated_by": row.updated_by,
    }
