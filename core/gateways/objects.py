"""Where files are kept that are no rows: pictures, imports, exports.

A key is a path of plain names, ``exports/exp_…/file.zip``. Keys under ``public/`` are read by
everybody at an address that never expires; everything else only through a signed link or by us.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from core.domain.errors import PayloadTooLargeError

PUBLIC = "public/"
CHUNK_BYTES = 64 * 1024
MAX_KEY_LENGTH = 250

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)+")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,99}")
_CONTENT_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*(; charset=[a-z0-9-]+)?")

Body = bytes | AsyncIterable[bytes]
"""All of a file, or its pieces as they come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """What is known of a file without reading it; ``content_type`` is what its writer claimed."""

    key: str
    size_bytes: int
    content_type: str
    modified_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedUpload:
    """The one request that puts a file under a key; whoever has it needs no account with the store.

    With ``fields`` it is a form (RFC 7578) of these fields and, as the last one, ``file``;
    without, the body is the file itself. ``headers`` are sent as they are.
    """

    method: str
    url: str
    expires_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedDownload:
    """A link for ``GET`` that stops working at ``expires_at``."""

    url: str
    expires_at: datetime


class ObjectStore(Protocol):
    """One place for files. Every method is safe to call again with the same arguments.

    Raises, each of them:
        ValueError: a key, a file name or a content type that no store takes: a fault of ours.
        UnavailableError: no answer or a fault of the store's; the effect is unknown.
    """

    name: str

    async def sign_upload(
        self,
        key: str,
        *,
        content_type: str,
        max_bytes: int,
        expires_in: timedelta,
        size_bytes: int | None = None,
    ) -> SignedUpload:
        """Make a link that writes ``key`` once: what is there already is not replaced.

        Args:
            key: where the file shall be.
            content_type: the uploader has to claim this type.
            max_bytes: the most that is taken. A store that cannot check it says so in its
                docstring: whoever reads the upload looks at ``size_bytes`` first.
            expires_in: how long the link works.
            size_bytes: the exact size, if the uploader told it; then no other is taken where the
                store can check that.
        """
        ...

    async def sign_download(
        self, key: str, *, expires_in: timedelta, file_name: str | None = None
    ) -> SignedDownload:
        """Make a link that reads ``key``; a browser saves it under ``file_name`` if there is one.

        Nobody looks whether the file is there.
        """
        ...

    def public_url(self, key: str) -> str:
        """Return where everybody reads a key under ``public/``."""
        ...

    async def put(self, key: str, body: Body, *, content_type: str) -> StoredObject:
        """Write a file, all of it or nothing; one that is there is replaced."""
        ...

    def get(self, key: str, *, offset: int = 0) -> AsyncIterator[bytes]:
        """Read a file in pieces, from ``offset`` bytes on.

        Raises, with the first piece:
            NotFoundError: there is no such file.
        """
        ...

    async def head(self, key: str) -> StoredObject | None: ...

    async def delete(self, key: str) -> None:
        """Remove a file; nothing happens if there is none."""
        ...

    async def copy(self, source: str, target: str) -> StoredObject:
        """Write ``target`` with what ``source`` has, its claimed type too.

        Raises:
            NotFoundError: there is no ``source``.
        """
        ...

    def list(self, prefix: str) -> AsyncIterator[str]:
        """Return the keys that begin with ``prefix``, a folder that ends in ``/``."""
        ...

    async def close(self) -> None: ...


async def read_whole(store: ObjectStore, key: str, *, max_bytes: int) -> bytes:
    """Return a whole file.

    Raises:
        NotFoundError: there is no such file.
        PayloadTooLargeError: it has more than ``max_bytes``; no more than that was read.
    """
    parts = bytearray()
    async for part in store.get(key):
        parts += part
        if len(parts) > max_bytes:
            raise PayloadTooLargeError(f"the file has more than {max_bytes} bytes")
    return bytes(parts)


def is_public(key: str) -> bool:
    return key.startswith(PUBLIC)


def require_key(key: str) -> str:
    """Return ``key`` if every store can take it: no empty, hidden or climbing names.

    Raises:
        ValueError: it is none.
    """
    if len(key) > MAX_KEY_LENGTH or not _KEY.fullmatch(key):
        raise ValueError(f"not a key of an object: {key[:MAX_KEY_LENGTH]!r}")
    return key


def require_public(key: str) -> str:
    """Return ``key`` if everybody may read it.

    Raises:
        ValueError: it is not under ``public/``.
    """
    if not is_public(require_key(key)):
        raise ValueError(f"not a public key: {key!r}")
    return key


def require_folder(prefix: str) -> str:
    """Return ``prefix`` if it names a folder.

    Raises:
        ValueError: it does not, or does not end in ``/``.
    """
    if not prefix.endswith("/"):
        raise ValueError(f"a folder ends in a slash: {prefix!r}")
    require_key(f"{prefix}x")
    return prefix


def require_content_type(content_type: str) -> str:
    """Return ``content_type`` if it can stand in a header.

    Raises:
        ValueError: it is none.
    """
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise ValueError(f"not a content type: {content_type[:100]!r}")
    return content_type


def require_file_name(file_name: str) -> str:
    """Return ``file_name`` if it can stand in a header, quoted.

    Raises:
        ValueError: it has other signs than letters, digits, space, dot, dash and underscore.
    """
    if not _FILE_NAME.fullmatch(file_name):
        raise ValueError(f"not a file name: {file_name[:100]!r}")
    return file_name


async def pieces_of(body: Body) -> AsyncIterator[bytes]:
    """Return a body in pieces, whatever it is."""
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield piece
