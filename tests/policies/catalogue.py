from __future__ import annotations

from tests.policies.policy import Policy, anyone

ROUTES: dict[str, Policy] = {
    "GET /v1/categories": anyone(),
    "GET /v1/products": anyone(),
    "GET /v1/products/{id}": anyone(),
    "GET /v1/stock/{sku}": anyone(),
}
