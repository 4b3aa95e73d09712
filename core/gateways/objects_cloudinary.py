"""Files at Cloudinary: pictures above all, other files as what Cloudinary calls raw.

Source of the calls and their signatures: Cloudinary's Upload API and Admin API references.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from cloudinary import utils as cloudinary

from core.domain.errors import NotFoundError, UnavailableError
from core.gateways.objects import (
    CHUNK_BYTES,
    Body,
    SignedDownload,
    SignedUpload,
    StoredObject,
    is_public,
    pieces_of,
    require_content_type,
    require_file_name,
    require_folder,
    require_key,
    require_public,
)
from core.settings_objects import CloudinarySettings

_SIGNATURE_LASTS = 3600
"""Cloudinary believes a signature for an hour from its time stamp, never longer."""
_OWN_LINK = timedelta(minutes=30)
_PICTURES = frozenset({"gif", "jpeg", "jpg", "png", "webp"})
_IN_MEMORY = 8 * 1024 * 1024
_PAGE = 500
_OFFSET_TAKEN, _BEYOND_THE_END = 206, 416


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where Cloudinary keeps a key.

    A public picture is an ``image`` without its extension in its name, so that Cloudinary's own
    transformations can be used on it; everything else is ``raw``, under its whole key.
    """

    resource_type: str
    delivery_type: str
    public_id: str


