"""Who did what to which."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import Query, Response

from api.auth import AuditReader
from api.dependencies import Cursor, CursorsDep, Limit, Res
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.base import NO_CONTROLS
from api.schemas.oversight import AuditPage
from models.repositories import audit

api = router("staff")


@api.get(
    "/admin/audit-log",
    response_model=AuditPage,
    responses=problems("not-authenticated", "forbidden", "invalid-cursor"),
)
async def list_audit_log(
    *,
    _staff: AuditReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    actor: Annotated[
        str | None,
        Query(max_length=100, pattern=NO_CONTROLS, description="Who did it, as it is shown"),
    ] = None,
    target: Annotated[
        str | None,
        Query(max_length=100, pattern=NO_CONTROLS, description="The id of what was changed"),
    ] = None,
    action: Annotated[
        str | None, Query(max_length=100, pattern=NO_CONTROLS, description="What was done")
    ] = None,
) -> Response:
    """Return what people did, the newest first."""
    scope = {"list": "audit-log", "actor": actor, "target": target, "action": action}
    rows = await audit.list_entries(
        resources.database,
        limit=limit + 1,
        before_id=cursors.open(cursor, scope=scope),
        actor=actor,
        target=target,
        action=action,
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda entry: entry.id,
            render=asdict,
        )
    )
