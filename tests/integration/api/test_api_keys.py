"""Keys of machines: what they may do, how they are renewed, and how they end."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from api.schemas.api_keys import ApiKeyPage, NewApiKey
from core.domain.ids import Prefix, new_id
from core.domain.permissions import Permission
from tests.integration.api.conftest import Person, World
from tests.integration.api.test_people import get, log_of, post

WANTED = {"name": "robot", "scopes": ["orders:read", "stock:write"]}


def holder_of(key: str) -> Person:
    return Person(user_id="", email="", headers={"Authorization": f"Bearer {key}"})


async def made(world: World, who: Person, path: str = "admin", **changes: Any) -> NewApiKey:
    answer = await post(world, who, f"{path}/api-keys", {**WANTED, **changes})
    assert answer.status_code == 201, answer.text
    return NewApiKey.model_validate_json(answer.content)


async def stored(world: World, key_id: str) -> dict[str, Any]:
    rows = await world.database.statement(
        text("SELECT * FROM api_keys WHERE id = :id"), {"id": key_id}
    )
    return dict(rows[0])


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


async def test_key_opens_what_its_scopes_say_and_is_stored_nowhere(
    world: World, staff: Person
) -> None:
    idempotency_key = new_id(Prefix.EVENT)
    answers = [
        await post(world, staff, "admin/api-keys", WANTED, idempotency_key) for _ in range(2)
    ]
    key = NewApiKey.model_validate_json(answers[0].content)
    machine = holder_of(key.key)

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].content == answers[0].content
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert key.key.startswith(f"pk_{key.id.removeprefix('key_')}_")
    assert (await get(world, machine, "admin/orders")).status_code == 200
    assert (await get(world, machine, "admin/ledger/balances")).status_code == 403
    assert (await get(world, machine, "me")).status_code == 403
    everything = text(
        "SELECT string_agg(k::text, '') || (SELECT string_agg(convert_from("
        "response_body, 'UTF8'), '') FROM idempotency_keys) AS all FROM api_keys k"
    )
    rows = await world.database.statement(everything, {})
    assert key.key.rpartition("_")[2] not in str(rows[0]["all"])
    assert await log_of(world, key.id) == [
        (
            f"staff:{staff.user_id}",
            "api_key.added",
            None,
            {"vendor_id": None, "scopes": ["orders:read", "stock:write"]},
        )
    ]


async def test_machine_is_the_actor_of_what_it_does(world: World, staff: Person) -> None:
    key = await made(world, staff)

    answer = await post(
        world, holder_of(key.key), "admin/warehouses", {"name": "North", "country": "US"}
    )

    assert answer.status_code == 201, answer.text
    (entry,) = await log_of(world, answer.json()["id"])
    assert entry[:2] == (f"staff:{key.id}", "warehouse.added")


async def test_use_is_noted_once_in_a_minute(world: World, staff: Person) -> None:
    key = await made(world, staff)
    machine = holder_of(key.key)
    await get(world, machine, "admin/orders")
    first = (await stored(world, key.id))["last_used_at"]
    await get(world, machine, "admin/orders")

    assert first is not None
    assert (await stored(world, key.id))["last_used_at"] == first
    listed = await get(world, staff, "admin/api-keys?limit=1")
    (shown,) = ApiKeyPage.model_validate_json(listed.content).data
    assert (shown.id, shown.last_used_at) == (key.id, first)


async def test_old_secret_works_beside_the_new_one_until_its_time_ends(
    world: World, staff: Person
) -> None:
    key = await made(world, staff)
    path = f"admin/api-keys/{key.id}/rotate"
    again = new_id(Prefix.EVENT)
    first = await post(world, staff, path, {"overlap_seconds": 60}, again)
    replayed = await post(world, staff, path, {"overlap_seconds": 60}, again)
    rotated = NewApiKey.model_validate_json(first.content)
    old, new = holder_of(key.key), holder_of(rotated.key)

    assert (first.status_code, replayed.content) == (200, first.content)
    assert rotated.key != key.key
    both = [(await get(world, one, "admin/orders")).status_code for one in (old, new)]
    assert both == [200, 200]
    await world.database.statement(
        text("UPDATE api_keys SET previous_expires_at = now() WHERE id = :id"), {"id": key.id}
    )
    both = [(await get(world, one, "admin/orders")).status_code for one in (old, new)]
    assert both == [401, 200]


@pytest.mark.parametrize("end", ["revoked_at = now()", "expires_at = now()"])
async def test_key_that_has_ended_opens_nothing_and_is_not_renewed(
    world: World, staff: Person, end: str
) -> None:
    key = await made(world, staff)
    if "revoked" in end:
        path = f"/v1/admin/api-keys/{key.id}"
        for _ in range(2):
            answer = await world.client.delete(path, headers=staff.headers)
            assert answer.status_code == 204
        assert [entry[1] for entry in await log_of(world, key.id)][1:] == ["api_key.revoked"]
        renewed = await post(world, staff, f"admin/api-keys/{key.id}/rotate", {})
        assert renewed.status_code == 409
    else:
        await world.database.statement(
            text(f"UPDATE api_keys SET {end} WHERE id = :id"),  # noqa: S608  # a word of this file
            {"id": key.id},
        )

    answer = await get(world, holder_of(key.key), "admin/orders")

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "tampered",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key.rpartition("_")[0] + "_",
        lambda key: f"pk_{new_id(Prefix.API_KEY).removeprefix('key_')}_{key.rpartition('_')[2]}",
        lambda key: key[:3],
        lambda key: f"{key[:3]}\udcff",
    ],
    ids=["another secret", "no secret", "another id", "nothing", "no text"],
)
async def test_key_that_nobody_made_opens_nothing(
    world: World, staff: Person, tampered: Any
) -> None:
    key = await made(world, staff)
    header = f"Bearer {tampered(key.key)}".encode(errors="surrogateescape")

    answer = await world.client.get("/v1/admin/orders", headers=[(b"Authorization", header)])

    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"scopes": ["people:write"]}, 422),
        ({"scopes": ["people:impersonate"]}, 422),
        ({"scopes": []}, 422),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422),
        ({"expires_at": "2120-01-01T00:00:00"}, 422),
        ({"scopes": ["money:write"]}, 403),
    ],
)
async def test_key_gets_no_more_than_its_maker_may_give(
    world: World, changes: dict[str, Any], status: int
) -> None:
    lesser = await world.person(
        "staff",
        permissions=frozenset(
            {Permission.PEOPLE_WRITE, Permission.ORDERS_READ, Permission.STOCK_WRITE}
        ),
    )

    answer = await post(world, lesser, "admin/api-keys", {**WANTED, **changes})

    assert answer.status_code == status


async def test_vendors_key_sees_the_vendors_own_alone(world: World) -> None:
    vendor_id = (await world.shop.stock_up(1)).vendor_id
    owner = await world.person("vendor", vendor_id=vendor_id)
    key = await made(world, owner, "vendor", scopes=["orders:write"])
    refused = await post(
        world, owner, "vendor/api-keys", {"name": "robot", "scopes": ["terms:write"]}
    )
    machine = holder_of(key.key)

    assert refused.status_code == 403
    assert (await get(world, machine, "vendor/shipments")).json()["data"] == []
    assert (await get(world, machine, "vendor/balance")).status_code == 403
    assert (await get(world, machine, "admin/orders")).status_code == 403
    assert (await get(world, machine, "vendor/api-keys")).status_code == 403


async def test_limit_of_a_key_is_its_own(world: World, staff: Person) -> None:
    answer = await get(world, holder_of((await made(world, staff)).key), "admin/orders")

    assert answer.headers["ratelimit-policy"].startswith('"key";')
