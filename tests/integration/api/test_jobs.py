"""Imports over HTTP: with the request, or uploaded; each once for its key, and only to its own."""

from __future__ import annotations

from typing import Any

import pytest

from core.domain.ids import Prefix, new_id
from tests.eventually import eventually
from tests.imports import Seller, catalogue_of, list_of, open_vendor
from tests.integration.api.conftest import Person, World

pytestmark = pytest.mark.usefixtures("workers")


@pytest.fixture(scope="module")
async def staff(world: World) -> Person:
    return await world.person("staff")


@pytest.fixture
async def seller(world: World) -> Seller:
    return await open_vendor(world.database)


async def send(
    world: World, person: Person, path: str, body: dict[str, Any], *, key: str | None = None
) -> Any:
    headers = person.headers | {"Idempotency-Key": key or new_id(Prefix.EVENT)}
    return await world.client.post(f"/v1{path}", json=body, headers=headers)


async def ended(world: World, person: Person, job_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        answer = await world.client.get(f"/v1/jobs/{job_id}", headers=person.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return await eventually(look, lambda job: job["ended_at"] is not None, within_seconds=30)


async def test_list_in_the_request_is_imported_once_for_its_key(
    world: World, staff: Person, seller: Seller
) -> None:
    body = {"csv": list_of(seller, 3) + "x,,,,,,,,,\n"}
    key = new_id(Prefix.EVENT)

    first = await send(world, staff, "/imports/products", body, key=key)
    again = await send(world, staff, "/imports/products", body, key=key)

    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["upload"] is None
    job = await ended(world, staff, first.json()["job"]["id"])
    assert first.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["status"], job["progress"]) == ("done", 1.0)
    assert (job["total_rows"], job["done_rows"], job["failed_rows"]) == (7, 6, 1)
    assert len(await catalogue_of(world.database, seller)) == 6
    faults = await world.client.get(job["errors"]["url"])
    assert faults.text.splitlines() == ["line,field,detail,value", "8,sku,required,"]
    assert faults.headers["content-disposition"] == 'attachment; filename="errors.csv"'
    log = await world.client.get(
        "/v1/admin/audit-log", params={"target": job["id"]}, headers=staff.headers
    )
    assert [entry["action"] for entry in log.json()["data"]] == ["job.done", "job.added"]


async def test_uploaded_list_begins_when_it_is_there(
    world: World, staff: Person, seller: Seller
) -> None:
    answer = await send(world, staff, "/imports/products", {"dry_run": True})
    job, upload = answer.json()["job"], answer.json()["upload"]
    start = f"/v1/jobs/{job['id']}/start"

    early = await world.client.post(start, headers=staff.headers)
    sent = await world.client.request(
        upload["method"], upload["url"], content=list_of(seller, 2), headers=upload["headers"]
    )
    started = await world.client.post(start, headers=staff.headers)

    assert (early.status_code, early.json()["state"]) == (409, "nothing is uploaded")
    assert sent.is_success, sent.text
    assert started.status_code == 200
    job = await ended(world, staff, job["id"])
    assert (job["status"], job["done_rows"], job["dry_run"]) == ("done", 4, True)
    assert await catalogue_of(world.database, seller) == []


async def test_list_that_is_none_fails_its_job_in_words(world: World, staff: Person) -> None:
    answer = await send(world, staff, "/imports/products", {"csv": "name;price\nTee;5\n"})

    job = await ended(world, staff, answer.json()["job"]["id"])
    assert (job["status"], job["progress"]) == ("failed", 0.0)
    assert "/header/name;price: not a column of this list" in job["error"]


async def test_job_that_waits_for_its_list_can_be_canceled(world: World, staff: Person) -> None:
    answer = await send(world, staff, "/imports/products", {})
    job_id = answer.json()["job"]["id"]

    canceled = await world.client.post(f"/v1/jobs/{job_id}/cancel", headers=staff.headers)

    assert canceled.json()["cancel_requested_at"] is not None
    assert (await ended(world, staff, job_id))["status"] == "canceled"
    again = await world.client.post(f"/v1/jobs/{job_id}/cancel", headers=staff.headers)
    assert again.status_code == 200


async def test_vendor_sees_and_imports_only_what_is_theirs(
    world: World, staff: Person, seller: Seller
) -> None:
    vendor = await world.person("vendor", vendor_id=seller.id)
    other = await open_vendor(world.database)
    stranger = await world.person("vendor", vendor_id=other.id)
    body = {"csv": list_of(seller, 1) + list_of(other, 1).partition("\n")[2]}

    job_id = (await send(world, vendor, "/imports/products", body)).json()["job"]["id"]
    job = await ended(world, vendor, job_id)

    assert (job["vendor_id"], job["done_rows"], job["failed_rows"]) == (seller.id, 2, 2)
    assert await catalogue_of(world.database, other) == []
    for method, path in (("GET", ""), ("POST", "/start"), ("POST", "/cancel")):
        refused = await world.client.request(
            method, f"/v1/jobs/{job_id}{path}", headers=stranger.headers
        )
        assert refused.status_code == 404
    mine = await world.client.get("/v1/jobs", headers=vendor.headers)
    assert [one["id"] for one in mine.json()["data"]] == [job_id]
    assert (await world.client.get("/v1/jobs", headers=stranger.headers)).json()["data"] == []
    seen = await world.client.get(f"/v1/jobs/{job_id}", headers=staff.headers)
    assert seen.json()["actor"] == f"vendor:{vendor.user_id}"


async def test_vendor_with_too_many_unfinished_jobs_waits_for_one_to_end(
    world: World, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = await world.person("vendor", vendor_id=seller.id)
    settings = world.resources.settings.jobs.model_copy(update={"max_unfinished": 2})
    monkeypatch.setitem(world.resources.settings.__dict__, "jobs", settings)

    first, second, third = [await send(world, vendor, "/imports/products", {}) for _ in range(3)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert (third.status_code, third.json()["state"]) == (409, "2 jobs have not ended")
    job_id = first.json()["job"]["id"]
    await world.client.post(f"/v1/jobs/{job_id}/cancel", headers=vendor.headers)
    await ended(world, vendor, job_id)
    assert (await send(world, vendor, "/imports/products", {})).status_code == 201


async def test_customer_has_no_jobs(world: World, customer: Person) -> None:
    answer = await send(world, customer, "/imports/products", {})

    assert answer.status_code == 403
    assert (await world.client.get("/v1/jobs", headers=customer.headers)).status_code == 403
