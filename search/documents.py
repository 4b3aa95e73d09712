"""What is indexed of a product, and how it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import text

from core.database import Database
from models.repositories.offers import AMOUNT, SHOWN

# UNION keeps a category that is reached twice, or a circle, once.
_DOCUMENTS = text(f"""
WITH RECURSIVE wanted AS MATERIALIZED (
    SELECT p.* FROM products p WHERE p.id = ANY(CAST(:ids AS text[])) AND {SHOWN}
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
), sold AS (
    SELECT product_id, array_agg(sku ORDER BY position, id) AS skus,
        coalesce(array_agg(DISTINCT title) FILTER (WHERE title <> ''), '{{}}') AS titles,
        json_agg(attributes ORDER BY position, id) AS attributes,
        bool_or(EXISTS (SELECT 1 FROM stock s WHERE s.sku = o.sku AND s.on_hand > s.reserved))
            AS in_stock
    FROM offered o GROUP BY product_id
), prices AS (
    SELECT DISTINCT o.product_id, base.currency, {AMOUNT} AS amount
    FROM offered o JOIN variant_prices base ON base.variant_id = o.id
), priced AS (
    SELECT product_id, json_object_agg(currency, amounts) AS by_currency FROM (
        SELECT product_id, currency, json_agg(amount ORDER BY amount) AS amounts
        FROM prices GROUP BY product_id, currency) each_currency
    GROUP BY product_id
)
SELECT json_build_object(
    'id', w.id, 'name', w.name, 'slug', w.slug, 'description', w.description,
    'vendor_id', w.vendor_id, 'vendor_name', v.name,
    'category_ids', coalesce(placed.ids, '{{}}'), 'category_names', coalesce(placed.names, '{{}}'),
    'skus', coalesce(sold.skus, '{{}}'), 'variant_titles', coalesce(sold.titles, '{{}}'),
    'attributes', json_build_array(w.attributes, sold.attributes),
    'prices', coalesce(priced.by_currency, '{{}}'), 'in_stock', coalesce(sold.in_stock, false),
    'created_at', floor(extract(epoch FROM w.created_at))::bigint
)::text AS document
FROM wanted w JOIN vendors v ON v.id = w.vendor_id
LEFT JOIN placed ON placed.product_id = w.id
LEFT JOIN sold ON sold.product_id = w.id
LEFT JOIN priced ON priced.product_id = w.id
ORDER BY w.id
""")

_IDS = text(f"""
SELECT p.id FROM products p
WHERE (CAST(:after AS text) IS NULL OR p.id > :after) AND {SHOWN} ORDER BY p.id LIMIT :limit
""")

_COUNT = text(f"SELECT count(*) AS number FROM products p WHERE {SHOWN}")


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
