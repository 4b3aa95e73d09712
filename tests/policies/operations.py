from __future__ import annotations

from tests.policies.policy import Policy, anyone, provider

ROUTES: dict[str, Policy] = {
    "POST /v1/webhooks/paystack": provider(),
    "POST /v1/webhooks/stripe": provider(),
    "POST /v1/webhooks/carrier": provider(),
    "GET /healthz": anyone(),
    "GET /readyz": anyone(),
}
