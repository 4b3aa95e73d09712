"""Where products are searched."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr

from core.section import Section


class SearchBackend(StrEnum):
    POSTGRES = "postgres"
    """The database that is there anyway."""
    MEILISEARCH = "meilisearch"


class SearchSettings(Section):
    backend: SearchBackend = SearchBackend.POSTGRES


class MeilisearchSettings(Section):
    url: str = "http://127.0.0.1:7700"
    api_key: SecretStr = Field(
        default=SecretStr(""), description="may do all with our index, its rebuilds and tasks"
    )
    index: str = Field(default="products", description="rebuilds are called {index}-rebuild-…")
    timeout_seconds: int = Field(default=5, ge=1, description="of one request")
    task_seconds: float = Field(default=120.0, description="a change that takes longer has failed")
    search_key: SecretStr = Field(
        default=SecretStr(""), description="may only search; parent of the tokens of vendors"
    )
    search_key_uid: str = Field(default="", description="UUID of the search key")
