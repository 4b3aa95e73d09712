from __future__ import annotations

from tests.policies.policy import Policy, link

ROUTES: dict[str, Policy] = {
    "GET /v1/objects/{key}": link(),
    "PUT /v1/objects/{key}": link(),
}
