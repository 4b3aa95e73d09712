"""People who are forgotten, for staff."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api import erasures
from api.auth import PeopleReader, PeopleWriter
from api.dependencies import Cursor, CursorsDep, Limit, Res, UserId
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.once import made_once
from api.openapi import problems
from api.pages import page
from api.schemas.personal import Erasure, ErasurePage, ErasureRequest
from core.domain.ids import Prefix, new_id
from models.personal_data import ErasureStatus
from models.repositories import erasures as rows
from models.repositories.erasures import ErasureView

api = router("personal data")

_STAFF = ("not-authenticated", "forbidden")


@api.get(
    "/admin/erasures",
    response_model=ErasurePage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_erasures(
    *,
    _staff: PeopleReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[ErasureStatus | None, Query()] = None,
) -> Response:
    """Return who asked to be forgotten and how far it has come, the newest first."""
    scope = {"list": "erasures", "status": status}
    found = await rows.list_erasures(
        resources.database,
        limit=limit + 1,
        before_id=cursors.open(cursor, scope=scope),
        status=status,
    )
    return JsonResponse(
        page(
            found,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda erasure: erasure.id,
            render=erasures.document,
        )
    )


@api.post(
    "/admin/users/{id}/erasure",
    status_code=202,
    response_model=Erasure,
    responses=problems(
        *_STAFF, "not-found", "conflict", "idempotency-key-missing", "idempotency-key-reused"
    ),
)
async def forget_user(
    user_id: UserId,
    wanted: ErasureRequest,
    staff: PeopleWriter,
    call: Idempotent,
    resources: Res,
) -> Response:
    """Forget somebody who asked for it in another way than by their account."""
    asked: list[ErasureView] = []

    async def asking(session: AsyncSession, _: str) -> dict[str, Any]:
        erasure = await erasures.ask_for_another(
            session, user_id, staff=staff, reason=wanted.reason
        )
        asked.append(erasure)
        return erasures.document(erasure)

    answer = await made_once(resources, call, new_id(Prefix.ERASURE), asking, status=202)
    for erasure in asked:
        await erasures.begin(resources, erasure)
    return answer
