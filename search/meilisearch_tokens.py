"""Tokens with which a vendor's own pages ask Meilisearch directly, for their products alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.settings_search import MeilisearchSettings
from search.meilisearch_queries import quoted

TOKEN_LIVES = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchToken:
    """Where to ask, in which index, by which token, until when (UTC)."""

    url: str
    index: str
    token: str
    expires_at: datetime


def vendor_token(settings: MeilisearchSettings, vendor_id: str) -> SearchToken | None:
    """Return a tenant token whose every search is narrowed to one vendor.

    None when no search key is configured. The token is made here: Meilisearch knows its parent key,
    and applies the filter in it to whatever is asked.
    """
    key = settings.search_key.get_secret_value()
    if not key or not settings.search_key_uid:
        return None
    from meilisearch import Client  # noqa: PLC0415  # loaded by those who use it

    expires_at = datetime.now(UTC).replace(microsecond=0) + TOKEN_LIVES
    token = Client(settings.url).generate_tenant_token(
        settings.search_key_uid,
        {settings.index: {"filter": f"vendor_id = {quoted(vendor_id)}"}},
        expires_at=expires_at,
        api_key=key,
    )
    return SearchToken(url=settings.url, index=settings.index, token=token, expires_at=expires_at)
