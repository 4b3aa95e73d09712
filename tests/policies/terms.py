from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Policy, staff

ROUTES: dict[str, Policy] = {
    "GET /v1/admin/promotions": staff(Permission.TERMS_READ),
    "GET /v1/admin/promotions/{id}": staff(Permission.TERMS_READ),
    "POST /v1/admin/promotions": staff(Permission.TERMS_WRITE, idempotent=True),
    "PATCH /v1/admin/promotions/{id}": staff(Permission.TERMS_WRITE),
    "GET /v1/admin/tax-rules": staff(Permission.TERMS_READ),
    "PUT /v1/admin/tax-rules": staff(Permission.TERMS_WRITE),
    "GET /v1/admin/shipping-options": staff(Permission.TERMS_READ),
    "PUT /v1/admin/shipping-options": staff(Permission.TERMS_WRITE),
    "GET /v1/admin/review-rules": staff(Permission.TERMS_READ),
    "POST /v1/admin/review-rules": staff(Permission.TERMS_WRITE, idempotent=True),
    "GET /v1/admin/review-rules/{id}": staff(Permission.TERMS_READ),
    "PATCH /v1/admin/review-rules/{id}": staff(Permission.TERMS_WRITE),
}
