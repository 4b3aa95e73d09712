from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Own, Policy, anyone, oneself, staff, vendor

ROUTES: dict[str, Policy] = {
    "GET /v1/admin/audit-log": staff(Permission.AUDIT_READ),
    "GET /v1/admin/users": staff(Permission.PEOPLE_READ),
    "POST /v1/admin/users": staff(Permission.PEOPLE_WRITE, idempotent=True),
    "GET /v1/admin/users/{id}": staff(Permission.PEOPLE_READ),
    "PATCH /v1/admin/users/{id}": staff(Permission.PEOPLE_WRITE),
    "POST /v1/admin/users/{id}/impersonate": staff(Permission.IMPERSONATE),
    "GET /v1/admin/vendors": staff(Permission.PEOPLE_READ),
    "POST /v1/admin/vendors": staff(Permission.PEOPLE_WRITE, idempotent=True),
    "GET /v1/admin/vendors/{id}": staff(Permission.PEOPLE_READ),
    "PATCH /v1/admin/vendors/{id}": staff(Permission.PEOPLE_WRITE),
    "GET /v1/vendor/members": vendor(Permission.PEOPLE_WRITE),
    "POST /v1/vendor/members": vendor(Permission.PEOPLE_WRITE, idempotent=True),
    "PATCH /v1/vendor/members/{id}": vendor(Permission.PEOPLE_WRITE, own=Own.MEMBER),
    "DELETE /v1/vendor/members/{id}": vendor(Permission.PEOPLE_WRITE, own=Own.MEMBER),
    "GET /v1/vendor/invitations": vendor(Permission.PEOPLE_WRITE),
    "DELETE /v1/vendor/invitations/{id}": vendor(Permission.PEOPLE_WRITE, own=Own.INVITATION),
    "GET /v1/admin/api-keys": staff(Permission.PEOPLE_READ),
    "POST /v1/admin/api-keys": staff(Permission.PEOPLE_WRITE, idempotent=True),
    "POST /v1/admin/api-keys/{id}/rotate": staff(Permission.PEOPLE_WRITE, idempotent=True),
    "DELETE /v1/admin/api-keys/{id}": staff(Permission.PEOPLE_WRITE),
    "GET /v1/vendor/api-keys": vendor(Permission.PEOPLE_WRITE),
    "POST /v1/vendor/api-keys": vendor(Permission.PEOPLE_WRITE, idempotent=True),
    "POST /v1/vendor/api-keys/{id}/rotate": vendor(
        Permission.PEOPLE_WRITE, own=Own.API_KEY, idempotent=True
    ),
    "DELETE /v1/vendor/api-keys/{id}": vendor(Permission.PEOPLE_WRITE, own=Own.API_KEY),
    "POST /v1/auth/google": anyone(),
    "GET /v1/me/identities": oneself(),
    "POST /v1/me/identities/google": oneself(),
    "DELETE /v1/me/identities/google": oneself(),
    "POST /v1/me/totp": oneself(),
    "POST /v1/me/totp/confirm": oneself(),
    "DELETE /v1/me/totp": oneself(),
    "DELETE /v1/admin/users/{id}/totp": staff(Permission.PEOPLE_WRITE),
    "POST /v1/auth/invitations/accept": anyone(),
}
