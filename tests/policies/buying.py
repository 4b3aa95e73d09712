from __future__ import annotations

from tests.policies.policy import Own, Policy, anyone, cart, signed_in

ROUTES: dict[str, Policy] = {
    "POST /v1/quotes": anyone(),
    "POST /v1/carts": cart(),
    "GET /v1/carts/{id}": cart(own=Own.CART),
    "PATCH /v1/carts/{id}": cart(own=Own.CART),
    "POST /v1/carts/{id}/items": cart(own=Own.CART),
    "PUT /v1/carts/{id}/items/{sku}": cart(own=Own.CART),
    "PATCH /v1/carts/{id}/items/{sku}": cart(own=Own.CART),
    "DELETE /v1/carts/{id}/items/{sku}": cart(own=Own.CART),
    "PUT /v1/carts/{id}/promotion": cart(own=Own.CART),
    "DELETE /v1/carts/{id}/promotion": cart(own=Own.CART),
    "POST /v1/carts/{id}/merge": cart(own=Own.GUESTS_CART),
    "POST /v1/holds": signed_in(idempotent=True),
    "GET /v1/holds/{id}": signed_in(own=Own.HOLD),
    "DELETE /v1/holds/{id}": signed_in(own=Own.HOLD),
    "POST /v1/checkouts": cart(idempotent=True),
}
