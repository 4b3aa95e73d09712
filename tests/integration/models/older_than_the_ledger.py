"""The ledger of orders that are written into the database without it."""

from __future__ import annotations

from pydantic import SecretStr

from core.database import Database
from core.settings import PostgresSettings
from models.migrations.opening_postings import carry_over


async def carry_ledger_over(database_url: str) -> None:
    """Post for the orders what an upgrade posts for those that are older than the ledger."""
    database = Database.open(PostgresSettings(url=SecretStr(database_url), pool_size=1))
    async with database.engine.begin() as connection:
        await connection.run_sync(carry_over)
    await database.close()
