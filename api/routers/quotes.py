"""What a cart would cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Response

from api import carts
from api.auth import Anyone
from api.carts import PricedCart
from api.dependencies import Res
from api.json_route import JsonResponse, router
from api.rendering import money
from api.schemas.checkout import Quote, QuoteRequest
from core.domain.backorders import WaitingUnits
from models.repositories.catalogue import cart_snapshot

api = router("checkout")


@api.post("/quotes", response_model=Quote)
async def create_quote(wanted: QuoteRequest, caller: Anyone, resources: Res) -> Response:
    """Price a cart without promising anything; carts can be priced before signing in."""
    carts.check_lines(wanted.items, resources.settings.api)
    snapshot = await cart_snapshot(
        resources.database,
        skus=[item.sku for item in wanted.items],
        currency=wanted.currency,
        country=wanted.shipping_address.country,
        region=wanted.shipping_address.region,
        shipping_method=wanted.shipping_method,
        promotion_code=wanted.promotion_code,
        counted_as=caller.user_id if caller and not caller.api_key_id else None,
    )
    priced = carts.price(
        wanted.items, snapshot, currency=wanted.currency, promotion_code=wanted.promotion_code
    )
    lifetime = timedelta(seconds=resources.settings.checkout.quote_seconds)
    waiting = carts.waiting(wanted.items, snapshot)
    return JsonResponse(_document(priced, waiting, datetime.now(UTC) + lifetime))


def _backordered(units: WaitingUnits | None) -> dict[str, Any] | None:
    if units is None:
        return None
    return {"quantity": units.quantity, "promised_at": units.promised_at}


def _document(
    cart: PricedCart, waiting: Mapping[str, WaitingUnits], expires_at: datetime
) -> dict[str, Any]:
    price = cart.price
    currency = price.total.currency
    return {
        "items": [
            {
                "sku": line.sku,
                "name": carts.display_name(variant),
                "quantity": line.quantity,
                "unit_price": money(line.unit_price.amount, currency),
                "total": money(line.total.amount, currency),
                "discount": money(line.discount.amount, currency),
                "tax": money(line.tax.amount, currency),
                "backordered": _backordered(waiting.get(line.sku)),
            }
            for line, variant in zip(price.lines, cart.variants, strict=True)
        ],
        "subtotal": money(price.subtotal.amount, currency),
        "discount": money(price.discount.amount, currency),
        "shipping": money(price.shipping.amount, currency),
        "tax": money(price.added_tax.amount, currency),
        "included_tax": money(price.included_tax.amount, currency),
        "total": money(price.total.amount, currency),
        "promotions": [
            {
                "code": applied.promotion.code,
                "name": applied.promotion.name,
                "amount": money(applied.amount.amount, currency),
            }
            for applied in price.promotions
        ],
        "expires_at": expires_at,
    }
