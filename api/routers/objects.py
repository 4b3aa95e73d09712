"""The links of the local store of files; other stores have addresses of their own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import FileResponse

from api import media
from api.dependencies import Res
from api.json_route import router
from api.openapi import problems
from core.domain.errors import FieldError, InvalidRequestError, NotFoundError
from core.gateways.objects import is_public, require_key
from core.gateways.objects_local import LocalObjectStore

api = router("files")

_MISSING = "there is no such file"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "example": "…",
            }
        },
    }
}
_PUBLIC_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_HARMLESS = {"Content-Security-Policy": "default-src 'none'; sandbox"}
"""Nothing in a file runs in our origin, whatever a browser takes it for."""


async def _local_store(resources: Res) -> LocalObjectStore:
    if not isinstance(resources.objects, LocalObjectStore):
        raise NotFoundError("files are not kept here")
    return resources.objects


async def _key_in_path(key: str) -> str:
    try:
        return require_key(key)
    except ValueError:
        raise NotFoundError(_MISSING) from None


LocalStore = Annotated[LocalObjectStore, Depends(_local_store)]
Key = Annotated[str, Depends(_key_in_path)]


@api.get(
    "/objects/{key:path}",
    response_class=FileResponse,
    responses=problems("not-found", "invalid-signature") | _FILE,
)
async def download_object(request: Request, key: Key, store: LocalStore) -> Response:
    """Return a file: a public one to everybody, another one to whoever has its link."""
    allowed = {} if is_public(key) else store.verify("GET", key, request.query_params)
    found = await store.head(key)
    if found is None:
        raise NotFoundError(_MISSING)
    return FileResponse(
        store.path_of(key),
        media_type=found.content_type,
        filename=allowed.get("file_name", key.rpartition("/")[2]),
        content_disposition_type="inline" if is_public(key) else "attachment",
        headers=_HARMLESS | (_PUBLIC_HEADERS if is_public(key) else {}),
    )


@api.put(
    "/objects/{key:path}",
    status_code=204,
    responses=problems("not-found", "invalid-signature", "conflict"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}, "example": "…"}},
        }
    },
)
async def upload_object(request: Request, key: Key, store: LocalStore, resources: Res) -> Response:
    """Keep the body under the key of the link, once; the link says its type and its limit."""
    allowed = store.verify("PUT", key, request.query_params)
    content_type = allowed["content_type"]
    if request.headers.get("content-type") != content_type:
        error = FieldError(pointer="/header/content-type", detail=f"must be {content_type}")
        raise InvalidRequestError([error])
    await store.receive(
        key, request.stream(), content_type=content_type, max_bytes=int(allowed["max_bytes"])
    )
    await media.note_upload(resources, key)
    return Response(status_code=204)
