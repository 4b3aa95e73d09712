"""Opaque, signed cursors: a position in one list with one set of filters."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

import orjson

from core.domain.errors import DomainError

_MAC_BYTES = 16


class InvalidCursorError(DomainError):
    """The cursor was not made by us, or for another list or other filters."""

    code = "invalid-cursor"

    def extra(self) -> Mapping[str, object]:
        return {"errors": [{"pointer": "/query/cursor", "detail": str(self)}]}


class Cursors:
    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def seal(self, position: str, *, scope: Mapping[str, object]) -> str:
        """Return the cursor of the page after ``position``.

        Args:
            position: the id of the last row of this page.
            scope: the list and its filters; the cursor is good for nothing else.
        """
        raw = position.encode()
        return urlsafe_b64encode(self._mac(raw, scope) + raw).decode().rstrip("=")

    def open(self, cursor: str | None, *, scope: Mapping[str, object]) -> str | None:
        """Return the position in a cursor; None for the first page.

        Raises:
            InvalidCursorError: forged, damaged, or made for another list.
        """
        if cursor is None:
            return None
        try:
            sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raise InvalidCursorError("not a cursor of this list") from None
        mac, raw = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(raw, scope)):
            raise InvalidCursorError("not a cursor of this list")
        return raw.decode()

    def _mac(self, raw: bytes, scope: Mapping[str, object]) -> bytes:
        bound = orjson.dumps(scope, option=orjson.OPT_SORT_KEYS) + b"\x00" + raw
        return hmac.new(self._key, bound, hashlib.sha256).digest()[:_MAC_BYTES]
