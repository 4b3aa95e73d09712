from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.deploy.sandbox.harness import (
    Receiver,
    RunningSandbox,
    running_receiver,
    running_sandbox,
)

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The official SDK gives its httpx client a text body by the old name of the parameter.
    quiet = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(quiet)


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as running:
        yield running


@pytest.fixture(scope="session")
async def shared_sandbox(
    tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(tmp_path_factory.mktemp("sandbox"), receiver) as running:
        yield running


@pytest.fixture
async def sandbox(shared_sandbox: RunningSandbox) -> AsyncIterator[RunningSandbox]:
    """The shared sandbox with every switch back at rest after the test."""
    yield shared_sandbox
    await shared_sandbox.control("DELETE", "faults")
    for service in ("stripe", "paystack", "carrier"):
        await shared_sandbox.webhooks(service, "normal")
    await shared_sandbox.control("DELETE", "webhooks")
    await shared_sandbox.control("POST", "carrier", {"transit_ms": 200})
    shared_sandbox.receiver.script.clear()
