from __future__ import annotations

from tests.policies.policy import Policy, anyone

ROUTES: dict[str, Policy] = {
    "GET /v1/search": anyone(),
    "GET /v1/search/suggest": anyone(),
}
