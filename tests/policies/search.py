from __future__ import annotations

from tests.policies.policy import Policy

ROUTES: dict[str, Policy] = {}
