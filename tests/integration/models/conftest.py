from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from activities.checkout import PostgresCheckoutActivities
from activities.fulfillment import PostgresFulfillmentActivities
from activities.housekeeping import PostgresHousekeepingActivities
from activities.stock import PostgresStockActivities
from core.resources import open_resources
from core.settings import Settings
from tests.integration.models.counter import Counter
from tests.shop import Shop


@pytest.fixture
async def counter(settings: Settings, database_url: str) -> AsyncIterator[Counter]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    settings = settings.model_copy(update={"postgres": postgres})
    async with open_resources(settings) as resources:
        counter = Counter(
            shop=Shop(resources.database, resources.temporal),
            checkout=PostgresCheckoutActivities(resources.database, resources.temporal, settings),
            fulfillment=PostgresFulfillmentActivities(resources.database, settings.fulfillment),
            stock=PostgresStockActivities(resources.database),
            housekeeping=PostgresHousekeepingActivities(
                resources.database,
                resources.temporal,
                resources.objects,
                resources.settings.jobs,
            ),
        )
        yield counter
        assert await counter.broken_promises() == {}
