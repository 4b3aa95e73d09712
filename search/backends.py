"""Which index a process searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.database import Database
from core.settings import Settings
from core.settings_search import SearchBackend
from search.index import SearchIndex
from search.postgres import PostgresIndex


def _meilisearch(settings: Settings, _database: Database) -> SearchIndex:
    from search.meilisearch import MeilisearchIndex  # noqa: PLC0415  # loaded by those who use it

    return MeilisearchIndex.open(settings.meilisearch)


BACKENDS: Mapping[SearchBackend, Callable[[Settings, Database], SearchIndex]] = {
    SearchBackend.MEILISEARCH: _meilisearch,
    SearchBackend.POSTGRES: lambda _settings, database: PostgresIndex(database),
}


def open_index(settings: Settings, database: Database) -> SearchIndex:
    """Return the index of ``search.backend``; whoever opens it closes it. It connects when used."""
    return BACKENDS[settings.search.backend](settings, database)
