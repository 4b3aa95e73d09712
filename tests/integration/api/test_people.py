"""Staff look after accounts and vendors: what nobody has nobody gives, and somebody stays."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.people import Account, AccountPage, VendorAccount, VendorAccountPage
from core.domain.ids import Prefix, derived_id, new_id
from core.domain.permissions import Permission
from core.one_time import OneTimeSecrets
from models.users import MessageKind
from tests.integration.api.conftest import PASSWORD, Person, World

PEOPLE = frozenset({Permission.PEOPLE_WRITE, Permission.ORDERS_READ})


async def post(
    world: World, who: Person, path: str, body: Any, key: str | None = None
) -> httpx.Response:
    headers = {**who.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)}
    return await world.client.post(f"/v1/{path}", json=body, headers=headers)


async def patch(
    world: World, who: Person, path: str, body: Any, if_match: str | None = None
) -> httpx.Response:
    headers = who.headers | ({"If-Match": if_match} if if_match else {})
    return await world.client.patch(f"/v1/{path}", json=body, headers=headers)


async def get(world: World, who: Person, path: str) -> httpx.Response:
    return await world.client.get(f"/v1/{path}", headers=who.headers)


async def log_of(world: World, target: str) -> list[tuple[str, str, Any, Any]]:
    rows = await world.database.statement(
        text("SELECT actor, action, before, after FROM audit_log WHERE target = :t ORDER BY id"),
        {"t": target},
    )
    return [(row["actor"], row["action"], row["before"], row["after"]) for row in rows]


def token_of(world: World, message_id: str) -> str:
    secrets = OneTimeSecrets.of(world.resources.settings.auth)
    return secrets.token(MessageKind.INVITATION, message_id)


async def sign_in(world: World, email: str, password: str = PASSWORD) -> httpx.Response:
    return await world.client.post("/v1/auth/login", json={"email": email, "password": password})


def new_email() -> str:
    return f"{new_id(Prefix.USER)}@shop.perdure.dev"


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


async def test_account_of_staff_is_made_once_and_its_person_sets_the_password(
    world: World, staff: Person
) -> None:
    wanted = {
        "email": new_email(),
        "name": "Grace",
        "role": "staff",
        "permissions": ["stock:read", "orders:write", "stock:read"],
    }
    made = await post(world, staff, "admin/users", wanted, key := new_id(Prefix.EVENT))
    again = await post(world, staff, "admin/users", wanted, key)

    assert made.status_code == 201, made.text
    account = Account.model_validate_json(made.content)
    assert made.headers["location"] == f"/v1/admin/users/{account.id}"
    assert again.content == made.content
    assert account.permissions == ["orders:write", "stock:read"]
    assert (await sign_in(world, wanted["email"])).status_code == 401  # type: ignore[arg-type]  # of a JSON object
    token = token_of(world, derived_id(Prefix.MESSAGE, account.id, "invitation"))
    accepted = {"token": token, "password": PASSWORD}
    answer = await world.client.post("/v1/auth/invitations/accept", json=accepted)
    assert answer.status_code == 204, answer.text
    answer = await world.client.post("/v1/auth/invitations/accept", json=accepted)
    assert answer.status_code == 401
    signed_in = await sign_in(world, account.email or "")
    bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    assert (await world.client.get("/v1/admin/orders", headers=bearer)).status_code == 200
    assert (await world.client.get("/v1/admin/users", headers=bearer)).status_code == 403
    assert [entry[1] for entry in await log_of(world, account.id)] == [
        "account.added",
        "invitation.accepted",
    ]


async def test_taken_address_is_a_conflict_and_nothing_is_made(world: World, staff: Person) -> None:
    taken = {"email": staff.email.upper(), "name": "Grace"}
    before = await world.count_rows()

    answer = await post(world, staff, "admin/users", taken)

    assert answer.status_code == 409
    assert (await world.count_rows())["users"] == before["users"]


@pytest.mark.parametrize(
    ("wanted", "pointers"),
    [
        ({"role": "customer", "permissions": ["orders:read"]}, ["/permissions"]),
        ({"role": "vendor"}, ["/vendor_id", "/vendor_rank"]),
        ({"role": "staff", "vendor_rank": "owner"}, ["/vendor_rank"]),
        (
            {"role": "vendor", "vendor_id": new_id(Prefix.VENDOR), "vendor_rank": "owner"},
            ["/vendor_id"],
        ),
    ],
)
async def test_rights_that_do_not_fit_the_role_are_named(
    world: World, staff: Person, wanted: dict[str, Any], pointers: list[str]
) -> None:
    answer = await post(
        world, staff, "admin/users", {"email": new_email(), "name": "Grace", **wanted}
    )

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


async def test_staff_give_and_take_only_what_they_have(world: World, staff: Person) -> None:
    lesser = await world.person("staff", permissions=PEOPLE)
    peer = await world.person("staff", permissions=frozenset({Permission.ORDERS_READ}))
    path = f"admin/users/{peer.user_id}"

    given = await patch(world, lesser, path, {"permissions": ["orders:read", "money:write"]})
    made = await post(
        world,
        lesser,
        "admin/users",
        {"email": new_email(), "name": "G", "role": "staff", "permissions": ["orders:write"]},
    )
    disabled = await patch(world, lesser, f"admin/users/{staff.user_id}", {"status": "disabled"})
    reduced = await patch(world, lesser, path, {"permissions": []})

    assert (given.status_code, made.status_code, disabled.status_code) == (403, 403, 403)
    assert "money:write" in given.json()["detail"]
    assert (reduced.status_code, reduced.json()["permissions"]) == (200, [])
    assert await log_of(world, peer.user_id) == [
        (
            f"staff:{lesser.user_id}",
            "account.changed",
            {"permissions": ["orders:read"]},
            {"permissions": []},
        )
    ]


async def test_token_gives_no_more_than_the_account_has_now(world: World, staff: Person) -> None:
    former = await world.person("staff", permissions=PEOPLE)
    await patch(world, staff, f"admin/users/{former.user_id}", {"permissions": ["people:write"]})

    answer = await post(
        world,
        former,
        "admin/users",
        {"email": new_email(), "name": "G", "role": "staff", "permissions": ["orders:read"]},
    )

    assert answer.status_code == 403


async def test_disabled_account_loses_its_sessions_and_comes_back(
    world: World, staff: Person
) -> None:
    person = await world.person()
    session = (await sign_in(world, person.email)).json()
    path = f"admin/users/{person.user_id}"

    disabled = await patch(world, staff, path, {"status": "disabled", "reason": "fraud"})
    refreshed = await world.client.post(
        "/v1/auth/refresh", json={"refresh_token": session["refresh_token"]}
    )
    refused = await sign_in(world, person.email)
    enabled = await patch(world, staff, path, {"status": "active"})

    assert disabled.json()["status"] == "disabled"
    assert (refreshed.status_code, refused.status_code) == (401, 401)
    assert enabled.json()["status"] == "active"
    assert (await sign_in(world, person.email)).status_code == 200
    assert [(entry[1], entry[3]) for entry in await log_of(world, person.user_id)] == [
        ("account.changed", {"status": "disabled"}),
        ("account.changed", {"status": "active"}),
    ]


async def test_last_one_who_may_change_accounts_stays(world: World, staff: Person) -> None:
    others = text("UPDATE users SET disabled_at = now() WHERE role = 'staff' AND id <> :id")
    async with world.database.transaction() as session:
        await session.execute(others, {"id": staff.user_id})
    path = f"admin/users/{staff.user_id}"

    changes: list[dict[str, Any]] = [
        {"status": "disabled"},
        {"permissions": []},
        {"role": "customer"},
    ]
    answers = [await patch(world, staff, path, change) for change in changes]

    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert len((await get(world, staff, path)).json()["permissions"]) == len(Permission)


async def test_change_from_an_older_state_is_refused(world: World, staff: Person) -> None:
    person = await world.person()
    path = f"admin/users/{person.user_id}"
    tag = (await get(world, staff, path)).headers["etag"]

    first = await patch(world, staff, path, {"name": "Ada King"}, tag)
    second = await patch(world, staff, path, {"name": "Somebody"}, tag)

    assert (first.status_code, second.status_code) == (200, 412)
    assert (await get(world, staff, path)).json()["name"] == "Ada King"


async def test_list_is_filtered_by_role_address_vendor_and_status(
    world: World, staff: Person
) -> None:
    vendor_id = (await world.shop.stock_up(1)).vendor_id
    owner = await world.person("vendor", vendor_id=vendor_id)

    async def ids(query: str) -> list[str]:
        answer = await get(world, staff, f"admin/users?{query}")
        assert answer.status_code == 200, answer.text
        return [one.id for one in AccountPage.model_validate_json(answer.content).data]

    assert await ids(f"vendor_id={vendor_id}") == [owner.user_id]
    assert await ids(f"email={owner.email.upper()}&role=vendor") == [owner.user_id]
    assert await ids(f"vendor_id={vendor_id}&role=staff") == []
    assert await ids(f"vendor_id={vendor_id}&status=disabled") == []
    assert (await ids("limit=1&status=active")) == [owner.user_id]


async def test_vendor_is_made_changed_and_suspended(world: World, staff: Person) -> None:
    slug = new_id(Prefix.VENDOR).replace("_", "-")
    wanted = {"name": "Weaver", "slug": slug, "fulfillment": "manual"}
    made = await post(world, staff, "admin/vendors", wanted, key := new_id(Prefix.EVENT))
    again = await post(world, staff, "admin/vendors", wanted, key)
    twin = await post(world, staff, "admin/vendors", wanted)
    vendor = VendorAccount.model_validate_json(made.content)
    path = f"admin/vendors/{vendor.id}"
    tag = (await get(world, staff, path)).headers["etag"]
    changed = await patch(world, staff, path, {"status": "suspended", "reason": "late"}, tag)
    stale = await patch(world, staff, path, {"name": "Other"}, tag)

    assert (made.status_code, twin.status_code, stale.status_code) == (201, 409, 412)
    assert again.content == made.content
    assert (changed.status_code, changed.json()["status"]) == (200, "suspended")
    listed = await get(world, staff, "admin/vendors?status=suspended&limit=1")
    assert VendorAccountPage.model_validate_json(listed.content).data[0].id == vendor.id
    actor = f"staff:{staff.user_id}"
    values = {"status": "active", "products_need_approval": False, **wanted}
    assert await log_of(world, vendor.id) == [
        (actor, "vendor.added", None, values),
        (actor, "vendor.changed", {"status": "active"}, {"status": "suspended"}),
    ]
