"""A cart as its owner sees it, beside what the shop offers now: one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import text

from core.database import Database
from core.guest_tokens import is_cart_token
from models.carts import CartStatus
from models.repositories import offers

GIVEN_UP_SECONDS = 60
"""A draft that nobody was told about and that no workflow has opened by then is nobody's order."""

STANDING = """
CASE WHEN c.status <> 'ordered' THEN false
     WHEN o.id IS NOT NULL THEN o.status = 'failed' OR (
         o.status = 'canceled' AND NOT EXISTS (
             SELECT FROM order_timeline t
             WHERE t.order_id = o.id AND t.type = 'order.confirmed'))
     ELSE NOT EXISTS (
         SELECT FROM checkout_drafts d
         LEFT JOIN idempotency_keys k ON k.resource_id = d.order_id
         WHERE d.order_id = c.order_id AND (
             k.response_status IS NOT NULL
             OR d.created_at > now() - make_interval(secs => :given_up_seconds)))
END AS order_failed
"""
"""Of ``carts c LEFT JOIN orders o``: whether the cart was ordered, and nothing came of it.

An order that was canceled before it was confirmed is one that its customer did not pay for."""

_VIEW = text(f"""
SELECT c.id, c.token_hash, c.customer_id, c.currency, c.status, c.version, c.order_id,
    c.promotion_code, c.expires_at, c.created_at, c.updated_at,
    c.status = 'active' AND c.expires_at <= now() AS expired, {STANDING},
    (SELECT coalesce(json_agg(json_build_object(
        'sku', i.sku, 'quantity', i.quantity, 'name', p.name, 'title', v.title,
        'on_sale', coalesce({offers.ON_SALE}, false),
        'backorder', coalesce(v.backorder_policy <> 'deny', false),
        'price', {offers.price_in("c.currency")}, 'available', coalesce(stock.available, 0))
        ORDER BY i.added_at, i.sku), '[]'::json)
     FROM cart_items i
     LEFT JOIN variants v ON v.sku = i.sku
     LEFT JOIN products p ON p.id = v.product_id
     LEFT JOIN LATERAL (
         SELECT sum(on_hand - reserved) AS available FROM stock WHERE sku = i.sku
     ) stock ON true
     WHERE i.cart_id = c.id)::text AS items
FROM carts c LEFT JOIN orders o ON o.id = c.order_id
WHERE c.id = :id
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class CartVisitor:
    """Who asks for a cart: an account, somebody with a cart's token, both, or neither."""

    customer_id: str | None
    token: str | None

    def owns(self, *, customer_id: str | None, token_hash: str | None) -> bool:
        """Tell whether a cart is theirs: their account's, or one whose token they have."""
        if token_hash is None:
            return customer_id is not None and customer_id == self.customer_id
        return self.token is not None and is_cart_token(self.token, token_hash)


@dataclass(frozen=True, kw_only=True, slots=True)
class CartLineView:
    """A line and its variant now; ``price`` in minor units, None without one in the currency.

    ``name`` and ``title`` are None when there is no such variant any more.
    """

    sku: str
    quantity: int
    name: str | None
    title: str | None
    on_sale: bool
    backorder: bool
    price: int | None
    available: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CartView:
    """``order_failed`` says that it was ordered and that nothing came of the order."""

    id: str
    token_hash: str | None
    customer_id: str | None
    currency: str
    status: CartStatus
    version: int
    order_id: str | None
    promotion_code: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    expired: bool
    order_failed: bool
    items: Sequence[CartLineView]

    def is_of(self, visitor: CartVisitor) -> bool:
        return visitor.owns(customer_id=self.customer_id, token_hash=self.token_hash)


async def find_cart(database: Database, cart_id: str) -> CartView | None:
    """Return a cart whoever asks: who may see it is the caller's to decide."""
    rows = await database.statement(_VIEW, {"id": cart_id, "given_up_seconds": GIVEN_UP_SECONDS})
    if not rows:
        return None
    row = dict(rows[0])
    lines = [CartLineView(**line) for line in orjson.loads(row["items"])]
    return CartView(**{**row, "status": CartStatus(row["status"]), "items": lines})
