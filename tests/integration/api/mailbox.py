"""People who read what the platform sends them, in the sandbox."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.eventually import eventually
from tests.integration.api.conftest import World

_TOKEN = re.compile(r"#token=(\S+)")
_CODE = re.compile(r"^(\d{6}) is your code")


class Mailbox:
    """All mailboxes and telephones of the sandbox."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def messages(self, to: str) -> list[dict[str, Any]]:
        """What has come to an address or a number, the newest first."""
        answer = await self._http.get("/messages", params={"to": to})
        data: list[dict[str, Any]] = answer.json()["data"]
        return data

    async def newest(self, to: str, subject: str = "", *, after: int = 0) -> dict[str, Any]:
        """Wait for more than ``after`` messages of a subject; return the newest."""

        async def look() -> list[dict[str, Any]]:
            return [one for one in await self.messages(to) if one["subject"] == subject]

        return (await eventually(look, lambda found: len(found) > after))[0]

    async def token(self, to: str, subject: str, *, after: int = 0) -> str:
        """The token of the newest link of a subject."""
        text = (await self.newest(to, subject, after=after))["text"]
        found = _TOKEN.search(text)
        assert found is not None, text
        return found[1]

    async def code(self, to: str, subject: str = "", *, after: int = 0) -> str:
        """The newest code; text messages have no subject."""
        text = (await self.newest(to, subject, after=after))["text"]
        found = _CODE.match(text)
        assert found is not None, text
        return found[1]


class Caller:
    """Somebody at an address of their own, so that nobody else's tries count as theirs."""

    def __init__(self, world: World, address: str) -> None:
        transport = httpx.ASGITransport(
            app=world.app, raise_app_exceptions=False, client=(address, 40_000)
        )
        self.client = httpx.AsyncClient(transport=transport, base_url="http://api.test")

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        return await self.client.post(f"/v1{path}", json=body, headers=headers)
