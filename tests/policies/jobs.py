"""Imports, exports and bulk actions; feature flags."""

from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Own, Policy, seller, staff

ROUTES: dict[str, Policy] = {
    "POST /v1/imports/products": seller(Permission.CATALOGUE_WRITE, idempotent=True),
    "POST /v1/exports/products": seller(Permission.CATALOGUE_WRITE, idempotent=True),
    "GET /v1/jobs": seller(Permission.CATALOGUE_READ),
    "GET /v1/jobs/{id}": seller(Permission.CATALOGUE_READ, own=Own.JOB),
    "POST /v1/jobs/{id}/start": seller(Permission.CATALOGUE_WRITE, own=Own.JOB),
    "POST /v1/jobs/{id}/cancel": seller(Permission.CATALOGUE_WRITE, own=Own.JOB),
    "POST /v1/bulk-actions/products": seller(Permission.CATALOGUE_WRITE, idempotent=True),
    "POST /v1/admin/order-jobs": staff(Permission.ORDERS_WRITE, idempotent=True),
    "GET /v1/admin/order-jobs": staff(Permission.ORDERS_READ),
    "GET /v1/admin/order-jobs/{id}": staff(Permission.ORDERS_READ),
    "POST /v1/admin/order-jobs/{id}/cancel": staff(Permission.ORDERS_WRITE),
    "GET /v1/admin/feature-flags": staff(Permission.SETTINGS_READ),
    "GET /v1/admin/feature-flags/{name}": staff(Permission.SETTINGS_READ),
    "PATCH /v1/admin/feature-flags/{name}": staff(Permission.SETTINGS_WRITE),
}
