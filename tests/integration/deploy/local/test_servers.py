from __future__ import annotations

import asyncpg
import redis.asyncio
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from core.settings import Environment, Settings
from deploy.local.addresses import Addresses


async def test_fresh_stack_has_the_migrated_database(stack: Addresses) -> None:
    connection = await asyncpg.connect(stack.postgres_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
        assert await connection.fetchval("SHOW shared_buffers") == "256MB"
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
    finally:
        await connection.close()


async def test_private_database_starts_empty_beside_the_shared_one(
    database_url: str, postgres_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM orders") == 0
        assert database_url != postgres_url
    finally:
        await connection.close()


async def test_valkey_keeps_what_it_is_told(redis_url: str) -> None:
    client = redis.asyncio.from_url(redis_url)
    try:
        await client.set("perdure", "endures")
        assert await client.get("perdure") == b"endures"
        assert (await client.config_get("appendonly"))["appendonly"] == "yes"
    finally:
        await client.aclose()


async def test_temporal_accepts_a_workflow_with_the_platforms_search_attributes(
    temporal_address: str,
) -> None:
    client = await Client.connect(temporal_address)
    key = SearchAttributeKey.for_keyword("PerdureOrderId")
    handle = await client.start_workflow(
        "NobodyRunsIt",
        id="search-attributes",
        task_queue="nobody",
        search_attributes=TypedSearchAttributes([SearchAttributePair(key, "ord_1")]),
    )
    description = await handle.describe()
    assert description.typed_search_attributes[key] == "ord_1"
    await handle.terminate()


async def test_settings_point_to_the_stack(settings: Settings, stack: Addresses) -> None:
    assert settings.environment is Environment.TEST
    assert settings.postgres.url.get_secret_value() == stack.postgres_url
    assert settings.redis.url.get_secret_value() == stack.redis_url
    assert settings.temporal.address == stack.temporal_address
    assert settings.api.public_url == stack.api_url
    assert settings.stripe.api_base == f"{stack.sandbox_url}/stripe"
