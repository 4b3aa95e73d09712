from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from core.gateways.objects_local import LocalObjectStore
from core.resources import open_resources
from core.settings import Settings
from core.settings_objects import ObjectSettings
from tests.contract.objects.stores import StoreUnderTest

STORES = ("local",)


async def _local(tmp_path: Path) -> AsyncIterator[StoreUnderTest]:
    settings = Settings(_env_file=None, objects=ObjectSettings(directory=tmp_path / "objects"))
    async with open_resources(settings) as resources:
        assert isinstance(resources.objects, LocalObjectStore)
        app = create_app(settings, resources)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
            yield StoreUnderTest(store=resources.objects, http=http)


@pytest.fixture(params=STORES)
async def tested(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreUnderTest]:
    async for opened in _local(tmp_path):
        yield opened
