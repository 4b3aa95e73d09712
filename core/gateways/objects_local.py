"""Files in a folder of this machine, or of a volume that all its processes mount."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from core.domain.errors import (
    ConflictError,
    InvalidSignatureError,
    NotFoundError,
    PayloadTooLargeError,
    UnavailableError,
)
from core.gateways import objects
from core.gateways.objects import (
    CHUNK_BYTES,
    Body,
    SignedDownload,
    SignedUpload,
    StoredObject,
    pieces_of,
    require_content_type,
    require_file_name,
    require_key,
    require_public,
)

ROUTE = "/v1/objects"
"""Where the API serves this store."""


_TRIES = 20


class LocalObjectStore:
    """The API serves its links; a signature is a keyed hash of what the link allows.

    A file is written beside its place and renamed into it, so nobody ever reads half of one. What
    its writer claimed of its type lies beside it. A key is never the folder of another key.
    """

    name = "local"

    def __init__(self, directory: Path, *, key: str, base_url: str, public_url: str | None) -> None:
        self._content = directory / "content"
        self._about = directory / "about"
        self._unfinished = directory / "unfinished"
        self._key = key.encode()
        self._base_url = base_url.rstrip("/") + ROUTE
        self._public_url = (public_url or self._base_url).rstrip("/")

    async def sign_upload(
        self,
        key: str,
        *,
        content_type: str,
        max_bytes: int,
        expires_in: timedelta,
        size_bytes: int | None = None,
    ) -> SignedUpload:
        expires = _unix(expires_in)
        allowed = {
            "content_type": require_content_type(content_type),
            "max_bytes": str(min(max_bytes, size_bytes or max_bytes)),
            "expires": str(expires),
        }
        return SignedUpload(
            method="PUT",
            url=self._link("PUT", require_key(key), allowed),
            headers={"Content-Type": content_type},
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    async def sign_download(
        self, key: str, *, expires_in: timedelta, file_name: str | None = None
    ) -> SignedDownload:
        expires = _unix(expires_in)
        allowed = {"expires": str(expires)}
        if file_name is not None:
            allowed["file_name"] = require_file_name(file_name)
        return SignedDownload(
            url=self._link("GET", require_key(key), allowed),
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    def public_url(self, key: str) -> str:
        return f"{self._public_url}/{require_public(key)}"

    def verify(self, method: str, key: str, query: Mapping[str, str]) -> dict[str, str]:
        """Return what a link allows, without its signature.

        Raises:
            InvalidSignatureError: nobody signed this, or it has expired.
        """
        allowed = {name: value for name, value in query.items() if name != "signature"}
        given = query.get("signature", "")
        expected = self._sign(method, key, allowed)
        if not given.isascii() or not hmac.compare_digest(given, expected):
            raise InvalidSignatureError("the link is not one of ours")
        if int(allowed["expires"]) <= time.time():
            raise InvalidSignatureError("the link has expired")
        return allowed

    async def receive(
        self, key: str, body: Body, *, content_type: str, max_bytes: int
    ) -> StoredObject:
        """Write what somebody with a link sends; never over a file that is there.

        Raises:
            ConflictError: there is one.
            PayloadTooLargeError: more than ``max_bytes``; nothing is kept.
        """
        return await self._write(
            key, body, content_type=content_type, max_bytes=max_bytes, replace=False
        )

    async def put(self, key: str, body: Body, *, content_type: str) -> StoredObject:
        return await self._write(key, body, content_type=content_type)

    async def get(self, key: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        path = self.path_of(key)
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFoundError("there is no such file") from None
        except OSError as error:
            raise UnavailableError("the folder of files cannot be read") from error
        with file:
            file.seek(offset)
            while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield piece

    async def head(self, key: str) -> StoredObject | None:
        return await asyncio.to_thread(self._head, require_key(key))

    async def delete(self, key: str) -> None:
        await asyncio.to_thread(self._remove, require_key(key))

    async def copy(self, source: str, target: str) -> StoredObject:
        found = await self.head(source)
        if found is None:
            raise NotFoundError("there is no such file")
        return await self.put(target, self.get(source), content_type=found.content_type)

    async def list(self, prefix: str) -> AsyncIterator[str]:
        folder = self._content / objects.require_folder(prefix)
        for path in sorted(await asyncio.to_thread(_files_below, folder)):
            yield path.relative_to(self._content).as_posix()

    async def close(self) -> None:
        """Nothing is held open."""

    def path_of(self, key: str) -> Path:
        """Return where a file lies."""
        return self._content / require_key(key)

    async def _write(
        self,
        key: str,
        body: Body,
        *,
        content_type: str,
        max_bytes: int | None = None,
        replace: bool = True,
    ) -> StoredObject:
        require_content_type(content_type)
        require_key(key)
        unfinished = self._unfinished / secrets.token_hex(16)
        size = 0
        try:
            await asyncio.to_thread(self._unfinished.mkdir, parents=True, exist_ok=True)
            with await asyncio.to_thread(unfinished.open, "xb") as file:
                async for piece in pieces_of(body):
                    size += len(piece)
                    if max_bytes is not None and size > max_bytes:
                        raise PayloadTooLargeError(f"the file has more than {max_bytes} bytes")
                    await asyncio.to_thread(file.write, piece)
                await asyncio.to_thread(_sync, file)
            await asyncio.to_thread(self._settle, unfinished, key, content_type, replace=replace)
        except OSError as error:
            raise UnavailableError("the folder of files cannot be written") from error
        finally:
            await asyncio.to_thread(unfinished.unlink, missing_ok=True)
        found = await self.head(key)
        if found is None:
            raise UnavailableError("somebody removed the file at the same moment")
        return found

    def _remove(self, key: str) -> None:
        for top in (self._content, self._about):
            with suppress(NotADirectoryError, IsADirectoryError):
                (top / key).unlink(missing_ok=True)
            with suppress(OSError):
                # Stops at the first folder that holds something.
                for folder in (top / key).parents:
                    if folder == top:
                        break
                    folder.rmdir()

    def _settle(self, unfinished: Path, key: str, content_type: str, *, replace: bool) -> None:
        target, about = self._content / key, self._about / key
        if not replace and target.exists():
            raise ConflictError("there is a file already")
        fresh = self._unfinished / secrets.token_hex(16)
        fresh.write_text(json.dumps({"content_type": content_type}), encoding="utf-8")
        _into(about.parent, lambda: fresh.replace(about))
        if replace:
            _into(target.parent, lambda: unfinished.replace(target))
            return
        try:
            # A link, unlike a renaming, refuses to take the place of a file.
            _into(target.parent, lambda: os.link(unfinished, target))
        except FileExistsError:
            raise ConflictError("there is a file already") from None

    def _head(self, key: str) -> StoredObject | None:
        try:
            found = (self._content / key).stat()
            about = json.loads((self._about / key).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        return StoredObject(
            key=key,
            size_bytes=found.st_size,
            content_type=about["content_type"],
            modified_at=datetime.fromtimestamp(found.st_mtime, UTC),
        )

    def _link(self, method: str, key: str, allowed: Mapping[str, str]) -> str:
        signed = {**allowed, "signature": self._sign(method, key, allowed)}
        return f"{self._base_url}/{key}?{urlencode(signed)}"

    def _sign(self, method: str, key: str, allowed: Mapping[str, str]) -> str:
        claim = "\x1f".join(("object", method, key, json.dumps(allowed, sort_keys=True)))
        digest = hmac.digest(self._key, claim.encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


def _unix(expires_in: timedelta) -> int:
    return int(time.time() + expires_in.total_seconds())


def _into(folder: Path, move: Callable[[], object]) -> None:
    """Move a file into a folder, which is made; removals take away folders that are empty."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            with suppress(FileExistsError):
                # It was there a moment ago, and may be gone again.
                folder.mkdir(parents=True, exist_ok=True)
            move()
            return
    raise UnavailableError("the folder of files is being removed again and again")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _files_below(folder: Path) -> Sequence[Path]:
    """Return the files of a folder; those that others delete meanwhile may be among them or not."""
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]
