from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Own, Policy, oneself, staff

ROUTES: dict[str, Policy] = {
    "DELETE /v1/me": oneself(),
    "POST /v1/me/exports": oneself(idempotent=True),
    "GET /v1/me/exports/{id}": oneself(own=Own.EXPORT),
    "GET /v1/admin/erasures": staff(Permission.PEOPLE_READ),
    "POST /v1/admin/users/{id}/erasure": staff(Permission.PEOPLE_WRITE, idempotent=True),
}
