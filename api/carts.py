"""A wanted cart against what the shop offers: every fault is named, then it is priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.schemas.checkout import Item
from core.domain.allocation import Allocation, AllocationStrategy, allocate
from core.domain.backorders import WaitingUnits
from core.domain.errors import (
    ConflictError,
    FieldError,
    InvalidRequestError,
    NotFoundError,
    Shortage,
)
from core.domain.money import MAX_AMOUNT, Money
from core.domain.places import Place
from core.domain.pricing import Line, Price, price_cart, shipping_fee
from core.domain.promotions import Promotion
from core.settings import ApiSettings
from models.repositories.catalogue import (
    CartSnapshot,
    OfferedPromotion,
    OfferedVariant,
    TaxRate,
)
from models.repositories.drafts import Cart, CartLine, CartPromotion, PlannedLine


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
        ConflictError: the code is used up.
    """
    known = [snapshot.variants[item.sku] for item in items if item.sku in snapshot.variants]
    quantities = {item.sku: item.quantity for item in items}
    grams = sum(variant.weight_grams * quantities[variant.sku] for variant in known)
    fee = shipping_fee(snapshot.shipping, currency=currency, grams=grams)
    errors = [*unknown_skus(items, snapshot), *_shipping_faults(snapshot, currency, known, fee)]
    if promotion_code is not None and _offered(snapshot, promotion_code) is None:
        errors.append(FieldError(pointer="/promotion_code", detail="no such promotion"))
    refuse(errors)
    tax = snapshot.tax or TaxRate(basis_points=0, included=False)
    priced = price_cart(
        [_line(variant, quantities[variant.sku], currency) for variant in known],
        shipping=Money(amount=fee or 0, currency=currency),
        tax_basis_points=tax.basis_points,
        tax_included=tax.included,
        promotions=_usable(snapshot, promotion_code),
    )
    if promotion_code is not None and not any(p.promotion.code for p in priced.promotions):
        detail = "this promotion does not apply to this cart"
        refuse([FieldError(pointer="/promotion_code", detail=detail)])
    if max(priced.subtotal.amount, priced.total.amount) > MAX_AMOUNT:
        refuse([FieldError(pointer="/items", detail="the total is too large")])
    return PricedCart(price=priced, variants=known)


def _line(variant: OfferedVariant, quantity: int, currency: str) -> Line:
    return Line(
        sku=variant.sku,
        quantity=quantity,
        unit_price=Money(amount=variant.price or 0, currency=currency),
        product_id=variant.product_id,
        category_ids=variant.category_ids,
        weight_grams=variant.weight_grams,
    )


def _shipping_faults(
    snapshot: CartSnapshot, currency: str, known: Sequence[OfferedVariant], fee: int | None
) -> list[FieldError]:
    """Point to what says where the cart goes, how, and in which money it is paid."""
    errors: list[FieldError] = []
    offered = {one.currency for one in snapshot.shipping}
    if not offered:
        errors.append(FieldError(pointer="/shipping_method", detail="no such shipping method"))
    elif currency in offered and fee is None:
        errors.append(
            FieldError(pointer="/shipping_method", detail="this method has no fee for this weight")
        )
    unpriced = any(variant.price is None for variant in known)
    if unpriced or (offered and currency not in offered):
        errors.append(
            FieldError(pointer="/currency", detail="this cart has no price in this currency")
        )
    if snapshot.tax is None:
        errors.append(
            FieldError(pointer="/shipping_address/country", detail="we do not ship there")
        )
    return errors


def _offered(snapshot: CartSnapshot, code: str) -> OfferedPromotion | None:
    for offered in snapshot.promotions:
        if (offered.promotion.code or "").upper() == code.upper():
            return offered
    return None


def _usable(snapshot: CartSnapshot, code: str | None) -> list[Promotion]:
    """Return the automatic promotions that are left, and that of the code.

    Raises:
        ConflictError: the code is used up.
    """
    wanted = None if code is None else _offered(snapshot, code)
    if wanted is not None and wanted.used_up:
        raise ConflictError(f"the promotion {wanted.promotion.label} is used up")
    return [
        offered.promotion
        for offered in snapshot.promotions
        if not offered.used_up and (offered.promotion.code is None or offered is wanted)
    ]


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


def waiting(items: Sequence[Item], snapshot: CartSnapshot) -> dict[str, WaitingUnits]:
    """Return what of the cart would wait for stock, by SKU; nothing is promised by it."""
    found = {}
    for item in items:
        variant = snapshot.variants.get(item.sku)
        if variant is None or not variant.can_wait:
            continue
        there = sum(max(0, one.available) for one in snapshot.stock if one.sku == item.sku)
        missing = item.quantity - (0 if variant.kept_back else min(item.quantity, there))
        if missing:
            found[item.sku] = WaitingUnits(
                sku=item.sku, quantity=missing, promised_at=variant.promised_at
            )
    return found


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
    email: str | None = None,
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
                discount=line.discount.amount,
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
        email=email,
        tax_included=price.tax_included,
        shipping_discount=price.shipping_discount.amount,
        shipping_tax=price.shipping_tax.amount,
        promotions=[
            CartPromotion(
                promotion_id=applied.promotion.id,
                code=applied.promotion.code,
                name=applied.promotion.name,
                amount=applied.amount.amount,
            )
            for applied in price.promotions
        ],
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
