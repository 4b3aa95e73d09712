"""The stores that the suite runs on, and how their links are used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from core.gateways.objects import ObjectStore, SignedUpload


@dataclass(frozen=True, kw_only=True)
class StoreUnderTest:
    """A store, and a client for those who have nothing but its links."""

    store: ObjectStore
    http: httpx.AsyncClient

    async def upload(
        self, link: SignedUpload, body: bytes, *, content_type: str | None = None
    ) -> httpx.Response:
        """Use a link as its receiver would."""
        headers = dict(link.headers)
        if content_type is not None:
            headers["Content-Type"] = content_type
        if link.fields:
            return await self.http.request(
                link.method, link.url, data=dict(link.fields), files={"file": ("file", body)}
            )
        return await self.http.request(link.method, link.url, headers=headers, content=body)


OpenStore = Callable[[], Awaitable[StoreUnderTest]]


async def read(store: ObjectStore, key: str, *, offset: int = 0) -> bytes:
    """All of a file."""
    return b"".join([part async for part in store.get(key, offset=offset)])
