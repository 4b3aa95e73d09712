"""Every route, called by everybody: who is let in, who is refused, and whose things are hidden."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import text

from api.routers import ROUTERS
from core.domain.ids import Prefix, new_id
from core.domain.permissions import EVERYTHING, RANKS, Permission, VendorRank, allows
from tests.integration.api.belongings import MAKERS, Belonging
from tests.integration.api.callers import Call, outcome_of
from tests.integration.api.conftest import World
from tests.policies import POLICIES
from tests.policies.policy import Door, Policy

PEOPLE = {Door.SIGNED_IN, Door.ONESELF, Door.CART, Door.ORDER}
OPEN = {Door.ANYONE, Door.PROVIDER, Door.LINK}
NOT_FOUND = 404
UNKNOWN = 401
REFUSED = 403
LET_IN = 0
"""Whatever is answered then: the door was passed."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody who calls, and how a door answers them."""

    name: str
    headers: dict[str, str]
    role: str | None = None
    granted: frozenset[Permission] = frozenset()
    vendor: bool = False
    acted_for: bool = False
    machine: bool = False

    def at(self, policy: Policy) -> set[int]:
        """What the caller gets at a door: ``LET_IN`` or a status."""
        if policy.door in OPEN:
            return {LET_IN}
        if self.role is None:
            return {UNKNOWN, LET_IN} if policy.door is Door.CART else {UNKNOWN}
        return {LET_IN if self._may(policy) else REFUSED}

    def _may(self, policy: Policy) -> bool:
        if self.machine and (policy.door in PEOPLE or policy.in_person):
            return False
        if policy.door in PEOPLE:
            return not (policy.door is Door.ONESELF and self.acted_for)
        assert policy.permission is not None
        of_vendor = self.role == "vendor" and self.vendor and policy.door is not Door.STAFF
        of_staff = self.role == "staff" and policy.door is not Door.VENDOR
        return (of_vendor or of_staff) and allows(self.granted, policy.permission)


_KNOWN: dict[tuple[str, Permission | None], list[Caller]] = {}


async def callers(world: World, vendor_id: str, policy: Policy, method: str) -> list[Caller]:
    """All sorts of people; new ones where a call may end their account or their sessions."""
    key = (vendor_id, policy.permission)
    if policy.door is Door.ONESELF or method == "DELETE":
        return await _callers(world, *key)
    if key not in _KNOWN:
        _KNOWN[key] = await _callers(world, *key)
    return _KNOWN[key]


async def _callers(world: World, vendor_id: str, permission: Permission | None) -> list[Caller]:
    asked = {permission} if permission else set()
    helper = await world.person("staff")
    made = [Caller(name="nobody", headers={})]
    for name, granted in {
        "staff with everything": EVERYTHING,
        "staff with this alone": frozenset(asked),
        "staff with all but this": EVERYTHING - reading(asked),
    }.items():
        person = await world.person("staff", permissions=granted)
        made.append(Caller(name=name, headers=person.headers, role="staff", granted=granted))
    for rank in VendorRank:
        person = await world.person("vendor", vendor_id=vendor_id, rank=rank)
        made.append(
            Caller(
                name=f"vendor's {rank}",
                headers=person.headers,
                role="vendor",
                granted=RANKS[rank],
                vendor=True,
            )
        )
    person = await world.person("vendor")
    made.append(Caller(name="vendor of nothing", headers=person.headers, role="vendor"))
    person = await world.person()
    made.append(Caller(name="customer", headers=person.headers, role="customer"))
    person = await world.person(impersonator_id=helper.user_id)
    made.append(
        Caller(name="staff as customer", headers=person.headers, role="customer", acted_for=True)
    )
    return made + await machines(world, helper.user_id, vendor_id, asked)


async def machines(
    world: World, user_id: str, vendor_id: str, asked: set[Permission]
) -> list[Caller]:
    """API keys, of the platform itself and of a vendor's."""
    of_vendor = RANKS[VendorRank.OWNER]
    made = []
    for name, whose, scopes in (
        ("the platform's key with this alone", None, asked),
        ("the platform's key with all but this", None, EVERYTHING - reading(asked)),
        ("a vendor's key with this alone", vendor_id, asked & of_vendor),
        ("a vendor's key with all but this", vendor_id, of_vendor - reading(asked)),
    ):
        key = await world.key(user_id, vendor_id=whose, scopes=scopes)
        made.append(
            Caller(
                name=name,
                headers=key.headers,
                role="vendor" if whose else "staff",
                granted=frozenset(scopes),
                vendor=whose is not None,
                machine=True,
            )
        )
    return made


