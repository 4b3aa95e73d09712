"""Products written many at once: a handful of statements for any number of them.

Every function may run twice with the same rows: what is there already is ``UNCHANGED`` then. Fields
that are None stay as they are. Rows are locked by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.ids import Prefix, new_id
from models.repositories.catalogue_rows import Outcome, Written, outcomes, returned
from models.repositories.product_changes import LOOKED_AT, WAITS_FOR_STAFF

_KNOWN_PRODUCTS = text(f"""
SELECT p.slug, p.id, p.vendor_id, p.deleted_at IS NOT NULL AS deleted,
    p.status <> 'published' AND {WAITS_FOR_STAFF} AS unapproved
FROM products p JOIN vendors d ON d.id = p.vendor_id
WHERE p.slug = ANY(CAST(:slugs AS text[])) ORDER BY p.id FOR NO KEY UPDATE OF p
""")
_NEEDING_APPROVAL = text("""
SELECT id FROM vendors WHERE products_need_approval AND id = ANY(CAST(:ids AS text[]))
""")
_ADD_PRODUCTS = text("""
INSERT INTO products (id, vendor_id, slug, name, description, status, options, attributes,
    approval)
SELECT id, vendor_id, slug, name, coalesce(description, ''), coalesce(status, 'draft'),
    coalesce(options, '[]'), coalesce(attributes, '{}'),
    CASE WHEN NOT :by_vendor AND status = 'published' AND (
        SELECT products_need_approval FROM vendors d WHERE d.id = vendor_id)
    THEN 'approved' ELSE 'not_requested' END
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS wanted (
    id text, vendor_id text, slug text, name text, description text, status text,
    options jsonb, attributes jsonb)
ORDER BY id ON CONFLICT (slug) DO NOTHING RETURNING slug
""")
# What staff approved and a vendor changes waits for them again, as in a change over the API.
_CHANGE_PRODUCTS = text(f"""
WITH wanted AS (
    SELECT p.id, coalesce(w.name, p.name) AS name,
        coalesce(w.description, p.description) AS description,
        coalesce(w.status, p.status) AS status, coalesce(w.options, p.options) AS options,
        coalesce(w.attributes, p.attributes) AS attributes,
        :by_vendor AND {LOOKED_AT} AS looked_at,
        NOT :by_vendor AND {WAITS_FOR_STAFF} AS waits
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS w (
        id text, name text, description text, status text, options jsonb, attributes jsonb)
    JOIN products p ON p.id = w.id JOIN vendors d ON d.id = p.vendor_id
), changed AS (
    SELECT w.*, w.looked_at AND (w.name, w.description, w.options, w.attributes)
            IS DISTINCT FROM (p.name, p.description, p.options, p.attributes) AS look_again
    FROM wanted w JOIN products p ON p.id = w.id
    WHERE (w.name, w.description, w.status, w.options, w.attributes)
        IS DISTINCT FROM (p.name, p.description, p.status, p.options, p.attributes)
)
UPDATE products p SET name = c.name, description = c.description, options = c.options,
    attributes = c.attributes, updated_at = now(),
    status = CASE WHEN c.look_again AND c.status = 'published' THEN 'draft' ELSE c.status END,
    approval = CASE WHEN c.look_again THEN 'requested'
        WHEN c.waits AND c.status = 'published' THEN 'approved' ELSE p.approval END
FROM changed c WHERE p.id = c.id RETURNING p.slug
""")

_WRITE_MEMBERSHIPS = text("""
WITH wanted AS MATERIALIZED (
    SELECT product_id, category_id FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS w (product_id text, category_id text)
), gone AS (
    DELETE FROM product_categories c WHERE c.product_id = ANY(CAST(:product_ids AS text[]))
        AND NOT EXISTS (SELECT FROM wanted w
            WHERE w.product_id = c.product_id AND w.category_id = c.category_id)
    RETURNING c.product_id
), come AS (
    INSERT INTO product_categories (product_id, category_id)
    SELECT product_id, category_id FROM wanted ORDER BY product_id, category_id
    ON CONFLICT DO NOTHING RETURNING product_id
)
SELECT product_id FROM gone UNION SELECT product_id FROM come
""")

_MEMBERSHIPS = text("""
SELECT category_id FROM product_categories WHERE product_id = :id ORDER BY category_id
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductRow:
    """A product under its slug; ``name`` is needed for a new one."""

    slug: str
    vendor_id: str
    name: str | None = None
    description: str | None = None
    status: str | None = None
    options: Sequence[Mapping[str, Any]] | None = None
    attributes: Mapping[str, Any] | None = None


async def write_products(
    session: AsyncSession, rows: Sequence[ProductRow], *, by_vendor: bool
) -> Mapping[str, Written]:
    """Write products by slug, each once in ``rows``; return what became of each.

    The rows' own triggers tell of what was created and changed. ``by_vendor`` keeps to the approval
    of staff where the vendor needs it: their own hand approves.
    """
    found = await session.execute(_KNOWN_PRODUCTS, {"slugs": [row.slug for row in rows]})
    known = {one.slug: one for one in found}
    needing: set[str] = set()
    if by_vendor:
        ids = sorted({row.vendor_id for row in rows})
        needing = set((await session.execute(_NEEDING_APPROVAL, {"ids": ids})).scalars())
    results: dict[str, Written] = {}
    new: list[dict[str, Any]] = []
    old: list[dict[str, Any]] = []
    for row in rows:
        one = known.get(row.slug)
        unapproved = by_vendor and (one.unapproved if one else row.vendor_id in needing)
        if one is not None and one.vendor_id != row.vendor_id:
            results[row.slug] = Written(id=None, outcome=Outcome.TAKEN)
        elif one is not None and one.deleted:
            results[row.slug] = Written(id=one.id, outcome=Outcome.DELETED)
        elif unapproved and row.status == "published":
            results[row.slug] = Written(id=one.id if one else None, outcome=Outcome.NEEDS_APPROVAL)
        elif one is None:
            new.append({**asdict(row), "id": new_id(Prefix.PRODUCT)})
        else:
            old.append({**asdict(row), "id": one.id})
    created = await returned(session, _ADD_PRODUCTS, new, by_vendor=by_vendor)
    changed = await returned(session, _CHANGE_PRODUCTS, old, by_vendor=by_vendor)
    return results | outcomes("slug", new, created, old, changed)


async def write_memberships(
    session: AsyncSession, categories: Mapping[str, Iterable[str]]
) -> set[str]:
    """Let each product be in these categories and no other; return the products that changed."""
    rows = [
        {"product_id": product_id, "category_id": category_id}
        for product_id, ids in categories.items()
        for category_id in set(ids)
    ]
    parameters = {"rows": orjson.dumps(rows).decode(), "product_ids": sorted(categories)}
    return set((await session.execute(_WRITE_MEMBERSHIPS, parameters)).scalars())


async def memberships_of(session: AsyncSession, product_id: str) -> list[str]:
    """Return the categories that a product is in, by id, deleted ones too."""
    return list((await session.execute(_MEMBERSHIPS, {"id": product_id})).scalars())
