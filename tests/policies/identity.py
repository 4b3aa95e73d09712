from __future__ import annotations

from tests.policies.policy import Policy, anyone, signed_in

ROUTES: dict[str, Policy] = {
    "POST /v1/auth/register": anyone(),
    "POST /v1/auth/login": anyone(),
    "POST /v1/auth/refresh": anyone(),
    "POST /v1/auth/logout": anyone(),
    "GET /v1/me": signed_in(),
    "PATCH /v1/me": signed_in(),
}
