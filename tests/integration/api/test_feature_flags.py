"""Flags are turned by staff alone, from the state that they saw, and keep people out when off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from api.feature_flags import KEPT_SECONDS, FeatureFlags
from core.database import Database
from core.domain.feature_flags import Flag
from core.domain.ids import Prefix, new_id
from core.settings import PostgresSettings
from tests.imports import open_vendor
from tests.integration.api.conftest import PASSWORD, Person, World

FLAGS = "/v1/admin/feature-flags"


@pytest.fixture
async def staff(world: World) -> AsyncIterator[Person]:
    yield await world.person("staff")
    await world.database.statement(text("DELETE FROM feature_flags"), {})
    world.app.state.flags.forget()


async def turn(world: World, staff: Person, name: str, **wanted: Any) -> Any:
    tag = wanted.pop("tag", None)
    headers = staff.headers | ({"If-Match": tag} if tag else {})
    body = {"reason": "a test", **wanted}
    return await world.client.patch(f"{FLAGS}/{name}", json=body, headers=headers)


async def sign_up(world: World) -> int:
    body = {"email": f"{new_id(Prefix.USER)}@shop.perdure.dev", "password": PASSWORD, "name": "Ada"}
    return (await world.client.post("/v1/auth/register", json=body)).status_code


async def test_flag_is_turned_from_the_state_that_was_seen(world: World, staff: Person) -> None:
    seen = await world.client.get(f"{FLAGS}/sign-ups", headers=staff.headers)
    listed = await world.client.get(FLAGS, headers=staff.headers)

    first = await turn(world, staff, "sign-ups", percentage=40, tag=seen.headers["etag"])
    late = await turn(world, staff, "sign-ups", percentage=60, tag=seen.headers["etag"])
    same = await turn(world, staff, "sign-ups", percentage=40)

    assert seen.json()["updated_at"] is None
    assert [flag["name"] for flag in listed.json()["data"]] == ["product-imports", "sign-ups"]
    assert (first.status_code, first.json()["percentage"]) == (200, 40)
    assert (late.status_code, same.headers["etag"]) == (412, first.headers["etag"])
    log = await world.client.get(
        "/v1/admin/audit-log",
        params={"action": "feature_flag.changed", "actor": f"staff:{staff.user_id}"},
        headers=staff.headers,
    )
    (entry,) = log.json()["data"]
    assert (entry["before"], entry["after"]) == ({"percentage": 100}, {"percentage": 40})
    assert (await turn(world, staff, "nothing", enabled=True)).status_code == 404


async def test_nobody_signs_up_while_that_is_turned_off(world: World, staff: Person) -> None:
    assert await sign_up(world) == 201
    await turn(world, staff, "sign-ups", enabled=False)
    assert await sign_up(world) == 503
    await turn(world, staff, "sign-ups", enabled=True)
    assert await sign_up(world) == 201


async def test_vendors_import_nothing_while_that_is_turned_off_and_staff_do(
    world: World, staff: Person
) -> None:
    vendor_id = (await open_vendor(world.database)).id
    vendor = await world.person("vendor", vendor_id=vendor_id)
    await turn(world, staff, "product-imports", percentage=0)

    statuses = []
    for person in (vendor, staff):
        headers = person.headers | {"Idempotency-Key": new_id(Prefix.EVENT)}
        answer = await world.client.post("/v1/imports/products", json={}, headers=headers)
        statuses.append(answer.status_code)

    assert statuses == [503, 201]


async def test_flags_stay_as_they_stood_while_the_database_is_away(world: World) -> None:
    clock = [0.0]
    away = Database.open(PostgresSettings(url=SecretStr("postgresql://postgres@127.0.0.1:1/none")))
    flags = FeatureFlags(world.database, now=lambda: clock[0])
    assert await flags.is_on(Flag.SIGN_UPS, "somebody")
    flags._database = away
    clock[0] += KEPT_SECONDS

    assert await flags.is_on(Flag.SIGN_UPS, "somebody")
    await away.close()