def reading(asked: set[Permission]) -> set[Permission]:
    """The rights to write that let read, too."""
    return {one for one in EVERYTHING if any(allows(frozenset({one}), each) for each in asked)}


def routes() -> Iterator[tuple[str, APIRoute]]:
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                for method in route.methods or ():
                    yield f"{method} {route.path_format}", route


ALL = dict(routes())


def prefixes(dependant: Dependant) -> Iterator[Prefix]:
    """The kinds of ids that a route takes in its path."""
    call = dependant.call
    if inspect.isfunction(call) and "prefix" in call.__code__.co_freevars:
        yield inspect.getclosurevars(call).nonlocals["prefix"]
    for dependency in dependant.dependencies:
        yield from prefixes(dependency)


def somewhere(route: APIRoute) -> dict[str, str]:
    """Values of the path that name nothing, and are of the right kind all the same."""
    values = dict.fromkeys(route.param_convertors, "NOTHING")
    for prefix in prefixes(route.dependant):
        values["id"] = new_id(prefix)
    return values | {"move": "accept"}


@pytest.fixture(scope="module")
async def vendor_id(world: World) -> str:
    return (await world.shop.stock_up(1)).vendor_id


@pytest.mark.parametrize("name", sorted(ALL))
async def test_door_lets_in_those_of_its_line_alone(
    world: World, vendor_id: str, name: str
) -> None:
    policy, route = POLICIES[name], ALL[name]

    wrong: dict[str, Any] = {}
    for caller in await callers(world, vendor_id, policy, name.partition(" ")[0]):
        # A field that nobody knows: it is refused inside, so that nothing is done.
        call = Call.to(name, somewhere(route), body={"unknown": True}, headers=caller.headers)
        outcome = await outcome_of(world.app, call)
        door = outcome.status if outcome.status in {UNKNOWN, REFUSED} else LET_IN
        if door not in caller.at(policy) or outcome.status >= 500:
            wrong[caller.name] = outcome

    assert wrong == {}


@pytest.mark.parametrize("name", sorted(name for name in ALL if POLICIES[name].door in PEOPLE))
async def test_token_that_is_not_ours_is_refused(world: World, name: str) -> None:
    headers = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}
    call = Call.to(name, somewhere(ALL[name]), body={"unknown": True}, headers=headers)

    assert (await outcome_of(world.app, call)).status == UNKNOWN


@pytest.mark.parametrize("name", sorted(name for name in ALL if POLICIES[name].own))
async def test_what_is_somebody_elses_is_not_there(
    world: World, example: dict[str, Any], name: str
) -> None:
    own = POLICIES[name].own
    assert own is not None
    belonging = await MAKERS[own](world)
    before = await row_of(world, belonging)

    call = Call.to(name, belonging.path, body=example[name], headers=belonging.stranger)
    assert (await outcome_of(world.app, call)).status == NOT_FOUND
    for headers in belonging.guests:
        call = Call.to(name, belonging.path, body=example[name], headers=headers)
        assert (await outcome_of(world.app, call)).status in {NOT_FOUND, UNKNOWN}
    assert await row_of(world, belonging) == before
    call = Call.to(name, belonging.path, body=example[name], headers=belonging.owner)
    outcome = await outcome_of(world.app, call)
    assert outcome.status not in {UNKNOWN, REFUSED, NOT_FOUND}, outcome


async def row_of(world: World, belonging: Belonging) -> str:
    statement = f"SELECT t::text AS row FROM {belonging.table} t WHERE id = :id"  # noqa: S608  # a name of this package
    (row,) = await world.database.statement(text(statement), {"id": belonging.path["id"]})
    return str(row["row"])


@pytest.fixture(scope="module")
def example(world: World) -> dict[str, Any]:
    """A body for each route: the example of the document."""
    found = {}
    for path, operations in world.app.openapi()["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            media = content.get("application/json", {})
            examples = [one["value"] for one in media.get("examples", {}).values()]
            found[f"{method.upper()} {path}"] = media.get("example", next(iter(examples), None))
    return found
