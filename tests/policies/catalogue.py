from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Own, Policy, anyone, seller, staff

_OWN_PRODUCT = seller(Permission.CATALOGUE_WRITE, own=Own.PRODUCT)
_OWN_VARIANT = seller(Permission.CATALOGUE_WRITE, own=Own.VARIANT)

ROUTES: dict[str, Policy] = {
    "GET /v1/categories": anyone(),
    "GET /v1/products": anyone(),
    "POST /v1/products": seller(Permission.CATALOGUE_WRITE, idempotent=True),
    "GET /v1/products/{id}": anyone(),
    "PATCH /v1/products/{id}": _OWN_PRODUCT,
    "DELETE /v1/products/{id}": _OWN_PRODUCT,
    "POST /v1/products/{id}/restore": seller(Permission.CATALOGUE_WRITE, own=Own.DELETED_PRODUCT),
    "POST /v1/products/{id}/publish": _OWN_PRODUCT,
    "POST /v1/products/{id}/unpublish": _OWN_PRODUCT,
    "POST /v1/products/{id}/archive": _OWN_PRODUCT,
    "POST /v1/products/{id}/submit": _OWN_PRODUCT,
    "POST /v1/products/{id}/variants": seller(
        Permission.CATALOGUE_WRITE, own=Own.PRODUCT, idempotent=True
    ),
    "GET /v1/variants/{id}": _OWN_VARIANT,
    "PATCH /v1/variants/{id}": _OWN_VARIANT,
    "GET /v1/variants/{id}/prices": _OWN_VARIANT,
    "PUT /v1/variants/{id}/prices": _OWN_VARIANT,
    "POST /v1/admin/products/{id}/approve": staff(Permission.CATALOGUE_WRITE),
    "POST /v1/admin/products/{id}/reject": staff(Permission.CATALOGUE_WRITE),
    "GET /v1/admin/categories": staff(Permission.CATALOGUE_READ),
    "POST /v1/admin/categories": staff(Permission.CATALOGUE_WRITE, idempotent=True),
    "GET /v1/admin/categories/{id}": staff(Permission.CATALOGUE_READ),
    "PATCH /v1/admin/categories/{id}": staff(Permission.CATALOGUE_WRITE),
    "DELETE /v1/admin/categories/{id}": staff(Permission.CATALOGUE_WRITE),
    "POST /v1/admin/categories/{id}/restore": staff(Permission.CATALOGUE_WRITE),
    "GET /v1/stock/{sku}": anyone(),
}
