"""Alembic's entry: runs the migrations over asyncpg, one process at a time."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

import models  # noqa: F401  # registers the tables

_LOCK = 0x70657264757265
"""Advisory lock of all migrations: the letters of the product's name."""


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=SQLModel.metadata, compare_server_default=True
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        context.run_migrations()


async def _main() -> None:
    url: str = context.config.attributes["url"]
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_main())
