"""Changes of carts: each under the lock of the cart's row, so that none is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from models.carts import CartStatus
from models.repositories import offers, promotions
from models.repositories.cart_views import GIVEN_UP_SECONDS, STANDING

_ADD = text("""
INSERT INTO carts (id, token_hash, customer_id, currency, status, expires_at)
VALUES (:id, :token_hash, :customer_id, :currency, 'active',
    now() + make_interval(secs => :lifetime_seconds))
""")

# Two statements: whoever waited for the lock must see what the one before has committed.
_LOCK = text("""
SELECT FROM carts WHERE id = ANY(CAST(:ids AS text[])) ORDER BY id FOR UPDATE
""")
_LOCKED = text(f"""
SELECT c.id, c.token_hash, c.customer_id, c.currency, c.status, c.version, c.order_id,
    c.promotion_code, c.status = 'active' AND c.expires_at <= now() AS expired, {STANDING},
    o.id IS NOT NULL AS opened
FROM carts c LEFT JOIN orders o ON o.id = c.order_id
WHERE c.id = ANY(CAST(:ids AS text[]))
""")

_LOCK_CUSTOMER = text("SELECT pg_advisory_xact_lock(hashtextextended(:customer_id, 0))")
_ACTIVE_OF = text("SELECT id FROM carts WHERE customer_id = :customer_id AND status = 'active'")

_TOUCH = text("""
UPDATE carts SET version = version + 1, updated_at = now(),
    expires_at = now() + make_interval(secs => :lifetime_seconds)
WHERE id = :id
""")

_ADD_UNITS = text("""
INSERT INTO cart_items (cart_id, sku, quantity)
VALUES (:cart_id, :sku, :quantity)
ON CONFLICT (cart_id, sku) DO UPDATE SET quantity = cart_items.quantity + excluded.quantity
RETURNING quantity
""")
_SET_UNITS = text("""
INSERT INTO cart_items (cart_id, sku, quantity) VALUES (:cart_id, :sku, :quantity)
ON CONFLICT (cart_id, sku) DO UPDATE SET quantity = excluded.quantity
""")
_REMOVE = text("DELETE FROM cart_items WHERE cart_id = :cart_id AND sku = :sku RETURNING sku")
_LINES = text("SELECT sku, quantity FROM cart_items WHERE cart_id = :cart_id")

_ON_SALE = text(f"""
SELECT v.sku FROM variants v JOIN products p ON p.id = v.product_id
WHERE v.sku = ANY(CAST(:skus AS text[])) AND {offers.ON_SALE}
""")

_MERGE_LINES = text("""
INSERT INTO cart_items (cart_id, sku, quantity, added_at)
SELECT :into_id, sku, least(quantity, :max_quantity), added_at FROM (
    SELECT i.*, known.sku IS NOT NULL AS already,
        count(*) FILTER (WHERE known.sku IS NULL) OVER (ORDER BY i.added_at, i.sku) AS nth
    FROM cart_items i
    LEFT JOIN cart_items known ON known.cart_id = :into_id AND known.sku = i.sku
    WHERE i.cart_id = :from_id
) coming
WHERE already
   OR nth <= :max_lines - (SELECT count(*) FROM cart_items WHERE cart_id = :into_id)
ON CONFLICT (cart_id, sku) DO UPDATE
SET quantity = least(cart_items.quantity + excluded.quantity, :max_quantity)
""")
_MERGED = text("""
UPDATE carts SET status = 'merged', customer_id = :customer_id, version = version + 1,
    updated_at = now()
WHERE id = :id
""")
_KEEP_CODE = text("""
UPDATE carts SET promotion_code = coalesce(promotion_code, :promotion_code) WHERE id = :id
""")

_SET_CODE = text("UPDATE carts SET promotion_code = :promotion_code WHERE id = :id")
_SET_CURRENCY = text("UPDATE carts SET currency = :currency WHERE id = :id")
_REOPEN = text("UPDATE carts SET status = 'active', order_id = NULL WHERE id = :id")
_DELETE_LINES = text("DELETE FROM cart_items WHERE cart_id = :id")
_DELETE = text("DELETE FROM carts WHERE id = :id")

_PROMOTION = text(
    f"SELECT 1 FROM promotions p WHERE upper(p.code) = upper(:code) AND {promotions.RUNNING}"
)

_OLD = text("""
WITH old AS (
    SELECT id FROM carts WHERE expires_at < now() - make_interval(days => :days)
    ORDER BY expires_at LIMIT 10000 FOR UPDATE SKIP LOCKED
), lines AS (
    DELETE FROM cart_items WHERE cart_id IN (SELECT id FROM old)
), gone AS (
    DELETE FROM carts WHERE id IN (SELECT id FROM old) RETURNING 1
) SELECT count(*) AS number FROM gone
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedCart:
    """A cart's row, locked; ``opened`` says that the order it was ordered as has a row."""

    id: str
    token_hash: str | None
    customer_id: str | None
    currency: str
    status: CartStatus
    version: int
    order_id: str | None
    promotion_code: str | None
    expired: bool
    order_failed: bool
    opened: bool


