"""Bring the database to the newest schema and fill it with the demo shop, then end.

``python -m deploy.local.prepare_database DEMO_FILE`` writes the demo accounts into DEMO_FILE. A
production environment gets the schema only: the demo accounts have published passwords.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from core.database import Database
from core.settings import Environment, PostgresSettings, load_settings
from deploy.local.catalogue import DEMO_ACCOUNTS, seed
from deploy.local.data_directory import write_atomically
from models.migrations import upgrade


def main(demo_file: Path) -> None:
    settings = load_settings()
    try:
        upgrade(settings.postgres.url.get_secret_value())
    except OSError as error:
        sys.exit(f"PostgreSQL does not answer: {error}")
    if settings.environment is Environment.PRODUCTION:
        return
    asyncio.run(seed_demo_shop(settings.postgres))
    accounts = {
        role: {"email": email, "password": password}
        for role, (email, password) in DEMO_ACCOUNTS.items()
    }
    write_atomically(demo_file, json.dumps(accounts))


async def seed_demo_shop(settings: PostgresSettings) -> None:
    """Write the demo shop and its accounts; what exists stays as it is."""
    database = Database.open(settings)
    try:
        await seed(database)
    finally:
        await database.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
