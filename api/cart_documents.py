"""Carts as JSON."""

from __future__ import annotations

from typing import Any

from api.rendering import money
from api.schemas.carts import CartProblemCode
from models.repositories.cart_views import CartLineView, CartView


def cart_document(cart: CartView) -> dict[str, Any]:
    """Return a cart at today's prices; what cannot be bought is not in its subtotal."""
    subtotal = sum(
        line.price * line.quantity for line in cart.items if line.price is not None and line.on_sale
    )
    return {
        "id": cart.id,
        "status": cart.status,
        "currency": cart.currency,
        "items": [_item(line, cart.currency) for line in cart.items],
        "subtotal": money(subtotal, cart.currency),
        "promotion_code": cart.promotion_code,
        "order_id": cart.order_id,
        "expires_at": cart.expires_at,
        "created_at": cart.created_at,
        "updated_at": cart.updated_at,
    }


def _item(line: CartLineView, currency: str) -> dict[str, Any]:
    price = line.price
    return {
        "sku": line.sku,
        "name": _name(line),
        "quantity": line.quantity,
        "unit_price": None if price is None else money(price, currency),
        "total": None if price is None else money(price * line.quantity, currency),
        "available": line.available,
        "problems": _problems(line, currency),
    }


def _name(line: CartLineView) -> str | None:
    if line.name is None or not line.title or line.title == line.name:
        return line.name
    return f"{line.name} - {line.title}"


def _problems(line: CartLineView, currency: str) -> list[dict[str, str]]:
    if not line.on_sale:
        return [_problem(CartProblemCode.NOT_ON_SALE, "it is not on sale any more")]
    found = []
    if line.price is None:
        found.append(_problem(CartProblemCode.NO_PRICE, f"it has no price in {currency}"))
    if line.available < line.quantity and not line.backorder:
        detail = f"only {line.available} available"
        found.append(_problem(CartProblemCode.NOT_ENOUGH_STOCK, detail))
    return found


def _problem(code: CartProblemCode, detail: str) -> dict[str, str]:
    return {"code": code, "detail": detail}
