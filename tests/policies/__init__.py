"""The table of routes: each with who may call it, one module per area.

``tests/unit/api/test_routes.py`` compares it with the document and the code,
``tests/integration/api/test_authorization.py`` with what the application does. Both fail for a
route without a line.
"""

from __future__ import annotations

from tests.policies import (
    buying,
    catalogue,
    identity,
    jobs,
    media,
    money,
    operations,
    orders,
    people,
    personal,
    search,
    stock,
    terms,
)
from tests.policies.policy import Policy

POLICIES: dict[str, Policy] = {}
for _area in (
    identity,
    people,
    personal,
    catalogue,
    media,
    search,
    jobs,
    buying,
    orders,
    stock,
    terms,
    money,
    operations,
):
    _twice = POLICIES.keys() & _area.ROUTES.keys()
    if _twice:
        raise ValueError(f"more than one line: {_twice}")
    POLICIES |= _area.ROUTES