async def lock(session: AsyncSession, *cart_ids: str) -> dict[str, LockedCart]:
    """Lock those of the carts that exist, in the order of their ids."""
    ids = list(cart_ids)
    await session.execute(_LOCK, {"ids": ids})
    rows = await session.execute(_LOCKED, {"ids": ids, "given_up_seconds": GIVEN_UP_SECONDS})
    return {
        row["id"]: LockedCart(**{**row, "status": CartStatus(row["status"])})
        for row in rows.mappings()
    }


async def lock_customer(session: AsyncSession, customer_id: str) -> str | None:
    """Let nobody else make this customer's cart meanwhile; return the active one's id."""
    await session.execute(_LOCK_CUSTOMER, {"customer_id": customer_id})
    found = await session.execute(_ACTIVE_OF, {"customer_id": customer_id})
    cart_id: str | None = found.scalar_one_or_none()
    return cart_id


async def add(
    session: AsyncSession,
    *,
    cart_id: str,
    customer_id: str | None = None,
    token_hash: str | None = None,
    currency: str,
    lifetime_seconds: int,
) -> None:
    await session.execute(
        _ADD,
        {
            "id": cart_id,
            "customer_id": customer_id,
            "token_hash": token_hash,
            "currency": currency,
            "lifetime_seconds": lifetime_seconds,
        },
    )


async def touch(session: AsyncSession, cart_id: str, lifetime_seconds: int) -> None:
    """Count a change, and move the cart's end on."""
    await session.execute(_TOUCH, {"id": cart_id, "lifetime_seconds": lifetime_seconds})


async def add_units(session: AsyncSession, cart_id: str, sku: str, quantity: int) -> int:
    """Return how many units the line has now."""
    row = {"cart_id": cart_id, "sku": sku, "quantity": quantity}
    total: int = (await session.execute(_ADD_UNITS, row)).scalar_one()
    return total


async def set_units(session: AsyncSession, cart_id: str, sku: str, quantity: int) -> None:
    await session.execute(_SET_UNITS, {"cart_id": cart_id, "sku": sku, "quantity": quantity})


async def remove_line(session: AsyncSession, cart_id: str, sku: str) -> bool:
    """Return whether there was such a line."""
    removed = await session.execute(_REMOVE, {"cart_id": cart_id, "sku": sku})
    return removed.scalar_one_or_none() is not None


async def lines(session: AsyncSession, cart_id: str) -> Mapping[str, int]:
    """Return the units of each SKU."""
    rows = await session.execute(_LINES, {"cart_id": cart_id})
    return {row.sku: row.quantity for row in rows}


async def on_sale(session: AsyncSession, skus: list[str]) -> set[str]:
    """Return those SKUs that can be bought now, in stock or not."""
    return set((await session.execute(_ON_SALE, {"skus": skus})).scalars())


async def has_promotion(session: AsyncSession, code: str) -> bool:
    """Tell whether a promotion of that code runs now; what it needs is checked by the checkout."""
    found = await session.execute(_PROMOTION, {"code": code})
    return found.scalar_one_or_none() is not None


async def set_promotion(session: AsyncSession, cart_id: str, code: str | None) -> None:
    await session.execute(_SET_CODE, {"id": cart_id, "promotion_code": code})


async def set_currency(session: AsyncSession, cart_id: str, currency: str) -> None:
    await session.execute(_SET_CURRENCY, {"id": cart_id, "currency": currency})


async def reopen(session: AsyncSession, cart_id: str) -> None:
    """Give a cart back whose order came to nothing."""
    await session.execute(_REOPEN, {"id": cart_id})


async def merge(
    session: AsyncSession,
    cart: LockedCart,
    *,
    into_id: str,
    customer_id: str,
    max_quantity: int,
    max_lines: int,
) -> None:
    """Add a cart's units to those of another one, both locked, and end it.

    Units of a line end at ``max_quantity``; lines for which there is no room stay behind, the
    newest first.
    """
    await session.execute(
        _MERGE_LINES,
        {
            "from_id": cart.id,
            "into_id": into_id,
            "max_quantity": max_quantity,
            "max_lines": max_lines,
        },
    )
    await session.execute(_KEEP_CODE, {"id": into_id, "promotion_code": cart.promotion_code})
    await session.execute(_MERGED, {"id": cart.id, "customer_id": customer_id})


async def delete(session: AsyncSession, cart_id: str) -> None:
    await session.execute(_DELETE_LINES, {"id": cart_id})
    await session.execute(_DELETE, {"id": cart_id})


async def delete_old_carts(database: Database, days: int) -> int:
    """Delete carts whose end is more than ``days`` ago; at most 10,000 a call."""
    return int((await database.statement(_OLD, {"days": days}))[0]["number"])
