"""What the contract suites share: the sandbox of the session, its switches and its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import TestServers
from tests.contract.sandbox import Control, Inbox


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[Control]:
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http:
        control = Control(http=http)
        yield control
        await control.clear_faults()


@pytest.fixture
async def inbox(servers: TestServers, sandbox_url: str) -> AsyncIterator[Inbox]:
    """Receives what the sandbox sends, at the address where the API would be."""
    inbox = Inbox()
    server = await asyncio.start_server(inbox.receive, "127.0.0.1", servers.ports.api)
    async with server:
        yield inbox
