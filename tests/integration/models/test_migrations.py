from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest
from alembic import command

from deploy.local.postgres import local_url
from models.migrations import configuration, upgrade
from tests.conftest import TestServers

OBJECTS = """
SELECT (SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public') AS tables,
       (SELECT count(*) FROM information_schema.sequences) AS sequences,
       (SELECT count(*) FROM pg_proc WHERE proname LIKE 'perdure%') AS functions
"""


@pytest.fixture
async def empty_url(servers: TestServers) -> AsyncIterator[str]:
    await servers.need("postgres")
    admin = await asyncpg.connect(local_url(servers.ports.postgres, "postgres"))
    try:
        await admin.execute("CREATE DATABASE migrations")
        yield local_url(servers.ports.postgres, "migrations")
        await admin.execute("DROP DATABASE migrations WITH (FORCE)")
    finally:
        await admin.close()


async def objects(url: str) -> tuple[int, int, int]:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(OBJECTS)
        assert row is not None
        return row["tables"], row["sequences"], row["functions"]
    finally:
        await connection.close()


async def revisions(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT version_num FROM alembic_version")
        return [row["version_num"] for row in rows]
    finally:
        await connection.close()


async def test_empty_database_upgrades_and_a_second_run_changes_nothing(empty_url: str) -> None:
    await asyncio.to_thread(upgrade, empty_url)
    once = await objects(empty_url)
    head = await revisions(empty_url)

    await asyncio.to_thread(upgrade, empty_url)

    assert await objects(empty_url) == once
    assert await revisions(empty_url) == head
    assert len(head) == 1


async def test_two_upgrades_at_once_end_as_one(empty_url: str) -> None:
    program = "import sys; from models.migrations import upgrade; upgrade(sys.argv[1])"
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, empty_url)
        for _ in range(2)
    ]

    assert await asyncio.gather(*(process.wait() for process in processes)) == [0, 0]
    assert len(await revisions(empty_url)) == 1


async def test_models_and_migrations_have_not_drifted_apart(empty_url: str) -> None:
    await asyncio.to_thread(upgrade, empty_url)

    await asyncio.to_thread(command.check, configuration(empty_url))


async def test_downgrade_to_base_leaves_only_the_version_table(empty_url: str) -> None:
    await asyncio.to_thread(upgrade, empty_url)

    await asyncio.to_thread(command.downgrade, configuration(empty_url), "base")

    assert await objects(empty_url) == (1, 0, 0)
    assert await revisions(empty_url) == []


async def test_what_is_written_once_refuses_to_be_changed(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        triggers = await connection.fetch(
            "SELECT event_object_table AS name, event_manipulation AS verb"
            " FROM information_schema.triggers WHERE event_manipulation <> 'INSERT'"
            " AND action_statement LIKE '%perdure_refuse_change%'"
            " ORDER BY 1, 2"
        )
    finally:
        await connection.close()

    assert [(row["name"], row["verb"]) for row in triggers] == [
        ("audit_log", "DELETE"),
        ("audit_log", "UPDATE"),
        ("ledger_entries", "DELETE"),
        ("ledger_entries", "UPDATE"),
        ("ledger_postings", "DELETE"),
        ("ledger_postings", "UPDATE"),
        ("order_timeline", "DELETE"),
        ("order_timeline", "UPDATE"),
        ("stock_movements", "DELETE"),
        ("stock_movements", "UPDATE"),
    ]
