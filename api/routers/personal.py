"""What a person asks about their own data."""

from __future__ import annotations

from typing import Any

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from api import erasures, personal_exports
from api.auth import Oneself
from api.dependencies import ExportId, Res
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.once import made_once
from api.openapi import problems
from api.schemas.personal import Erasure, PersonalExport
from core.domain.ids import Prefix, new_id
from models.repositories import personal_exports as rows
from models.repositories.personal_exports import ExportView

api = router("personal data")


@api.delete(
    "/me",
    status_code=202,
    response_model=Erasure,
    responses=problems("not-authenticated", "forbidden", "not-found", "conflict"),
)
async def forget_me(principal: Oneself, resources: Res) -> Response:
    """Close the account now, and delete all that is known of its person.

    It waits until orders, returns, refunds and disputes have ended. What the law asks to keep of
    them stays without name, address and e-mail address.
    """
    return JsonResponse(await erasures.ask_for_oneself(resources, principal), 202)


@api.post(
    "/me/exports",
    status_code=202,
    response_model=PersonalExport,
    responses=problems(
        "not-authenticated",
        "forbidden",
        "not-found",
        "conflict",
        "idempotency-key-missing",
        "idempotency-key-reused",
    ),
)
async def export_me(principal: Oneself, call: Idempotent, resources: Res) -> Response:
    """Put all that is known of the caller into a file; one at a time."""
    asked: list[ExportView] = []

    async def asking(session: AsyncSession, export_id: str) -> dict[str, Any]:
        export = await rows.request(session, export_id, principal.user_id, actor=principal.actor)
        asked.append(export)
        return await personal_exports.document(resources, export)

    answer = await made_once(
        resources, call, new_id(Prefix.EXPORT), asking, located="/v1/me/exports/", status=202
    )
    for export in asked:
        await personal_exports.begin(resources, export)
    return answer


@api.get(
    "/me/exports/{id}",
    response_model=PersonalExport,
    responses=problems("not-authenticated", "forbidden", "not-found"),
)
async def get_export(export_id: ExportId, principal: Oneself, resources: Res) -> Response:
    """Return one export, with a link to its file once it is made."""
    return JsonResponse(await personal_exports.find(resources, export_id, principal.user_id))
