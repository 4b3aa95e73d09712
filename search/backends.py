"""Which index a process searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.database import Database
from core.settings import Settings
from core.settings_search import SearchBackend
from search.index import SearchIndex
from search.meilisearch import MeilisearchIndex
from search.postgres import PostgresIndex

BACKENDS: Mapping[SearchBackend, Callable[[Settings, Database], SearchIndex]] = {
    SearchBackend.MEILISEARCH: lambda settings, _database: MeilisearchIndex.open(
        settings.meilisearch
    ),
    SearchBackend.POSTGRES: lambda _settings, database: PostgresIndex(database),
}


def open_index(settings: Settings, database: Database) -> SearchIndex:
    """Return the index of ``search.backend``; whoever opens it closes it. It connects when used."""
    return BACKENDS[settings.search.backend](settings, database)
