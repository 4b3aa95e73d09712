from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Policy, oneself, staff

ROUTES: dict[str, Policy] = {
    "DELETE /v1/me": oneself(),
    "GET /v1/admin/erasures": staff(Permission.PEOPLE_READ),
    "POST /v1/admin/users/{id}/erasure": staff(Permission.PEOPLE_WRITE, idempotent=True),
}
