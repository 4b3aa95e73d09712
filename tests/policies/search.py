from __future__ import annotations

from core.domain.permissions import Permission
from tests.policies.policy import Policy, anyone, vendor

ROUTES: dict[str, Policy] = {
    "GET /v1/search": anyone(),
    "GET /v1/search/suggest": anyone(),
    "GET /v1/vendor/search-token": vendor(Permission.CATALOGUE_READ),
}
