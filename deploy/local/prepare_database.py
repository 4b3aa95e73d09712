"""Bring the database to the newest schema and fill it with the demo catalogue, then end.

``python -m deploy.local.prepare_database DEMO_FILE`` writes the demo accounts into DEMO_FILE.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from core.settings import load_settings
from deploy.local.data_directory import write_atomically
from models.migrations import upgrade

CATALOGUE = "deploy.local.catalogue"


def main(demo_file: Path) -> None:
    settings = load_settings()
    upgrade(settings.postgres.url.get_secret_value())
    if find_spec(CATALOGUE) is not None:
        accounts = asyncio.run(import_module(CATALOGUE).seed(settings))
        write_atomically(demo_file, json.dumps(asdict(accounts)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
