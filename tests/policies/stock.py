from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Policy, staff

ROUTES: dict[str, Policy] = {
    "POST /v1/admin/stock-adjustments": staff(Permission.STOCK_WRITE, idempotent=True),
    "POST /v1/admin/stock-takes": staff(Permission.STOCK_WRITE, idempotent=True),
    "GET /v1/admin/stock-movements": staff(Permission.STOCK_READ),
    "GET /v1/admin/stock-policies/{sku}": staff(Permission.STOCK_READ),
    "PUT /v1/admin/stock-policies/{sku}": staff(Permission.STOCK_WRITE),
    "POST /v1/admin/stock-transfers": staff(Permission.STOCK_WRITE, idempotent=True),
    "GET /v1/admin/stock-transfers": staff(Permission.STOCK_READ),
    "GET /v1/admin/stock-transfers/{id}": staff(Permission.STOCK_READ),
    "POST /v1/admin/stock-transfers/{id}/receive": staff(Permission.STOCK_WRITE, idempotent=True),
    "POST /v1/admin/stock-transfers/{id}/cancel": staff(Permission.STOCK_WRITE, idempotent=True),
    "GET /v1/admin/warehouses": staff(Permission.STOCK_READ),
    "POST /v1/admin/warehouses": staff(Permission.STOCK_WRITE, idempotent=True),
    "GET /v1/admin/warehouses/{id}": staff(Permission.STOCK_READ),
    "PATCH /v1/admin/warehouses/{id}": staff(Permission.STOCK_WRITE),
}
