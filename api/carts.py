"""A wanted cart against what the shop offers: every fault is named, then it is priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.schemas.checkout import Item
from core.domain.allocation import Allocation, AllocationStrategy, allocate
from core.domain.errors import (
    ConflictError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
    Shortage,
)
from core.domain.money import MAX_AMOUNT, Money
from core.domain.places import Place
from core.domain.pricing import Line, Price, price_cart
from core.settings import ApiSettings
from models.repositories.catalogue import CartSnapshot, OfferedVariant
from models.repositories.drafts import Cart, CartLine, PlannedLine


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedCart:
    """A price, and the variant of each of its lines."""

    price: Price
    variants: Sequence[OfferedVariant]


def check_lines(items: Sequence[Item], limits: ApiSettings) -> None:
    """Refuse carts that no snapshot is needed for.

    Raises:
        InvalidRequestError: too many lines, too many units, or a SKU on two lines.
    """
    errors: list[FieldError] = []
    if len(items) > limits.max_cart_lines:
        errors.append(FieldError(pointer="/items", detail=f"at most {limits.max_cart_lines} lines"))
    seen: set[str] = set()
    for position, item in enumerate(items):
        if item.quantity > limits.max_quantity:
            errors.append(
                FieldError(
                    pointer=f"/items/{position}/quantity",
                    detail=f"at most {limits.max_quantity} units",
                )
            )
        if item.sku in seen:
            errors.append(
                FieldError(
                    pointer=f"/items/{position}/sku", detail="this SKU is on another line already"
                )
            )
        seen.add(item.sku)
    refuse(errors)


def unknown_skus(items: Sequence[Item], snapshot: CartSnapshot) -> list[FieldError]:
    """Point to every line that is not on sale."""
    return [
        FieldError(pointer=f"/items/{position}/sku", detail="no such SKU is on sale")
        for position, item in enumerate(items)
        if item.sku not in snapshot.variants
    ]


def price(
    items: Sequence[Item],
    snapshot: CartSnapshot,
    *,
    currency: str,
    promotion_code: str | None,
) -> PricedCart:
    """Price a cart at the snapshot.

    Raises:
        InvalidRequestError: names every SKU, currency, method, country or code at fault.
    """
    errors = unknown_skus(items, snapshot)
    known = [snapshot.variants[item.sku] for item in items if item.sku in snapshot.variants]
    if not snapshot.shipping:
        errors.append(FieldError(pointer="/shipping_method", detail="no such shipping method"))
    unpriced = any(variant.price is None for variant in known)
    if unpriced or (snapshot.shipping and currency not in snapshot.shipping):
        errors.append(
            FieldError(pointer="/currency", detail="this cart has no price in this currency")
        )
    if snapshot.tax_basis_points is None:
        errors.append(
            FieldError(pointer="/shipping_address/country", detail="we do not ship there")
        )
    if promotion_code is not None:
        errors.append(FieldError(pointer="/promotion_code", detail="no such promotion"))
    refuse(errors)
    priced = price_cart(
        [
            Line(
                sku=item.sku,
                quantity=item.quantity,
                unit_price=Money(amount=variant.price or 0, currency=currency),
            )
            for item, variant in zip(items, known, strict=True)
        ],
        shipping=Money(amount=snapshot.shipping[currency], currency=currency),
        tax_basis_points=snapshot.tax_basis_points or 0,
    )
    if priced.total.amount > MAX_AMOUNT:
        refuse([FieldError(pointer="/items", detail="the total is too large")])
    return PricedCart(price=priced, variants=known)


def check_hold(
    items: Sequence[Item], snapshot: CartSnapshot, *, hold_id: str | None, owner_id: str
) -> None:
    """Refuse a hold that cannot pay for this cart's stock.

    Raises:
        NotFoundError: not there, or somebody else's.
        ConflictError: it has ended.
        InvalidRequestError: it holds other items.
    """
    if hold_id is None:
        return
    hold = snapshot.hold
    if hold is None or hold.owner_id != owner_id:
        raise NotFoundError("there is no such hold")
    if not hold.live:
        raise ConflictError(f"the hold is {hold.status if hold.status != 'active' else 'expired'}")
    if dict(hold.items) != {item.sku: item.quantity for item in items}:
        refuse([FieldError(pointer="/hold_id", detail="the hold is for other items")])


def plan(
    items: Sequence[Item],
    snapshot: CartSnapshot,
    *,
    strategy: AllocationStrategy = AllocationStrategy.FEWEST_SHIPMENTS,
    destination: Place | None = None,
) -> list[PlannedLine]:
    """Choose warehouses by the snapshot; empty when any unit has to wait."""
    wanted = {item.sku: item.quantity for item in items}
    if any(sku in snapshot.variants and snapshot.variants[sku].kept_back for sku in wanted):
        return []
    planned = allocate(wanted, snapshot.stock, strategy=strategy, destination=destination)
    return [
        PlannedLine(warehouse_id=a.warehouse_id, sku=a.sku, quantity=a.quantity)
        for a in planned
        if isinstance(a, Allocation)
    ]


def shortages(items: Sequence[Item], snapshot: CartSnapshot) -> list[Shortage]:
    """Return what the snapshot has too few units of and nobody may wait for."""
    wanted = {
        item.sku: item.quantity
        for item in items
        if item.sku not in snapshot.variants or not snapshot.variants[item.sku].can_wait
    }
    return [s for s in allocate(wanted, snapshot.stock) if isinstance(s, Shortage)]


def draft_of(
    cart: PricedCart,
    *,
    shipping_method: str,
    shipping_address: dict[str, Any],
    provider: str,
    payment_method: str,
    hold_id: str | None,
    planned: Sequence[PlannedLine],
    allocation: AllocationStrategy = AllocationStrategy.FEWEST_SHIPMENTS,
) -> Cart:
    """Return what the checkout works with."""
    price = cart.price
    return Cart(
        currency=price.total.currency,
        lines=[
            CartLine(
                sku=line.sku,
                variant_id=variant.variant_id,
                vendor_id=variant.vendor_id,
                name=display_name(variant),
                quantity=line.quantity,
                unit_price=line.unit_price.amount,
                total=line.total.amount,
                tax=line.tax.amount,
            )
            for line, variant in zip(price.lines, cart.variants, strict=True)
        ],
        subtotal=price.subtotal.amount,
        discount=price.discount.amount,
        shipping=price.shipping.amount,
        tax=price.tax.amount,
        total=price.total.amount,
        shipping_method=shipping_method,
        shipping_address=shipping_address,
        provider=provider,
        payment_method=payment_method,
        hold_id=hold_id,
        plan=planned,
        allocation=allocation,
    )


def display_name(variant: OfferedVariant) -> str:
    """Return the name on the order: the product's, and the variant's if it adds anything."""
    if not variant.title or variant.title == variant.name:
        return variant.name
    return f"{variant.name} - {variant.title}"


def refuse(errors: Sequence[FieldError]) -> None:
    """Raise ``InvalidRequestError`` if there is anything to tell."""
    if errors:
        raise InvalidRequestError(errors)
