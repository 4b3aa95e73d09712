"""What is indexed of a product, and how it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import text

from core.database import Database

_ON_SALE = """
p.status = 'published' AND p.deleted_at IS NULL
AND EXISTS (SELECT 1 FROM vendors WHERE id = p.vendor_id AND status = 'active')
"""

# UNION keeps a category that is reached twice, or a circle, once.
_DOCUMENTS = text(f"""
WITH RECURSIVE wanted AS MATERIALIZED (
    SELECT p.* FROM products p WHERE p.id = ANY(CAST(:ids AS text[])) AND {_ON_SALE}
), above AS (
    SELECT pc.product_id, c.id, c.parent_id, c.name
    FROM wanted w JOIN product_categories pc ON pc.product_id = w.id
    JOIN categories c ON c.id = pc.category_id AND c.deleted_at IS NULL
    UNION
    SELECT a.product_id, c.id, c.parent_id, c.name
    FROM above a JOIN categories c ON c.id = a.parent_id AND c.deleted_at IS NULL
), placed AS (
    SELECT product_id, array_agg(id ORDER BY id) AS ids, array_agg(name ORDER BY id) AS names
    FROM above GROUP BY product_id
), offered AS (
    SELECT v.* FROM wanted w JOIN variants v ON v.product_id = w.id AND v.status = 'active'
), priced AS (
    SELECT o.product_id, m.currency, coalesce(r.amount, m.amount) AS amount
    FROM offered o JOIN variant_prices m ON m.variant_id = o.id
    LEFT JOIN price_periods r ON r.variant_id = o.id AND r.currency = m.currency
        AND tstzrange(r.starts_at, r.ends_at) @> now()
    UNION
    SELECT o.product_id, r.currency, r.amount
    FROM offered o JOIN price_periods r ON r.variant_id = o.id
        AND tstzrange(r.starts_at, r.ends_at) @> now()
)
SELECT json_build_object(
    'id', w.id, 'name', w.name, 'slug', w.slug, 'description', w.description,
    'vendor_id', w.vendor_id, 'vendor_name', (SELECT name FROM vendors WHERE id = w.vendor_id),
    'category_ids', coalesce(placed.ids, '{{}}'), 'category_names', coalesce(placed.names, '{{}}'),
    'skus', (SELECT coalesce(json_agg(sku ORDER BY position, id), '[]')
             FROM offered WHERE product_id = w.id),
    'variant_titles', (SELECT coalesce(json_agg(DISTINCT title), '[]')
                       FROM offered WHERE product_id = w.id AND title <> ''),
    'attributes', json_build_array(w.attributes, (
        SELECT json_agg(attributes ORDER BY position, id) FROM offered WHERE product_id = w.id)),
    'prices', (SELECT coalesce(json_object_agg(currency, amounts), '{{}}') FROM (
        SELECT currency, json_agg(amount ORDER BY amount) AS amounts
        FROM priced WHERE product_id = w.id GROUP BY currency) by_currency),
    'in_stock', EXISTS (SELECT 1 FROM offered o JOIN stock s ON s.sku = o.sku
                        WHERE o.product_id = w.id AND s.on_hand > s.reserved),
    'created_at', floor(extract(epoch FROM w.created_at))::bigint
)::text AS document
FROM wanted w LEFT JOIN placed ON placed.product_id = w.id ORDER BY w.id
""")

_IDS = text(f"""
SELECT p.id FROM products p
WHERE (CAST(:after AS text) IS NULL OR p.id > :after) AND {_ON_SALE} ORDER BY p.id LIMIT :limit
""")

_COUNT = text(f"SELECT count(*) AS number FROM products p WHERE {_ON_SALE}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductDocument:
    """A product that is on sale, flat, as it is searched.

    Equal products make equal documents: lists that have no order of their own are sorted.
    """

    id: str
    name: str
    slug: str
    description: str
    vendor_id: str
    vendor_name: str
    category_ids: tuple[str, ...]
    """Its categories and all above them."""
    category_names: tuple[str, ...]
    skus: tuple[str, ...]
    variant_titles: tuple[str, ...]
    attribute_values: tuple[str, ...]
    """Of the product and its variants: ``Black``, ``cotton``."""
    prices: Mapping[str, tuple[int, ...]]
    """By currency the different prices of its variants that hold now, minor units, ascending."""
    in_stock: bool
    """A unit of a variant lies free in some warehouse."""
    created_at: int
    """Seconds since 1970, UTC."""

    @property
    def price_from(self) -> Mapping[str, int]:
        """The lowest price by currency: products are ordered by it, in both directions."""
        return {currency: amounts[0] for currency, amounts in self.prices.items()}

    @property
    def checksum(self) -> str:
        """Equal for equal documents: what drift is found by."""
        content = orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(content).hexdigest()[:32]


async def read_documents(
    database: Database, product_ids: Sequence[str]
) -> Sequence[ProductDocument]:
    """Return the documents of those products that are on sale, by id, in one round trip.

    An id without a document is not on sale, and belongs into no index.

    Raises:
        UnavailableError: the database is down.
    """
    rows = await database.statement(_DOCUMENTS, {"ids": list(product_ids)})
    return [_document(orjson.loads(row["document"])) for row in rows]


async def product_ids_on_sale(
    database: Database, *, after: str | None, limit: int
) -> Sequence[str]:
    """Return ids in ascending order, those after one: what a rebuild goes through."""
    rows = await database.statement(_IDS, {"after": after, "limit": limit})
    return [row["id"] for row in rows]


async def count_on_sale(database: Database) -> int:
    """Return how many products are on sale."""
    return int((await database.statement(_COUNT, {}))[0]["number"])


def _document(row: Mapping[str, Any]) -> ProductDocument:
    return ProductDocument(
        id=row["id"],
        name=row["name"],
        slug=row["slug"],
        description=row["description"],
        vendor_id=row["vendor_id"],
        vendor_name=row["vendor_name"],
        category_ids=tuple(row["category_ids"]),
        category_names=tuple(row["category_names"]),
        skus=tuple(row["skus"]),
        variant_titles=tuple(row["variant_titles"]),
        attribute_values=tuple(sorted(set(_values(row["attributes"])))),
        prices={currency: tuple(amounts) for currency, amounts in row["prices"].items()},
        in_stock=row["in_stock"],
        created_at=row["created_at"],
    )


def _values(attributes: Any) -> Sequence[str]:
    """Return the texts and numbers in a JSON value, however deep; a yes or no tells no reader."""
    match attributes:
        case str() if attributes:
            return [attributes]
        case bool() | None:
            return []
        case int() | float():
            return [str(attributes)]
        case list():
            return [value for item in attributes for value in _values(item)]
        case dict():
            return [value for item in attributes.values() for value in _values(item)]
    return []