class CloudinaryObjectStore:
    """An upload link is a form, for an hour at most, that replaces nothing.

    Cloudinary has no bound of the size in a signature and takes any bytes as a raw file: whoever
    reads an upload looks at its size and its content. Asking for a file or a folder goes to the
    Admin API, which answers only so many calls in an hour (429 counts as down). A file is sent in
    one request: up to 100 MB.
    """

    name = "cloudinary"

    def __init__(
        self, settings: CloudinarySettings, http: httpx.AsyncClient, *, public_url: str | None
    ) -> None:
        self._http = http
        self._cloud = f"{settings.api_base.rstrip('/')}/v1_1/{settings.cloud_name}"
        delivery = f"{settings.delivery_base.rstrip('/')}/{settings.cloud_name}"
        self._public_url = (public_url or delivery).rstrip("/")
        self._admin = httpx.BasicAuth(settings.api_key, settings.api_secret.get_secret_value())
        self._signer = {
            "api_key": settings.api_key,
            "api_secret": settings.api_secret.get_secret_value(),
            "signature_algorithm": cloudinary.SIGNATURE_SHA256,
            "signature_version": 2,
        }

    @classmethod
    def open(cls, settings: CloudinarySettings, *, public_url: str | None) -> CloudinaryObjectStore:
        """Open it; nothing connects before it is used."""
        http = httpx.AsyncClient(timeout=settings.timeout_seconds, follow_redirects=True)
        return cls(settings, http, public_url=public_url)

    async def sign_upload(
        self,
        key: str,
        *,
        content_type: str,
        max_bytes: int,
        expires_in: timedelta,
        size_bytes: int | None = None,
    ) -> SignedUpload:
        del max_bytes, size_bytes
        lasts = min(int(expires_in.total_seconds()), _SIGNATURE_LASTS)
        expires = int(time.time()) + lasts
        place = place_of(key)
        fields = self._signed(
            _upload_parameters(place, content_type, overwrite=False),
            timestamp=expires - _SIGNATURE_LASTS,
        )
        return SignedUpload(
            method="POST",
            url=f"{self._cloud}/{place.resource_type}/upload",
            fields={name: str(value) for name, value in fields.items()},
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    async def sign_download(
        self, key: str, *, expires_in: timedelta, file_name: str | None = None
    ) -> SignedDownload:
        expires = int(time.time() + expires_in.total_seconds())
        own_name = require_key(key).rpartition("/")[2]
        shown = own_name if file_name is None else require_file_name(file_name)
        return SignedDownload(
            url=self._download(place_of(key), expires, shown),
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def public_url(self, key: str) -> str:
        place = place_of(require_public(key))
        return f"{self._public_url}/{place.resource_type}/{place.delivery_type}/{quote(key)}"

    async def put(self, key: str, body: Body, *, content_type: str) -> StoredObject:
        place = place_of(key)
        parameters = _upload_parameters(place, content_type, overwrite=True)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as gathered:
            async for piece in pieces_of(body):
                gathered.write(piece)
            gathered.seek(0)
            stored = await self._post(place, "upload", parameters, file=gathered)
        return _object_of(key, stored)

    async def get(self, key: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        expires = int(time.time() + _OWN_LINK.total_seconds())
        url = self._download(place_of(key), expires, "file")
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        skip = offset
        try:
            async with self._http.stream("GET", url, headers=headers) as response:
                if response.status_code == _BEYOND_THE_END:
                    return
                _require_success(response)
                if response.status_code == _OFFSET_TAKEN:
                    skip = 0
                async for piece in response.aiter_bytes(CHUNK_BYTES):
                    skip, passed = max(0, skip - len(piece)), skip
                    if passed < len(piece):
                        yield piece[passed:]
        except httpx.HTTPError as error:
            raise UnavailableError("the store of files does not answer") from error

    async def head(self, key: str) -> StoredObject | None:
        place = place_of(key)
        path = f"resources/{place.resource_type}/{place.delivery_type}/{quote(place.public_id)}"
        try:
            return _object_of(key, await self._ask(path, {}))
        except NotFoundError:
            return None

    async def delete(self, key: str) -> None:
        place = place_of(key)
        await self._post(
            place,
            "destroy",
            {"public_id": place.public_id, "type": place.delivery_type, "invalidate": True},
        )

    async def copy(self, source: str, target: str) -> StoredObject:
        found = await self.head(source)
        if found is None:
            raise NotFoundError("there is no such file")
        expires = int(time.time() + _OWN_LINK.total_seconds())
        place = place_of(target)
        parameters = _upload_parameters(place, found.content_type, overwrite=True)
        address = self._download(place_of(source), expires, "file")
        return _object_of(target, await self._post(place, "upload", parameters, file=address))

    async def list(self, prefix: str) -> AsyncIterator[str]:
        require_folder(prefix)
        kinds = ("image/upload", "raw/upload") if is_public(prefix) else ("raw/private",)
        for kind in kinds:
            cursor: str | None = ""
            while cursor is not None:
                query = {"prefix": prefix, "max_results": str(_PAGE)}
                page = await self._ask(
                    f"resources/{kind}", query | ({"next_cursor": cursor} if cursor else {})
                )
                for found in page["resources"]:
                    yield _key_of(found)
                cursor = page.get("next_cursor")

    async def close(self) -> None:
        await self._http.aclose()

    def _signed(
        self, parameters: Mapping[str, Any], *, timestamp: int | None = None
    ) -> dict[str, Any]:
        stamped = {"timestamp": str(timestamp or int(time.time())), **parameters}
        signed: dict[str, Any] = cloudinary.sign_request(stamped, self._signer)
        return signed

    def _download(self, place: Place, expires: int, file_name: str) -> str:
        signed = self._signed(
            {
                "public_id": place.public_id,
                "type": place.delivery_type,
                "expires_at": str(expires),
                "attachment": True,
                "target_filename": file_name,
            }
        )
        return f"{self._cloud}/{place.resource_type}/download?{urlencode(signed)}"

    async def _post(
        self, place: Place, call: str, parameters: Mapping[str, Any], *, file: Any = None
    ) -> Mapping[str, Any]:
        fields = self._signed(parameters)
        files = None if file is None or isinstance(file, str) else {"file": ("file", file)}
        if isinstance(file, str):
            fields["file"] = file
        return await self._answer(
            self._http.build_request(
                "POST", f"{self._cloud}/{place.resource_type}/{call}", data=fields, files=files
            )
        )

    async def _ask(self, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        request = self._http.build_request("GET", f"{self._cloud}/{path}", params=dict(query))
        return await self._answer(request, auth=self._admin)

    async def _answer(
        self, request: httpx.Request, *, auth: httpx.Auth | None = None
    ) -> Mapping[str, Any]:
        try:
            response = await self._http.send(request, auth=auth)
        except httpx.HTTPError as error:
            raise UnavailableError("the store of files does not answer") from error
        _require_success(response)
        try:
            answer: Mapping[str, Any] = response.json()
        except json.JSONDecodeError as error:
            raise UnavailableError("the store of files answers without JSON") from error
        return answer


def place_of(key: str) -> Place:
    """Return where a key is kept.

    Raises:
        ValueError: it is none.
    """
    stem, _, ending = require_key(key).rpartition(".")
    if not is_public(key):
        return Place(resource_type="raw", delivery_type="private", public_id=key)
    if ending in _PICTURES:
        return Place(resource_type="image", delivery_type="upload", public_id=stem)
    return Place(resource_type="raw", delivery_type="upload", public_id=key)


def _key_of(found: Mapping[str, Any]) -> str:
    is_picture = found["resource_type"] == "image"
    return f"{found['public_id']}.{found['format']}" if is_picture else str(found["public_id"])


def _upload_parameters(place: Place, content_type: str, *, overwrite: bool) -> dict[str, Any]:
    claimed = {"content_type": require_content_type(content_type)}
    return {
        "public_id": place.public_id,
        "type": place.delivery_type,
        "overwrite": overwrite,
        "context": cloudinary.encode_context(claimed),
    }


def _object_of(key: str, answer: Mapping[str, Any]) -> StoredObject:
    claimed = (answer.get("context") or {}).get("custom") or {}
    return StoredObject(
        key=key,
        size_bytes=int(answer["bytes"]),
        content_type=str(claimed.get("content_type", "application/octet-stream")),
        modified_at=datetime.fromisoformat(str(answer["created_at"])),
    )


def _require_success(response: httpx.Response) -> None:
    if response.status_code == httpx.codes.NOT_FOUND:
        raise NotFoundError("there is no such file")
    if not response.is_success:
        raise UnavailableError(f"the store of files answers {response.status_code}")
