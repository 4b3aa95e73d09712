"""The schema's history, by Alembic. Every migration only adds: the release before runs on it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to ``revision``; safe to run twice and from several processes at once.

    Args:
        url: a ``postgresql://`` address.
        revision: an Alembic revision, ``head`` for the newest.
    """
    command.upgrade(configuration(url), revision)


def configuration(url: str) -> Config:
    """Alembic's configuration for a database, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["url"] = url
    return config
