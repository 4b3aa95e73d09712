"""The claim of an idempotency key and the draft of the order that it makes, in one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import DBAPIError

from core.database import Database, sqlstate
from core.domain.allocation import AllocationStrategy
from core.domain.errors import ConflictError
from core.domain.ids import Prefix, derived_id


@dataclass(frozen=True, kw_only=True)
class CartLine:
    """One line, priced; amounts in minor units of the cart's currency."""

    sku: str
    variant_id: str
    vendor_id: str
    name: str
    quantity: int
    unit_price: int
    total: int
    tax: int
    discount: int = 0


@dataclass(frozen=True, kw_only=True)
class CartPromotion:
    """A promotion that made the cart cheaper by ``amount``; the checkout reserves its use."""

    promotion_id: str
    code: str | None
    name: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class PlannedLine:
    """So many units from that warehouse: a plan made from a snapshot, checked when it is used."""

    warehouse_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class Cart:
    """All that the checkout needs to know; amounts in minor units of ``currency``.

    ``discount`` is that of the lines and ``shipping_discount``; ``tax`` that of the lines and
    ``shipping_tax``, and when ``tax_included`` it is part of the prices and not added to the total.
    ``plan`` is sorted by warehouse and SKU. It is empty when the snapshot had too few units: then
    the checkout looks again, under locks.
    """

    currency: str
    lines: Sequence[CartLine]
    subtotal: int
    discount: int
    shipping: int
    tax: int
    total: int
    shipping_method: str
    shipping_address: Mapping[str, Any]
    provider: str
    payment_method: str
    hold_id: str | None
    plan: Sequence[PlannedLine]
    tax_included: bool = False
    shipping_discount: int = 0
    shipping_tax: int = 0
    promotions: Sequence[CartPromotion] = ()
    email: str | None = None
    """Where a guest is written to."""
    allocation: AllocationStrategy = AllocationStrategy.FEWEST_SHIPMENTS


@dataclass(frozen=True, kw_only=True)
class CartRef:
    """The kept cart that is ordered, as it was read: a changed one is not ordered."""

    id: str
    version: int


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The draft that holds the key: ours, or the one of the first caller with this key."""

    order_id: str
    number: int
    request_hash: str


_CLAIM = text("""
WITH claimed AS (
    INSERT INTO idempotency_keys (caller_id, key, request_hash, resource_id)
    VALUES (:caller_id, :key, :request_hash, :order_id)
    ON CONFLICT (caller_id, key) DO NOTHING
    RETURNING resource_id, request_hash
), draft AS (
    INSERT INTO checkout_drafts (order_id, customer_id, cart)
    SELECT resource_id, :caller_id, CAST(:cart AS jsonb) FROM claimed
    RETURNING order_id, number
)
SELECT draft.order_id, draft.number, claimed.request_hash FROM draft, claimed
""")

# The cart is ordered with the claim or not at all: PD001 undoes the whole statement.
_CLAIM_CART = text("""
WITH claimed AS (
    INSERT INTO idempotency_keys (caller_id, key, request_hash, resource_id)
    VALUES (:caller_id, :key, :request_hash, :order_id)
    ON CONFLICT (caller_id, key) DO NOTHING
    RETURNING resource_id, request_hash
), ordered AS (
    UPDATE carts SET status = 'ordered', order_id = claimed.resource_id, version = version + 1,
        updated_at = now()
    FROM claimed
    WHERE carts.id = :cart_id AND carts.status = 'active' AND carts.version = :cart_version
        AND carts.expires_at > now()
    RETURNING carts.id
), draft AS (
    INSERT INTO checkout_drafts (order_id, customer_id, cart)
    SELECT resource_id, :caller_id, CAST(:cart AS jsonb) FROM claimed
    WHERE perdure_require(EXISTS (SELECT FROM ordered), 'cart-changed')
    RETURNING order_id, number
)
SELECT draft.order_id, draft.number, claimed.request_hash FROM draft, claimed
""")

_CART_CHANGED_STATE = "PD001"

_CLAIMED = text("""
SELECT k.resource_id AS order_id, k.request_hash, d.number
FROM idempotency_keys k JOIN checkout_drafts d ON d.order_id = k.resource_id
WHERE k.caller_id = :caller_id AND k.key = :key
""")


async def claim_checkout(
    database: Database,
    *,
    caller_id: str,
    key: str,
    request_hash: str,
    order_id: str,
    cart: Cart,
    kept: CartRef | None = None,
) -> Claim | None:
    """Claim the key for a new order, or return whose it is; None if it is no checkout's key.

    Two callers with the same key at once get the same claim. A ``kept`` cart is ordered with it.

    Raises:
        ConflictError: the kept cart was changed or ordered since it was read.
    """
    parameters: dict[str, object] = {
        "caller_id": caller_id,
        "key": key,
        "request_hash": request_hash,
        "order_id": order_id,
        "cart": _document(order_id, cart),
    }
    if kept is None:
        rows = await database.statement(_CLAIM, parameters)
    else:
        rows = await _claim_with(database, parameters, kept)
    if not rows:
        rows = await database.statement(_CLAIMED, {"caller_id": caller_id, "key": key})
    return Claim(**rows[0]) if rows else None


async def _claim_with(
    database: Database, parameters: Mapping[str, object], kept: CartRef
) -> Sequence[RowMapping]:
    try:
        return await database.statement(
            _CLAIM_CART, {**parameters, "cart_id": kept.id, "cart_version": kept.version}
        )
    except DBAPIError as error:
        if sqlstate(error) != _CART_CHANGED_STATE:
            raise
        raise ConflictError("the cart was changed or ordered meanwhile") from error


def _document(order_id: str, cart: Cart) -> str:
    """The cart as JSON; each line gets the position and the id that its order item will have."""
    document = asdict(cart)
    for position, line in enumerate(document["lines"]):
        line["position"] = position
        line["id"] = derived_id(Prefix.ITEM, order_id, position)
    return orjson.dumps(document).decode()
