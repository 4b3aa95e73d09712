"""As much of Cloudinary as its store uses: every request is checked as its references say.

Signatures are computed anew from the words of the documentation, not by Cloudinary's package.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from werkzeug.formparser import parse_form_data

CLOUD, API_KEY, API_SECRET = "perdure-test", "814814814814814", "cloudinary-secret-of-the-test"
API_HOST, DELIVERY_HOST = "https://api.cloudinary.test", "https://res.cloudinary.test"
_NOT_SIGNED = {"file", "cloud_name", "resource_type", "api_key", "signature"}
_UPLOAD_FIELDS = {
    "public_id", "type", "overwrite", "context", "timestamp", "signature", "api_key", "file",
}  # fmt: skip
_SIGNATURE_LASTS = 3600
_PAGE = 2
"""Small, so that a folder of a test has several pages."""


class RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(kw_only=True)
class Asset:
    """What is kept under a resource type, a delivery type and a public id."""

    resource_type: str
    delivery_type: str
    public_id: str
    body: bytes
    format: str | None
    context: Mapping[str, str]
    created_at: str

    def document(self) -> dict[str, Any]:
        return {
            "asset_id": hashlib.md5(self.public_id.encode(), usedforsecurity=False).hexdigest(),
            "public_id": self.public_id,
            "resource_type": self.resource_type,
            "type": self.delivery_type,
            "bytes": len(self.body),
            "created_at": self.created_at,
            "context": {"custom": dict(self.context)},
            **({"format": self.format} if self.format else {}),
        }


@dataclass(kw_only=True)
class CloudinaryStub:
    assets: dict[tuple[str, str, str], Asset] = field(default_factory=dict)

    def app(self) -> Starlette:
        api = f"/v1_1/{CLOUD}"
        return Starlette(
            routes=[
                Route(f"{api}/{{kind}}/upload", self.upload, methods=["POST"]),
                Route(f"{api}/{{kind}}/destroy", self.destroy, methods=["POST"]),
                Route(f"{api}/{{kind}}/download", self.download),
                Route(f"{api}/resources/{{kind}}/{{type}}", self.resources),
                Route(f"{api}/resources/{{kind}}/{{type}}/{{public_id:path}}", self.resource),
                Route(f"/{CLOUD}/{{kind}}/upload/{{name:path}}", self.deliver),
            ],
            exception_handlers={RefusedError: _refused},
        )

    async def upload(self, request: Request) -> Response:
        form, file = await _form_of(request)
        _require_signature(form)
        if unknown := set(form) - _UPLOAD_FIELDS:
            raise RefusedError(400, f"Unknown parameters {sorted(unknown)}")
        if form["type"] not in {"upload", "private"} or not form["public_id"]:
            raise RefusedError(400, "Invalid type or public_id")
        place = (request.path_params["kind"], form["type"], form["public_id"])
        if place in self.assets and form["overwrite"] == "0":
            return JSONResponse(self.assets[place].document() | {"existing": True})
        body = await self._fetched(form["file"]) if file is None else file
        asset = _asset(place, body, form["context"])
        self.assets[place] = asset
        return JSONResponse(asset.document())

    async def _fetched(self, file: str) -> bytes:
        # An address: Cloudinary fetches it, and this one can only be its own.
        request = Request(
            {
                "type": "http",
                "method": "GET",
                "path": file.partition("?")[0].removeprefix(API_HOST),
                "query_string": file.partition("?")[2].encode(),
                "headers": [],
                "path_params": {"kind": file.partition("?")[0].split("/")[-2]},
            }
        )
        return bytes((await self.download(request)).body)

    async def destroy(self, request: Request) -> Response:
        form, _ = await _form_of(request)
        _require_signature(form)
        place = (request.path_params["kind"], form["type"], form["public_id"])
        found = self.assets.pop(place, None)
        return JSONResponse({"result": "ok" if found else "not found"})

    async def download(self, request: Request) -> Response:
        if request.method == "HEAD":
            raise RefusedError(405, "Method not allowed")
        query = request.query_params
        _require_signature(query, lasts=False)
        if int(query["expires_at"]) <= time.time():
            raise RefusedError(404, "Resource not found")
        kind = request.path_params["kind"]
        asset = self._find(kind, query["type"], query["public_id"])
        name = query["target_filename"]
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(asset.body, headers=headers, media_type="application/octet-stream")

    async def resource(self, request: Request) -> Response:
        _require_account(request)
        parts = request.path_params
        return JSONResponse(self._find(parts["kind"], parts["type"], parts["public_id"]).document())

    async def resources(self, request: Request) -> Response:
        _require_account(request)
        parts, query = request.path_params, request.query_params
        if not 1 <= int(query["max_results"]) <= 500:
            raise RefusedError(400, "max_results out of range")
        found = sorted(
            asset.public_id
            for (kind, delivery, public_id), asset in self.assets.items()
            if (kind, delivery) == (parts["kind"], parts["type"])
            and public_id.startswith(query["prefix"])
            and public_id > query.get("next_cursor", "")
        )
        page = found[:_PAGE]
        documents = [self._find(parts["kind"], parts["type"], one).document() for one in page]
        more = {"next_cursor": page[-1]} if len(found) > _PAGE else {}
        return JSONResponse({"resources": documents, **more})

    async def deliver(self, request: Request) -> Response:
        kind, name = request.path_params["kind"], request.path_params["name"]
        public_id, _, ending = name.rpartition(".")
        asset = self._find(kind, "upload", public_id if kind == "image" else name)
        subtype = "jpeg" if asset.format == "jpg" else asset.format
        media_type = f"image/{subtype}" if kind == "image" else "application/octet-stream"
        if kind == "image" and ending != asset.format:
            raise RefusedError(404, "Resource not found")
        return Response(asset.body, media_type=media_type)

    def _find(self, kind: str, delivery: str, public_id: str) -> Asset:
        asset = self.assets.get((kind, delivery, public_id))
        if asset is None:
            raise RefusedError(404, f"Resource not found - {public_id}")
        return asset


def _asset(place: tuple[str, str, str], body: bytes, context: str) -> Asset:
    kind, delivery, public_id = place
    form = None
    if kind == "image":
        try:
            with Image.open(BytesIO(body)) as image:
                form = str(image.format).lower()
        except OSError:
            raise RefusedError(400, "Invalid image file") from None
    pairs = (part.split("=", 1) for part in context.split("|"))
    return Asset(
        resource_type=kind,
        delivery_type=delivery,
        public_id=public_id,
        body=body,
        format="jpg" if form == "jpeg" else form,
        context={name: value.replace("\\=", "=") for name, value in pairs},
        created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


async def _form_of(request: Request) -> tuple[dict[str, str], bytes | None]:
    """The fields of a form, and its file if it has one."""
    body = await request.body()
    _, fields, files = parse_form_data(
        {
            "wsgi.input": BytesIO(body),
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": request.headers["content-type"],
            "CONTENT_LENGTH": str(len(body)),
        },
        stream_factory=lambda *_arguments, **_more: BytesIO(),
    )
    file = files.get("file")
    return fields.to_dict(), file.read() if file is not None else None


def _require_signature(form: Mapping[str, str], *, lasts: bool = True) -> None:
    signed = {name: value for name, value in form.items() if name not in _NOT_SIGNED}
    pairs = (f"{name}={value}".replace("&", "%26") for name, value in signed.items() if value)
    words = "&".join(sorted(pairs))
    expected = hashlib.sha256((words + API_SECRET).encode()).hexdigest()
    if form.get("api_key") != API_KEY:
        raise RefusedError(401, "Unknown API key")
    if not hmac.compare_digest(str(form.get("signature")), expected):
        raise RefusedError(401, f"Invalid Signature. String to sign - '{words}'.")
    if lasts and time.time() - int(signed["timestamp"]) >= _SIGNATURE_LASTS:
        raise RefusedError(400, "Stale request - reported time is more than 1 hour ago")


def _require_account(request: Request) -> None:
    expected = "Basic " + b64encode(f"{API_KEY}:{API_SECRET}".encode()).decode()
    if request.headers.get("authorization") != expected:
        raise RefusedError(401, "Invalid credentials")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return JSONResponse({"error": {"message": error.message}}, status_code=error.status)
