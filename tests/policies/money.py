from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Own, Policy, staff, vendor

ROUTES: dict[str, Policy] = {
    "POST /v1/admin/orders/{id}/refund": staff(Permission.MONEY_WRITE, idempotent=True),
    "GET /v1/admin/ledger/balances": staff(Permission.MONEY_READ),
    "GET /v1/admin/ledger/postings": staff(Permission.MONEY_READ),
    "GET /v1/admin/ledger/export": staff(Permission.MONEY_READ),
    "GET /v1/admin/reconciliations": staff(Permission.MONEY_READ),
    "POST /v1/admin/reconciliations": staff(Permission.MONEY_WRITE, idempotent=True),
    "GET /v1/admin/reconciliations/{id}": staff(Permission.MONEY_READ),
    "GET /v1/admin/differences": staff(Permission.MONEY_READ),
    "POST /v1/admin/differences/{id}/resolve": staff(Permission.MONEY_WRITE, idempotent=True),
    "GET /v1/admin/disputes": staff(Permission.MONEY_READ),
    "GET /v1/admin/disputes/{id}": staff(Permission.MONEY_READ),
    "POST /v1/admin/disputes/{id}/evidence": staff(Permission.MONEY_WRITE, idempotent=True),
    "POST /v1/admin/disputes/{id}/accept": staff(Permission.MONEY_WRITE, idempotent=True),
    "GET /v1/vendor/disputes": vendor(Permission.MONEY_READ),
    "GET /v1/admin/commission-rules": staff(Permission.TERMS_READ),
    "POST /v1/admin/commission-rules": staff(Permission.TERMS_WRITE, idempotent=True),
    "GET /v1/admin/commission-rules/{id}": staff(Permission.TERMS_READ),
    "PATCH /v1/admin/commission-rules/{id}": staff(Permission.TERMS_WRITE),
    "DELETE /v1/admin/commission-rules/{id}": staff(Permission.TERMS_WRITE),
    "PUT /v1/admin/vendors/{id}/payout-account": staff(Permission.TERMS_WRITE),
    "GET /v1/admin/vendor-balances": staff(Permission.MONEY_READ),
    "POST /v1/admin/settlements": staff(Permission.MONEY_WRITE, idempotent=True, in_person=True),
    "GET /v1/admin/settlements": staff(Permission.MONEY_READ),
    "GET /v1/admin/settlements/{id}": staff(Permission.MONEY_READ),
    "POST /v1/admin/settlements/{id}/approve": staff(
        Permission.MONEY_WRITE, idempotent=True, in_person=True
    ),
    "POST /v1/admin/settlements/{id}/cancel": staff(
        Permission.MONEY_WRITE, idempotent=True, in_person=True
    ),
    "POST /v1/admin/settlements/{id}/retry": staff(
        Permission.MONEY_WRITE, idempotent=True, in_person=True
    ),
    "GET /v1/admin/settlements/{id}/statement": staff(Permission.MONEY_READ),
    "GET /v1/vendor/settlements": vendor(Permission.MONEY_READ),
    "GET /v1/vendor/settlements/{id}/statement": vendor(Permission.MONEY_READ, own=Own.SETTLEMENT),
    "GET /v1/vendor/balance": vendor(Permission.MONEY_READ),
}
