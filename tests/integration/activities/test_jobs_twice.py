"""The steps of a job run twice, and go on after a crash: one effect, one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.jobs import PostgresJobActivities
from core.database import Database
from core.domain.errors import InvalidRequestError, UnavailableError
from core.domain.jobs import JobKind
from core.gateways.objects_local import LocalObjectStore
from core.settings import PostgresSettings
from core.settings_jobs import JobSettings
from models.jobs import JobStatus
from models.repositories import jobs
from tests.imports import (
    HEADER,
    Seller,
    catalogue_of,
    faults_of,
    job_of,
    list_of,
    open_vendor,
    text_of,
    write_job,
)
from tests.integration.activities.unchanged import RunTwice
from workflows.ports.jobs import FailJob, JobOutcome, JobProgress, JobRef


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield database
    await database.close()


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path, key="k" * 32, base_url="http://api.test", public_url=None)


@pytest.fixture
async def steps(
    database: Database, objects: LocalObjectStore, temporal_address: str
) -> PostgresJobActivities:
    temporal = await Client.connect(temporal_address)
    settings = JobSettings(part_rows=10, max_rows=1000)
    return PostgresJobActivities(database, objects, temporal, settings)


@pytest.fixture
async def seller(database: Database) -> Seller:
    return await open_vendor(database)


async def test_steps_of_an_import_twice(
    database: Database, objects: LocalObjectStore, steps: PostgresJobActivities, seller: Seller
) -> None:
    twice = RunTwice(database)
    body = list_of(seller, 30) + f"{seller.slug}-x,,,,,X-1,,,,\n"
    ref = JobRef(job_id=await write_job(database, objects, body))

    progress = await twice(steps.work_on_job, ref)
    outcome = await twice(steps.finish_job, ref)

    assert progress == JobProgress(position=61, ended=True)
    assert outcome == JobOutcome(status="done")
    job = await job_of(database, ref.job_id)
    assert (job.total_rows, job.done_rows, job.failed_rows) == (61, 60, 1)
    rows = await catalogue_of(database, seller)
    assert len(rows) == 60
    assert rows[1] == {
        "slug": f"{seller.slug}-00000",
        "name": "Thing 0",
        "status": "published",
        "version": 1,
        "options": '[{"name": "Size", "values": ["S", "M"]}]',
        "sku": f"{seller.slug}-00000-M".upper(),
        "title": "M",
        "attributes": '{"Size": "M"}',
        "position": 1,
        "prices": "EUR 0, USD 199",
        "categories": seller.slug,
    }
    assert job.errors_key is not None
    assert await text_of(objects.get(job.errors_key)) == (
        "line,field,detail,value\r\n"
        "62,vendor,required for a new product,\r\n"
        "62,name,required for a new product,\r\n"
    )

    other = JobRef(job_id=await write_job(database, objects, body))
    failed = await twice(steps.fail_job, FailJob(job_id=other.job_id, reason="no store"))
    assert failed == JobOutcome(status="failed")
    assert (await job_of(database, other.job_id)).error == "no store"


async def test_import_that_dies_in_a_part_goes_on_with_it_and_makes_nothing_twice(
    database: Database,
    objects: LocalObjectStore,
    steps: PostgresJobActivities,
    seller: Seller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ref = JobRef(job_id=await write_job(database, objects, list_of(seller, 30)))
    keep = jobs.keep_part
    kept = 0

    async def dies_in_the_third(*arguments: object, **named: object) -> None:
        nonlocal kept
        kept += 1
        if kept == 3:
            raise UnavailableError("killed")
        await keep(*arguments, **named)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(jobs, "keep_part", dies_in_the_third)
    with pytest.raises(UnavailableError):
        await ActivityEnvironment().run(steps.work_on_job, ref)
    between = await job_of(database, ref.job_id)
    assert (between.position, len(await catalogue_of(database, seller))) == (20, 20)

    progress = await ActivityEnvironment().run(steps.work_on_job, ref)

    assert progress == JobProgress(position=60, ended=True)
    rows = await catalogue_of(database, seller)
    assert len({row["sku"] for row in rows}) == len(rows) == 60
    assert {row["version"] for row in rows} == {1}


async def test_second_import_of_a_list_changes_nothing_and_tells_nobody(
    database: Database, objects: LocalObjectStore, steps: PostgresJobActivities, seller: Seller
) -> None:
    body = list_of(seller, 12)
    for _ in range(2):
        ref = JobRef(job_id=await write_job(database, objects, body))
        await ActivityEnvironment().run(steps.work_on_job, ref)

    events = await database.statement(
        text("SELECT count(*) AS number FROM outbox WHERE type = 'product.changed'"), {}
    )
    assert events[0]["number"] == 12
    changed = body.replace("Thing 3,", "Thing three,").replace(",5.99,4", ",7.50,4")
    ref = JobRef(job_id=await write_job(database, objects, changed))
    await ActivityEnvironment().run(steps.work_on_job, ref)

    rows = {row["sku"]: row for row in await catalogue_of(database, seller)}
    versions = {row["slug"][-5:]: row["version"] for row in rows.values()}
    assert {slug for slug, version in versions.items() if version == 2} == {"00003", "00004"}
    assert rows[f"{seller.slug}-00004-S".upper()]["prices"] == "EUR 400, USD 750"


async def test_dry_run_finds_the_same_faults_and_writes_nothing(
    database: Database, objects: LocalObjectStore, steps: PostgresJobActivities, seller: Seller
) -> None:
    body = list_of(seller, 3, sizes=("S", "S", "M"))
    found = {}
    for dry_run in (True, False):
        job_id = await write_job(database, objects, body, dry_run=dry_run)
        await ActivityEnvironment().run(steps.work_on_job, JobRef(job_id=job_id))
        found[dry_run] = await faults_of(database, job_id)
        assert len(await catalogue_of(database, seller)) == (0 if dry_run else 6)

    assert found[True] == found[False]
    assert found[True] == [
        (line, "sku", f"this SKU is on line {line - 1} already") for line in (3, 6, 9)
    ]


async def test_canceled_job_stops_and_keeps_what_it_has_done(
    database: Database, objects: LocalObjectStore, steps: PostgresJobActivities, seller: Seller
) -> None:
    ref = JobRef(job_id=await write_job(database, objects, list_of(seller, 30)))
    async with database.transaction() as session:
        await jobs.request_cancel(
            session, await jobs.find(session, ref.job_id, lock=True), actor="staff:usr_1"
        )
    progress = await ActivityEnvironment().run(steps.work_on_job, ref)
    outcome = await ActivityEnvironment().run(steps.finish_job, ref)

    assert progress == JobProgress(position=0, ended=True)
    assert outcome == JobOutcome(status=JobStatus.CANCELED)
    assert await catalogue_of(database, seller) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"product,sku\na,\xff\n", "/lines/1: not UTF-8"),
        (HEADER.encode() + b"\n" + b"a" * 10 + b",,,,,S,,,,\n" * 1001, "more than 1000 rows"),
    ],
)
async def test_list_that_cannot_be_read_is_refused_before_anything_is_written(
    database: Database,
    objects: LocalObjectStore,
    steps: PostgresJobActivities,
    body: bytes,
    message: str,
) -> None:
    ref = JobRef(job_id=await write_job(database, objects, body))

    with pytest.raises(InvalidRequestError, match=message):
        await ActivityEnvironment().run(steps.work_on_job, ref)

    job = await job_of(database, ref.job_id)
    assert (job.position, job.total_rows) == (0, None)


async def test_two_attempts_at_once_do_each_part_once(
    database: Database, objects: LocalObjectStore, steps: PostgresJobActivities, seller: Seller
) -> None:
    ref = JobRef(job_id=await write_job(database, objects, list_of(seller, 30)))

    ended = await asyncio.gather(
        *(ActivityEnvironment().run(steps.work_on_job, ref) for _ in range(2)),
        return_exceptions=True,
    )

    refusals = [one for one in ended if isinstance(one, BaseException)]
    assert [str(one) for one in refusals] == ["another attempt is at work on this job"]
    assert {row["version"] for row in await catalogue_of(database, seller)} == {1}
    assert (await job_of(database, ref.job_id)).done_rows == 60


async def test_exported_list_changes_nothing_when_it_is_imported(
    database: Database, objects: LocalObjectStore, steps: PostgresJobActivities, seller: Seller
) -> None:
    twice = RunTwice(database)
    first = list_of(seller, 3).replace("Thing 1,", '"=1+1, ""or"" +2",')
    imported = JobRef(job_id=await write_job(database, objects, first))
    await ActivityEnvironment().run(steps.work_on_job, imported)
    before = await catalogue_of(database, seller)
    export = JobRef(
        job_id=await write_job(
            database,
            objects,
            "",
            kind=JobKind.EXPORT_PRODUCTS,
            parameters={"filter": {"status": "published"}},
            vendor_id=seller.id,
        )
    )

    await twice(steps.work_on_job, export)
    assert await twice(steps.finish_job, export) == JobOutcome(status="done")

    job = await job_of(database, export.job_id)
    assert (job.total_rows, job.done_rows, job.position) == (6, 6, 6)
    assert job.output_key is not None
    exported = await text_of(objects.get(job.output_key))
    slug = f"{seller.slug}-00001"
    line = (
        f'{slug},{seller.slug},"\'=1+1, ""or"" +2",,{seller.slug},published,{slug.upper()}-S,S,'
        "active,0,deny,S,1.00,2.99"
    )
    assert line in exported.splitlines()
    again = JobRef(job_id=await write_job(database, objects, exported))
    await ActivityEnvironment().run(steps.work_on_job, again)
    assert (await job_of(database, again.job_id)).failed_rows == 0
    assert await catalogue_of(database, seller) == before


async def test_prices_are_changed_once_however_often_the_step_runs(
    database: Database, objects: LocalObjectStore, steps: PostgresJobActivities, seller: Seller
) -> None:
    twice = RunTwice(database)
    imported = JobRef(job_id=await write_job(database, objects, list_of(seller, 3)))
    await ActivityEnvironment().run(steps.work_on_job, imported)
    rows = await database.statement(text("SELECT id FROM products ORDER BY id"), {})
    change = {"action": "change_prices", "price": {"currency": "USD", "basis_points": 5_000}}
    job = JobRef(
        job_id=await write_job(
            database,
            objects,
            "",
            kind=JobKind.CHANGE_PRODUCTS,
            parameters={**change, "ids": [row["id"] for row in rows], "reason": "dearer"},
        )
    )

    assert await twice(steps.work_on_job, job) == JobProgress(position=3, ended=True)

    prices = [row["prices"] for row in (await catalogue_of(database, seller))[::2]]
    assert prices == ["EUR 0, USD 299", "EUR 100, USD 449", "EUR 200, USD 599"]
