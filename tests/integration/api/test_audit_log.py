"""Staff read who did what; nobody else does, and nobody edits it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.schemas.oversight import AuditPage
from core.domain.ids import Prefix, new_id
from models.repositories import audit
from tests.integration.api.conftest import Person, World


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


async def _read(world: World, staff: Person, **filters: Any) -> AuditPage:
    answer = await world.client.get("/v1/admin/audit-log", params=filters, headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return AuditPage.model_validate_json(answer.content)


async def _write(world: World, target: str, **changes: Any) -> None:
    entry: dict[str, Any] = {
        "actor": "staff:usr_1",
        "action": "order.step_resolved",
        "reason": "by hand",
        "before": {"attempts": 3},
        "after": None,
        **changes,
    }
    async with world.database.transaction() as session:
        await audit.record(session, target=target, **entry)


async def test_entries_are_filtered_and_paged_the_newest_first(world: World, staff: Person) -> None:
    target = new_id(Prefix.ORDER)
    actor = f"staff:{new_id(Prefix.USER)}"
    await _write(world, target, reason="first")
    await _write(world, target, reason="second", actor=actor, action="order.edited")
    await _write(world, new_id(Prefix.ORDER), actor=actor, reason="elsewhere")

    first = await _read(world, staff, target=target, limit=1)
    assert [(entry.reason, entry.actor) for entry in first.data] == [("second", actor)]
    rest = await _read(world, staff, target=target, limit=1, cursor=first.next_cursor)
    assert [entry.reason for entry in rest.data] == ["first"]
    assert rest.next_cursor is None
    assert (rest.data[0].before, rest.data[0].after) == ({"attempts": 3}, None)
    assert rest.data[0].id.startswith("aud_")
    by_actor = await _read(world, staff, actor=actor)
    assert [entry.reason for entry in by_actor.data] == ["elsewhere", "second"]
    by_both = await _read(world, staff, actor=actor, action="order.edited")
    assert [entry.reason for entry in by_both.data] == ["second"]


async def test_cursor_of_other_filters_is_refused(world: World, staff: Person) -> None:
    target = new_id(Prefix.ORDER)
    await _write(world, target)
    await _write(world, target)
    page = await _read(world, staff, target=target, limit=1)

    answer = await world.client.get(
        "/v1/admin/audit-log", params={"cursor": page.next_cursor}, headers=staff.headers
    )

    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/invalid-cursor")


async def test_entry_of_a_change_that_failed_is_not_kept(world: World, staff: Person) -> None:
    target = new_id(Prefix.ORDER)

    async def change_and_fail() -> None:
        async with world.database.transaction() as session:
            await audit.record(session, actor="a", action="b", target=target, reason="")
            raise LookupError

    with pytest.raises(LookupError):
        await change_and_fail()
    assert (await _read(world, staff, target=target)).data == []


@pytest.mark.parametrize("change", ["DELETE FROM audit_log", "UPDATE audit_log SET reason = ''"])
async def test_entry_cannot_be_changed(world: World, staff: Person, change: str) -> None:
    target = new_id(Prefix.ORDER)
    await _write(world, target)

    with pytest.raises(DBAPIError, match="append-only"):
        async with world.database.transaction() as session:
            await session.execute(text(f"{change} WHERE target = :target"), {"target": target})
    assert len((await _read(world, staff, target=target)).data) == 1


@pytest.mark.parametrize("role", ["customer", "vendor"])
async def test_others_are_refused(world: World, role: str) -> None:
    person = await world.person(role)

    answer = await world.client.get("/v1/admin/audit-log", headers=person.headers)

    assert answer.status_code == 403
    assert (await world.client.get("/v1/admin/audit-log")).status_code == 401
