"""Calls by which staff and vendors change something write down what their line says.

Those that need an order, a parcel or a workflow are followed to the log by the tests of their own.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from tests.integration.api.belongings import MAKERS
from tests.integration.api.callers import Call, outcome_of
from tests.integration.api.conftest import World
from tests.policies import POLICIES
from tests.policies.audited import AUDITED

BODIES: dict[str, Any] = {
    "POST /v1/admin/users": {"email": f"{new_id(Prefix.USER)}@shop.perdure.dev", "name": "G"},
    "POST /v1/admin/vendors": {"name": "V", "slug": new_id(Prefix.VENDOR).replace("_", "-")},
    "POST /v1/admin/api-keys": {"name": "robot", "scopes": ["stock:read"]},
    "POST /v1/admin/warehouses": {"name": "North", "country": "US"},
    "POST /v1/vendor/members": {"email": f"{new_id(Prefix.USER)}@shop.perdure.dev"},
    "PATCH /v1/vendor/members/{id}": {"rank": "owner"},
    "DELETE /v1/vendor/members/{id}": None,
    "DELETE /v1/vendor/invitations/{id}": None,
    "POST /v1/vendor/api-keys": {"name": "robot", "scopes": ["stock:read"]},
    "POST /v1/vendor/api-keys/{id}/rotate": {},
    "DELETE /v1/vendor/api-keys/{id}": None,
    "PATCH /v1/products/{id}": {"name": "Another name"},
    "DELETE /v1/products/{id}": None,
    "POST /v1/products/{id}/restore": None,
    "PATCH /v1/variants/{id}": {"title": "Another title"},
    "PATCH /v1/media/{id}": {"alt": "Another text"},
    "DELETE /v1/media/{id}": None,
}
"""Each changes something when its owner, or somebody of staff, sends it."""


@pytest.mark.parametrize("name", sorted(BODIES))
async def test_change_is_in_the_log_with_its_actor(world: World, name: str) -> None:
    policy = POLICIES[name]
    path: dict[str, str] = {}
    if policy.own is not None:
        belonging = await MAKERS[policy.own](world)
        path, headers = belonging.path, belonging.owner
    elif "/vendor/" in name:
        vendor_id = (await world.shop.stock_up(1)).vendor_id
        headers = (await world.person("vendor", vendor_id=vendor_id)).headers
    else:
        headers = (await world.person("staff")).headers
    actor = await _actor(world, headers)

    outcome = await outcome_of(world.app, Call.to(name, path, body=BODIES[name], headers=headers))

    assert outcome.status in {200, 201, 204}, outcome
    assert AUDITED[name] in await _deeds(world, actor)


async def _actor(world: World, headers: dict[str, str]) -> str:
    me = (await world.client.get("/v1/me", headers=headers)).json()
    return f"{me['role']}:{me['id']}"


async def _deeds(world: World, actor: str) -> list[str]:
    rows = await world.database.statement(
        text("SELECT action FROM audit_log WHERE actor = :actor"), {"actor": actor}
    )
    return [row["action"] for row in rows]
