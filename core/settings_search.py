"""Where products are searched."""

from __future__ import annotations

from enum import StrEnum

from core.section import Section


class SearchBackend(StrEnum):
    POSTGRES = "postgres"
    """The database that is there anyway."""


class SearchSettings(Section):
    backend: SearchBackend = SearchBackend.POSTGRES
