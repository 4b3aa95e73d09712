"""The platform's own keys of machines, for staff."""

from __future__ import annotations

from fastapi import Request, Response

from api import api_keys
from api.api_keys import KeyHolder, document
from api.auth import PeopleReader, PeopleWriter
from api.dependencies import ApiKeyId, Cursor, CursorsDep, Limit, Res
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.api_keys import ApiKeyPage, ApiKeyRequest, NewApiKey, Rotation
from models.repositories import api_keys as rows

api = router("people")

_ALL = ("not-authenticated", "forbidden")
_ONCE = (*_ALL, "idempotency-key-missing", "idempotency-key-reused")


@api.get(
    "/admin/api-keys",
    response_model=ApiKeyPage,
    responses=problems(*_ALL, "invalid-cursor"),
)
async def list_api_keys(
    _staff: PeopleReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return the platform's own keys, the newest first; revoked ones too."""
    scope = {"list": "api-keys"}
    async with resources.database.transaction() as session:
        found = await rows.page_of(
            session,
            vendor_id=None,
            before=cursors.open(cursor, scope=scope),
            limit=limit + 1,
        )
    return JsonResponse(
        page(
            found,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda key: key.id,
            render=document,
        )
    )


@api.post(
    "/admin/api-keys",
    status_code=201,
    response_model=NewApiKey,
    responses=problems(*_ONCE),
)
async def add_api_key(
    wanted: ApiKeyRequest, staff: PeopleWriter, call: Idempotent, resources: Res
) -> Response:
    """Make a key of the platform's own; its secret is in this answer alone."""
    holder = await KeyHolder.of_staff(resources, staff)
    return await api_keys.make(resources, call, wanted, holder, located="/v1/admin/api-keys/")


@api.post(
    "/admin/api-keys/{id}/rotate",
    response_model=NewApiKey,
    responses=problems(*_ONCE, "not-found", "invalid-state"),
)
async def rotate_api_key(
    *,
    request: Request,
    key_id: ApiKeyId,
    staff: PeopleWriter,
    call: Idempotent,
    resources: Res,
    wanted: Rotation | None = None,
) -> Response:
    """Give a key a new secret; the one before works on for a while."""
    holder = await KeyHolder.of_staff(resources, staff)
    return await api_keys.rotate(
        request, resources, call, key_id=key_id, wanted=wanted or Rotation(), holder=holder
    )


@api.delete(
    "/admin/api-keys/{id}",
    status_code=204,
    responses=problems(*_ALL, "not-found"),
)
async def revoke_api_key(key_id: ApiKeyId, staff: PeopleWriter, resources: Res) -> None:
    """End a key at once."""
    async with resources.database.transaction() as session:
        key = await rows.find(session, key_id, vendor_id=None, lock=True)
        await rows.revoke(session, key, actor=staff.actor)
