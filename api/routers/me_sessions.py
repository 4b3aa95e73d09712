"""Where the caller is signed in."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import Response

from api.auth import Oneself
from api.dependencies import Cursor, CursorsDep, Limit, Res, SessionId
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.identity import SessionPage
from core.domain.errors import NotFoundError
from core.security import Principal
from models.repositories import audit, sessions

api = router("identity")
_ONESELF = problems("not-authenticated", "forbidden")


@api.get(
    "/me/sessions",
    response_model=SessionPage,
    responses={**_ONESELF, **problems("invalid-cursor")},
)
async def list_sessions(
    *,
    principal: Oneself,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return every session that has not ended, the newest first, with those of support."""
    scope = {"list": "sessions", "user": principal.user_id}
    rows = await sessions.list_sessions(
        resources.database,
        principal.user_id,
        limit=limit + 1,
        before_id=cursors.open(cursor, scope=scope),
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda row: row.id,
            render=lambda row: asdict(row) | {"current": row.id == principal.session_id},
        )
    )


@api.delete("/me/sessions/{id}", status_code=204, responses={**_ONESELF, **problems("not-found")})
async def end_session(session_id: SessionId, principal: Oneself, resources: Res) -> Response:
    """End a session; its access token lives on for its last minutes."""
    if not await _end(resources, principal, only_id=session_id):
        raise NotFoundError("there is no such session")
    return Response(status_code=204)


@api.delete("/me/sessions", status_code=204, responses=_ONESELF)
async def end_other_sessions(principal: Oneself, resources: Res) -> Response:
    """End every session but the one that asks."""
    await _end(resources, principal, spared_id=principal.session_id)
    return Response(status_code=204)


async def _end(
    resources: Res,
    principal: Principal,
    *,
    only_id: str | None = None,
    spared_id: str | None = None,
) -> int:
    async with resources.database.transaction() as session:
        ended = await sessions.revoke(
            session, principal.user_id, only_id=only_id, spared_id=spared_id
        )
        if ended:
            await audit.record(
                session,
                actor=principal.actor,
                action="user.sessions_ended",
                target=principal.user_id,
                reason="",
                after={"sessions": ended},
            )
    return ended
