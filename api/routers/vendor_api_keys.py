"""A vendor's keys of machines, for its owners."""

from __future__ import annotations

from fastapi import Request, Response

from api import api_keys
from api.api_keys import KeyHolder, document
from api.auth import VendorPeople
from api.dependencies import ApiKeyId, Cursor, CursorsDep, Limit, Res
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.api_keys import ApiKeyPage, ApiKeyRequest, NewApiKey, Rotation
from models.repositories import api_keys as rows

api = router("vendor")

_ALL = ("not-authenticated", "forbidden")
_ONCE = (*_ALL, "idempotency-key-missing", "idempotency-key-reused")


@api.get(
    "/vendor/api-keys",
    response_model=ApiKeyPage,
    responses=problems(*_ALL, "invalid-cursor"),
)
async def list_vendor_api_keys(
    vendor: VendorPeople,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return the vendor's keys, the newest first; revoked ones too."""
    scope = {"list": "api-keys", "of": vendor.vendor_id}
    async with resources.database.transaction() as session:
        found = await rows.page_of(
            session,
            vendor_id=vendor.vendor_id,
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
    "/vendor/api-keys",
    status_code=201,
    response_model=NewApiKey,
    responses=problems(*_ONCE),
)
async def add_vendor_api_key(
    wanted: ApiKeyRequest, vendor: VendorPeople, call: Idempotent, resources: Res
) -> Response:
    """Make a key of the vendor's; its secret is in this answer alone."""
    holder = KeyHolder.of_vendor(vendor)
    return await api_keys.make(resources, call, wanted, holder, located="/v1/vendor/api-keys/")


@api.post(
    "/vendor/api-keys/{id}/rotate",
    response_model=NewApiKey,
    responses=problems(*_ONCE, "not-found", "invalid-state"),
)
async def rotate_vendor_api_key(
    *,
    request: Request,
    key_id: ApiKeyId,
    vendor: VendorPeople,
    call: Idempotent,
    resources: Res,
    wanted: Rotation | None = None,
) -> Response:
    """Give a key a new secret; the one before works on for a while."""
    holder = KeyHolder.of_vendor(vendor)
    return await api_keys.rotate(
        request, resources, call, key_id=key_id, wanted=wanted or Rotation(), holder=holder
    )


@api.delete(
    "/vendor/api-keys/{id}",
    status_code=204,
    responses=problems(*_ALL, "not-found"),
)
async def revoke_vendor_api_key(key_id: ApiKeyId, vendor: VendorPeople, resources: Res) -> None:
    """End a key at once."""
    async with resources.database.transaction() as session:
        key = await rows.find(session, key_id, vendor_id=vendor.vendor_id, lock=True)
        await rows.revoke(session, key, actor=vendor.actor)
