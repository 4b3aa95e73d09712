"""Files in a bucket of S3, or of a store that speaks its protocol (MinIO, R2, Ceph)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from core.domain.errors import NotFoundError, UnavailableError
from core.gateways.objects import (
    CHUNK_BYTES,
    Body,
    SignedDownload,
    SignedUpload,
    StoredObject,
    is_public,
    require_content_type,
    require_file_name,
    require_folder,
    require_key,
    require_public,
)
from core.settings_objects import S3Settings

T = TypeVar("T")

_MISSING = "there is no such file"
_IN_MEMORY = 8 * 1024 * 1024
_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})
_BEYOND_THE_END = "InvalidRange"
_FOREVER = "public, max-age=31536000, immutable"


class S3ObjectStore:
    """An upload link binds the type, the size if it was told, and that nothing is replaced.

    A presigned ``PUT`` has no upper bound of its size (only a form has one): without
    ``size_bytes`` whoever reads the upload looks at its size first. Keys under ``public/`` are
    read by everybody by the policy of the bucket, or through a CDN; the ACL of an object is never
    set. The client of the SDK blocks, so each call is made in a thread.
    """

    name = "s3"

    def __init__(self, client: Any, *, bucket: str, public_url: str) -> None:
        self._client = client
        self._bucket = bucket
        self._public_url = public_url.rstrip("/")

    @classmethod
    def open(cls, settings: S3Settings, *, public_url: str | None) -> S3ObjectStore:
        """Open it; nothing connects before it is used."""
        secret = settings.secret_access_key
        client = boto3.client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint_url,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if settings.path_style else "virtual"},
                connect_timeout=settings.timeout_seconds,
                read_timeout=settings.timeout_seconds,
                retries={"mode": "standard", "max_attempts": 3},
                # Else the link of an upload binds the checksum of a body that nobody knows yet.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        return cls(
            client, bucket=settings.bucket, public_url=public_url or _address(settings, client)
        )

    async def sign_upload(
        self,
        key: str,
        *,
        content_type: str,
        max_bytes: int,
        expires_in: timedelta,
        size_bytes: int | None = None,
    ) -> SignedUpload:
        bound: dict[str, Any] = {
            "ContentType": require_content_type(content_type),
            "IfNoneMatch": "*",
        }
        if size_bytes is not None:
            bound["ContentLength"] = min(size_bytes, max_bytes)
        url, expires_at = self._sign("put_object", key, expires_in, bound)
        return SignedUpload(
            method="PUT",
            url=url,
            headers={"Content-Type": content_type, "If-None-Match": "*"},
            expires_at=expires_at,
        )

    async def sign_download(
        self, key: str, *, expires_in: timedelta, file_name: str | None = None
    ) -> SignedDownload:
        own_name = require_key(key).rpartition("/")[2]
        shown = own_name if file_name is None else require_file_name(file_name)
        disposition = {"ResponseContentDisposition": f'attachment; filename="{shown}"'}
        url, expires_at = self._sign("get_object", key, expires_in, disposition)
        return SignedDownload(url=url, expires_at=expires_at)

    def public_url(self, key: str) -> str:
        return f"{self._public_url}/{quote(require_public(key))}"

    async def put(self, key: str, body: Body, *, content_type: str) -> StoredObject:
        place = {"Bucket": self._bucket, "Key": require_key(key)}
        about = {"ContentType": require_content_type(content_type)}
        if is_public(key):
            about["CacheControl"] = _FOREVER
        if isinstance(body, bytes):
            await self._call(lambda: self._client.put_object(**place, **about, Body=body))
        else:
            # Parts of a multipart upload need their size: the pieces are gathered in a file.
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as gathered:
                async for piece in body:
                    await asyncio.to_thread(gathered.write, piece)
                gathered.seek(0)
                await self._call(
                    lambda: self._client.upload_fileobj(gathered, **place, ExtraArgs=about)
                )
        return await self._require(key)

    async def get(self, key: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        place = {"Bucket": self._bucket, "Key": require_key(key)}
        part = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            found = await self._call(lambda: self._client.get_object(**place, **part))
        except _BeyondTheEndError:
            return
        stream = found["Body"]
        try:
            while piece := await self._call(lambda: stream.read(CHUNK_BYTES)):
                yield piece
        finally:
            stream.close()

    async def head(self, key: str) -> StoredObject | None:
        place = {"Bucket": self._bucket, "Key": require_key(key)}
        try:
            found = await self._call(lambda: self._client.head_object(**place))
        except NotFoundError:
            return None
        return StoredObject(
            key=key,
            size_bytes=found["ContentLength"],
            content_type=found["ContentType"],
            modified_at=found["LastModified"],
        )

    async def delete(self, key: str) -> None:
        place = {"Bucket": self._bucket, "Key": require_key(key)}
        await self._call(lambda: self._client.delete_object(**place))

    async def copy(self, source: str, target: str) -> StoredObject:
        place = {"Bucket": self._bucket, "Key": require_key(target)}
        origin = {"Bucket": self._bucket, "Key": require_key(source)}
        await self._call(lambda: self._client.copy_object(**place, CopySource=origin))
        return await self._require(target)

    async def list(self, prefix: str) -> AsyncIterator[str]:
        paginator = self._client.get_paginator("list_objects_v2")
        pages = iter(paginator.paginate(Bucket=self._bucket, Prefix=require_folder(prefix)))
        while (page := await self._call(lambda: next(pages, None))) is not None:
            for found in page.get("Contents", ()):
                yield found["Key"]

    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)

    async def _require(self, key: str) -> StoredObject:
        found = await self.head(key)
        if found is None:
            raise UnavailableError("somebody removed the file at the same moment")
        return found

    def _sign(
        self, call: str, key: str, expires_in: timedelta, bound: Mapping[str, Any]
    ) -> tuple[str, datetime]:
        """Make a link; it is computed here, nothing is asked."""
        url = self._client.generate_presigned_url(
            call,
            Params={"Bucket": self._bucket, "Key": require_key(key), **bound},
            ExpiresIn=int(expires_in.total_seconds()),
        )
        return url, datetime.now(UTC).replace(microsecond=0) + expires_in

    async def _call(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(call)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NOT_THERE:
                raise NotFoundError(_MISSING) from None
            if code == _BEYOND_THE_END:
                raise _BeyondTheEndError from None
            raise UnavailableError(f"the store of files says {code}") from error
        except (BotoCoreError, OSError) as error:
            raise UnavailableError("the store of files does not answer") from error


class _BeyondTheEndError(Exception):
    """A part was asked for that begins where the file has ended."""


def _address(settings: S3Settings, client: Any) -> str:
    endpoint: str = client.meta.endpoint_url
    if settings.path_style:
        return f"{endpoint}/{settings.bucket}"
    scheme, _, host = endpoint.partition("://")
    return f"{scheme}://{settings.bucket}.{host}"
