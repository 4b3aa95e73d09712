from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Policy, staff

ROUTES: dict[str, Policy] = {
    "GET /v1/admin/audit-log": staff(Permission.AUDIT_READ),
}
