"""What a search is narrowed to, by the name in an address."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import text

from core.database import Database

_IDS = {
    "category": text("SELECT id FROM categories WHERE slug = :slug AND deleted_at IS NULL"),
    "vendor": text("SELECT id FROM vendors WHERE slug = :slug"),
}


async def id_of_slug(
    database: Database, kind: Literal["category", "vendor"], slug: str
) -> str | None:
    rows = await database.statement(_IDS[kind], {"slug": slug})
    return rows[0]["id"] if rows else None
