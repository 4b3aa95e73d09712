"""Reads of the catalogue: for people who look, and for a cart that is being priced."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import text

from core.database import Database
from core.domain.allocation import StockLevel
from core.domain.places import place_of
from core.domain.pricing import ShippingFee
from core.domain.promotions import Promotion
from models.repositories import offers, promotions
from models.repositories.categories import PATH
from models.repositories.idempotency import KeyRecord, record_of

_CATEGORY_IDS = """
(SELECT coalesce(json_agg(c.category_id ORDER BY c.category_id), '[]'::json)
 FROM product_categories c JOIN categories g ON g.id = c.category_id AND g.deleted_at IS NULL
 WHERE c.product_id = p.id)
"""
# The price in the currency that the reader asks for if there is one, else the first by code.
_PRODUCT = f"""
SELECT p.id, p.name, p.slug, p.description, p.vendor_id, p.status, p.options, p.attributes,
    {_CATEGORY_IDS} AS category_ids,
    (SELECT coalesce(json_agg(json_build_object('id', m.id, 'url', m.url, 'alt', m.alt,
                'width', m.width, 'height', m.height, 'thumbnails', m.thumbnails)
                              ORDER BY m.position, m.id), '[]'::json)
     FROM product_media m WHERE m.product_id = p.id AND m.status = 'ready') AS media,
    (SELECT coalesce(json_agg(json_build_object(
                'id', v.id, 'sku', v.sku, 'title', v.title, 'price', price.money,
                'attributes', v.attributes,
                'backorder_policy', v.backorder_policy, 'promised_at', to_char(
                    v.promised_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                'available', coalesce(stock.available, 0)) ORDER BY v.position, v.id), '[]'::json)
     FROM variants v
     JOIN LATERAL (
         SELECT json_build_object('amount', {offers.AMOUNT}, 'currency', base.currency) AS money
         FROM variant_prices base WHERE base.variant_id = v.id
         ORDER BY base.currency <> :currency, base.currency LIMIT 1
     ) price ON true
     LEFT JOIN LATERAL (
         SELECT sum(on_hand - reserved) AS available FROM stock WHERE sku = v.sku
     ) stock ON true
     WHERE v.product_id = p.id AND v.status = 'active') AS variants
FROM products p
WHERE {offers.SHOWN}
"""

_ONE_PRODUCT = text(
    f"SELECT to_json(found)::text AS document FROM ({_PRODUCT} AND p.id = :id) found"
)
_PRODUCTS = text(
    f"""SELECT to_json(found)::text AS document FROM ({_PRODUCT}
    AND (CAST(:after AS text) IS NULL OR p.id > :after)
    AND (CAST(:vendor_id AS text) IS NULL OR p.vendor_id = :vendor_id)
    AND (CAST(:category_id AS text) IS NULL OR p.id IN (
        WITH RECURSIVE down AS (
            SELECT id FROM categories WHERE id = :category_id AND deleted_at IS NULL
            UNION
            SELECT child.id FROM down JOIN categories child
                ON child.parent_id = down.id AND child.deleted_at IS NULL)
        SELECT c.product_id FROM product_categories c JOIN down ON down.id = c.category_id))
    ORDER BY p.id LIMIT :limit) found"""
)
_PRODUCTS_BY_ID = text(
    f"""SELECT to_json(found)::text AS document FROM ({_PRODUCT}
    AND p.id = ANY(CAST(:ids AS text[]))) found"""
)
_CATEGORIES = text(f"""
SELECT json_build_object('id', c.id, 'name', c.name, 'slug', c.slug, 'parent_id', c.parent_id,
    'description', c.description, 'position', c.position, 'path', {PATH})::text AS document
FROM categories c
WHERE c.deleted_at IS NULL AND (CAST(:after AS text) IS NULL OR c.id > :after)
ORDER BY c.id LIMIT :limit
""")

# Everything that pricing a cart needs, and what the idempotency key already knows, in one trip.
_SNAPSHOT = text(f"""
SELECT
    (SELECT row_to_json(k) FROM (
        SELECT request_hash, resource_id, response_status,
               encode(response_body, 'base64') AS response_body, response_location
        FROM idempotency_keys WHERE caller_id = :caller_id AND key = :key) k)::text AS record,
    (SELECT json_agg(json_build_object(
        'sku', v.sku, 'variant_id', v.id, 'vendor_id', p.vendor_id,
        'name', p.name, 'title', v.title, 'price', {offers.price_in(":currency")},
        'product_id', p.id, 'weight_grams', v.weight_grams,
        'category_ids', (SELECT coalesce(json_agg(c.category_id ORDER BY c.category_id), '[]')
                         FROM product_categories c WHERE c.product_id = p.id),
        'can_wait', v.backorder_policy <> 'deny', 'kept_back', v.backorder_policy = 'preorder'
            AND coalesce(v.promised_at > now(), true), 'promised_at', v.promised_at))
     FROM variants v
     JOIN products p ON p.id = v.product_id
     WHERE v.sku = ANY(CAST(:skus AS text[])) AND {offers.ON_SALE})::text AS variants,
    (SELECT json_agg(json_build_array(s.warehouse_id, s.sku, s.on_hand - s.reserved, w.priority,
        w.country, w.region, w.latitude, w.longitude))
     FROM stock s JOIN warehouses w ON w.id = s.warehouse_id
     WHERE s.sku = ANY(CAST(:skus AS text[])))::text AS stock,
    (SELECT json_build_object('basis_points', basis_points, 'included', prices_include_tax)
     FROM tax_rules WHERE country = :country AND region IN ('', :region)
     ORDER BY region DESC LIMIT 1)::text AS tax,
    (SELECT json_agg(json_build_object(
        'currency', currency, 'from_grams', from_grams, 'amount', amount))
     FROM shipping_options WHERE method = :method AND zone_id = (
        SELECT zone_id FROM shipping_zone_places
        WHERE (country = :country AND region IN ('', :region)) OR (country = '*' AND region = '')
        ORDER BY country = '*', region DESC LIMIT 1))::text AS shipping,
    (SELECT json_agg(json_build_object('promotion', {promotions.DOCUMENT},
                                       'used_up', {promotions.USED_UP}) ORDER BY p.id)
     FROM promotions p
     WHERE {promotions.RUNNING}
       AND (upper(p.code) IS NULL OR upper(p.code) = upper(:promotion_code)))::text AS promotions,
    (SELECT json_build_object('owner_id', h.owner_id,
        'live', h.status = 'active' AND h.expires_at > now(), 'status', h.status,
        'items', (SELECT json_object_agg(l.sku, l.quantity) FROM (
            SELECT sku, sum(quantity) AS quantity FROM reservation_lines
            WHERE hold_id = h.id GROUP BY sku) l))
     FROM holds h WHERE h.id = :hold_id)::text AS hold
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedVariant:
    """A variant that is on sale; ``price`` in minor units, None without one in the currency."""

    sku: str
    variant_id: str
    vendor_id: str
    name: str
    title: str
    price: int | None
    product_id: str = ""
    category_ids: Sequence[str] = ()
    weight_grams: int = 0
    can_wait: bool = False
    """It is back-ordered or pre-ordered: how many units may wait is decided under locks."""
    kept_back: bool = False
    """A pre-order before its date: none is sold from stock."""
    promised_at: datetime | None = None
    """When units that wait are expected to leave, UTC."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldSnapshot:
    owner_id: str
    live: bool
    status: str
    items: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaxRate:
    """The rate where the parcel goes; ``included`` when prices contain it there."""

    basis_points: int
    included: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedPromotion:
    """A promotion that runs now; ``used_up`` for everybody, or for this customer."""

    promotion: Promotion
    used_up: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CartSnapshot:
    """What the shop offers for a cart at one moment.

    ``shipping`` has the fees of the method where the parcel goes; none for an unknown method.
    ``tax`` is None for a country that is not served. ``promotions`` are the automatic ones, and the
    one of the code.
    """

    record: KeyRecord | None
    variants: Mapping[str, OfferedVariant]
    stock: Sequence[StockLevel]
    tax: TaxRate | None
    shipping: Sequence[ShippingFee]
    hold: HoldSnapshot | None
    promotions: Sequence[OfferedPromotion] = ()


async def product_document(database: Database, product_id: str, currency: str) -> bytes | None:
    """Return a published product as JSON, or None."""
    rows = await database.statement(_ONE_PRODUCT, {"id": product_id, "currency": currency})
    return str(rows[0]["document"]).encode() if rows else None


async def product_documents(
    database: Database,
    *,
    after: str | None,
    limit: int,
    currency: str,
    vendor_id: str | None = None,
    category_id: str | None = None,
) -> list[Any]:
    """Return published products by id, those after a product first."""
    rows = await database.statement(
        _PRODUCTS,
        {
            "after": after,
            "limit": limit,
            "currency": currency,
            "vendor_id": vendor_id,
            "category_id": category_id,
        },
    )
    return [orjson.loads(row["document"]) for row in rows]


async def products_by_id(
    database: Database, product_ids: Sequence[str], currency: str
) -> list[Any]:
    """Return those of the products that are published, in the order of the ids."""
    rows = await database.statement(
        _PRODUCTS_BY_ID, {"ids": list(product_ids), "currency": currency}
    )
    found = {document["id"]: document for document in (orjson.loads(r["document"]) for r in rows)}
    return [found[product_id] for product_id in product_ids if product_id in found]


async def category_documents(database: Database, *, after: str | None, limit: int) -> list[Any]:
    rows = await database.statement(_CATEGORIES, {"after": after, "limit": limit})
    return [orjson.loads(row["document"]) for row in rows]


async def cart_snapshot(
    database: Database,
    *,
    skus: Sequence[str],
    currency: str,
    country: str,
    shipping_method: str,
    region: str | None = None,
    promotion_code: str | None = None,
    counted_as: str | None = None,
    hold_id: str | None = None,
    caller_id: str | None = None,
    key: str | None = None,
) -> CartSnapshot:
    """Read all of it in one round trip.

    ``counted_as`` is whose uses of promotions count (``promotions.counted_customer``).
    """
    rows = await database.statement(
        _SNAPSHOT,
        {
            "caller_id": caller_id,
            "key": key,
            "skus": list(skus),
            "currency": currency,
            "country": country,
            "region": (region or "").strip().upper(),
            "method": shipping_method,
            "promotion_code": promotion_code,
            "counted_as": counted_as,
            "hold_id": hold_id,
        },
    )
    row = rows[0]
    hold = orjson.loads(row["hold"]) if row["hold"] else None
    variants = [_offered(v) for v in orjson.loads(row["variants"] or "[]")]
    return CartSnapshot(
        record=_record(row["record"]),
        variants={variant.sku: variant for variant in variants},
        stock=[_level(*level) for level in orjson.loads(row["stock"] or "[]")],
        tax=TaxRate(**orjson.loads(row["tax"])) if row["tax"] else None,
        shipping=[ShippingFee(**fee) for fee in orjson.loads(row["shipping"] or "[]")],
        promotions=[
            OfferedPromotion(
                promotion=promotions.promotion_of(offered["promotion"]), used_up=offered["used_up"]
            )
            for offered in orjson.loads(row["promotions"] or "[]")
        ],
        hold=HoldSnapshot(**{**hold, "items": hold["items"] or {}}) if hold else None,
    )


def _record(document: str | None) -> KeyRecord | None:
    if not document:
        return None
    row = orjson.loads(document)
    if row["response_body"] is not None:
        row["response_body"] = b64decode(row["response_body"])
    return record_of(row)


def _offered(document: Mapping[str, Any]) -> OfferedVariant:
    promised_at = document["promised_at"]
    at = datetime.fromisoformat(promised_at).astimezone(UTC) if promised_at else None
    return OfferedVariant(**{**document, "promised_at": at})


def _level(  # noqa: PLR0917  # the columns of the snapshot, in their order
    warehouse_id: str,
    sku: str,
    available: int,
    priority: int,
    country: str,
    region: str | None,
    latitude: float | None,
    longitude: float | None,
) -> StockLevel:
    return StockLevel(
        warehouse_id=warehouse_id,
        sku=sku,
        available=available,
        priority=priority,
        place=place_of(country=country, region=region, latitude=latitude, longitude=longitude),
    )
