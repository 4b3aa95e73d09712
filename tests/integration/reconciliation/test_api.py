"""Staff look at differences and decide; of two at once one is told 409."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.schemas.reconciliation import (
    Difference,
    DifferencePage,
    ReconcileStarted,
    ReconciliationDetail,
    ReconciliationPage,
)
from core.domain.ids import Prefix, new_id
from core.domain.reconciliation import DifferenceKind, RepairKind
from core.domain.reconciliation_pictures import Finding
from models.repositories import differences, reconciliations
from tests.eventually import eventually
from tests.integration.api.conftest import Person
from tests.integration.api.conftest import World as Api
from tests.integration.reconciliation.conftest import World

BOOKS = "books"
"""A provider that nobody reconciles: what is planted there stays as it is."""


@pytest.fixture(scope="package")
async def api(world: World) -> AsyncIterator[Api]:
    resources = world.platform.resources
    made = Api(create_app(resources.settings, resources), resources)
    async with made.client:
        yield made


@pytest.fixture(scope="package")
async def staff(api: Api) -> Person:
    return await api.person("staff")


async def noted(world: World, **changes: Any) -> str:
    """Plant a row; return its id."""
    finding = Finding(
        **{
            "kind": DifferenceKind.UNKNOWN_PAYMENT,
            "subject": new_id(Prefix.PAYMENT),
            "repair": RepairKind.BY_HAND,
            "currency": "USD",
            "amount": 500,
            "on_balance": 500,
            **changes,
        }
    )
    async with world.platform.shop.database.transaction() as session:
        run = await reconciliations.begin(session, BOOKS, days=7)
        await differences.note(session, provider=BOOKS, run_id=run.id, findings=[finding])
    (row,) = await world.sql(
        "SELECT id FROM differences WHERE subject = :subject ORDER BY id DESC LIMIT 1",
        subject=finding.subject,
    )
    return str(row["id"])


async def post(
    api: Api, who: Person, path: str, body: Any, key: str | None = None
) -> httpx.Response:
    return await api.client.post(
        f"/v1/admin{path}",
        json=body,
        headers={**who.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)},
    )


async def resolve(
    api: Api, who: Person, difference_id: str, action: str, key: str | None = None
) -> httpx.Response:
    body = {"action": action, "reason": "looked at"}
    return await post(api, who, f"/differences/{difference_id}/resolve", body, key)


async def get(api: Api, who: Person, path: str, **params: Any) -> bytes:
    answer = await api.client.get(f"/v1/admin{path}", params=params, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.content


async def adjustment(world: World, difference_id: str) -> list[tuple[str, str, int]]:
    rows = await world.sql(
        "SELECT account, holder, amount FROM ledger_entries WHERE posting_key = :key"
        " ORDER BY position",
        key=f"{difference_id}:adjustment",
    )
    return [(row["account"], row["holder"], row["amount"]) for row in rows]


async def test_books_are_compared_now_and_shown(api: Api, staff: Person) -> None:
    body = {"provider": "stripe"}
    answer = await post(api, staff, "/reconciliations", body)
    assert answer.status_code == 202, answer.text
    started = ReconcileStarted.model_validate_json(answer.content)
    assert started.workflow_id == "reconciliation/stripe"

    async def newest() -> ReconciliationDetail | None:
        page = ReconciliationPage.model_validate_json(
            await get(api, staff, "/reconciliations", provider="stripe", limit=1)
        )
        if not page.data or page.data[0].ended_at is None:
            return None
        return ReconciliationDetail.model_validate_json(
            await get(api, staff, f"/reconciliations/{page.data[0].id}")
        )

    run = await eventually(newest)
    assert run is not None
    assert (run.status, run.error) == ("done", None)
    assert run.found == sum(one.found_in == run.id for one in run.differences)
    assert "new movement" in run.overview


async def test_unknown_provider_and_run_are_refused(api: Api, staff: Person) -> None:
    answer = await post(api, staff, "/reconciliations", {"provider": "nobody"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/provider"
    missing = await api.client.get(
        f"/v1/admin/reconciliations/{new_id(Prefix.RECONCILIATION)}", headers=staff.headers
    )
    assert missing.status_code == 404
    assert (await resolve(api, staff, new_id(Prefix.DIFFERENCE), "accept")).status_code == 404


@pytest.mark.parametrize("role", ["customer", "vendor"])
async def test_only_staff_sees_and_decides(world: World, api: Api, role: str) -> None:
    person = await api.person(role)
    difference_id = await noted(world)
    for path in ("/differences", "/reconciliations"):
        listed = await api.client.get(f"/v1/admin{path}", headers=person.headers)
        assert listed.status_code == 403
    assert (await resolve(api, person, difference_id, "accept")).status_code == 403
    body = {"provider": "stripe"}
    assert (await post(api, person, "/reconciliations", body)).status_code == 403
    (row,) = await world.sql("SELECT status FROM differences WHERE id = :id", id=difference_id)
    assert row["status"] == "open"


async def test_adjustment_is_booked_once_and_the_difference_is_told_no_more(
    world: World, api: Api, staff: Person
) -> None:
    subject = new_id(Prefix.PAYMENT)
    difference_id = await noted(world, subject=subject)
    page = DifferencePage.model_validate_json(
        await get(api, staff, "/differences", provider=BOOKS, status="open", limit=1)
    )
    (shown,) = page.data
    assert (shown.id, shown.actions) == (difference_id, ["book_adjustment", "accept"])
    assert shown.overview == (
        f"{subject}: the provider holds or took money for no order of ours, by 5.00 USD"
    )
    key = new_id(Prefix.EVENT)
    answer = await resolve(api, staff, difference_id, "book_adjustment", key)
    assert answer.status_code == 200, answer.text
    decided = Difference.model_validate_json(answer.content)
    assert (decided.status, decided.resolution, decided.reason) == (
        "resolved",
        "book_adjustment",
        "looked at",
    )
    assert decided.actor == f"staff:{staff.user_id}"
    again = await resolve(api, staff, difference_id, "book_adjustment", key)
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")
    assert await adjustment(world, difference_id) == [
        ("provider_balance", BOOKS, 500),
        ("suspense", BOOKS, -500),
    ]
    log = await world.sql(
        "SELECT action, reason FROM audit_log WHERE target = :id", id=difference_id
    )
    assert log == [{"action": "difference.book_adjustment", "reason": "looked at"}]

    assert await noted(world, subject=subject) == difference_id
    assert await noted(world, subject=subject, amount=501) != difference_id


async def test_of_two_decisions_at_once_the_first_counts(
    world: World, api: Api, staff: Person
) -> None:
    difference_id = await noted(world)
    answers = await asyncio.gather(
        resolve(api, staff, difference_id, "accept"),
        resolve(api, staff, difference_id, "book_adjustment"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (refused,) = (answer for answer in answers if answer.status_code == 409)
    assert (refused.json()["state"], refused.json()["allowed"]) == ("resolved", [])
    (row,) = await world.sql("SELECT resolution FROM differences WHERE id = :id", id=difference_id)
    booked = await adjustment(world, difference_id)
    assert bool(booked) is (row["resolution"] == "book_adjustment")


async def test_repair_that_is_not_safe_is_refused(world: World, api: Api, staff: Person) -> None:
    difference_id = await noted(world)
    refused = await resolve(api, staff, difference_id, "repair")
    assert refused.status_code == 409
    assert refused.json()["allowed"] == ["book_adjustment", "accept"]


async def test_repair_is_tried_again_when_staff_asks(world: World, api: Api, staff: Person) -> None:
    order_id = new_id(Prefix.ORDER)
    difference_id = await noted(
        world,
        kind=DifferenceKind.LOST_WORKFLOW,
        subject=order_id,
        repair=RepairKind.RESTART_WORKFLOW,
        currency=None,
        amount=0,
        on_balance=0,
    )
    await world.sql(
        "UPDATE differences SET status = 'open', attempts = 3 WHERE id = :id", id=difference_id
    )
    answer = await resolve(api, staff, difference_id, "repair")
    assert answer.status_code == 200, answer.text
    assert Difference.model_validate_json(answer.content).status == "repairing"

    async def status() -> str:
        (row,) = await world.sql("SELECT status FROM differences WHERE id = :id", id=difference_id)
        return str(row["status"])

    assert await eventually(status, lambda one: one != "repairing") == "repaired"
