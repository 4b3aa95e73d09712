"""The steps of jobs: a stretch of work by kind, the list of what was wrong, and the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from temporalio import activity
from temporalio.client import Client

from activities.csv_files import CSV, CsvPieces
from activities.job_parts import JobRun, JobStoppedError, Stretch, beating
from activities.order_bulk import OrderChanges
from activities.product_bulk import change_products
from activities.product_exports import export_products
from activities.product_imports import import_products
from core.database import Database
from core.domain.jobs import JobKind
from core.gateways.objects import ObjectStore
from core.settings_jobs import JobSettings
from models.jobs import Job, JobStatus
from models.repositories import jobs
from workflows.ports.jobs import FailJob, JobActivities, JobOutcome, JobProgress, JobRef

_FAULTS = ("line", "field", "detail", "value")


class PostgresJobActivities(JobActivities):
    def __init__(
        self, database: Database, objects: ObjectStore, temporal: Client, settings: JobSettings
    ) -> None:
        self._database = database
        self._objects = objects
        self._settings = settings
        self._runs: Mapping[JobKind, JobRun] = {
            JobKind.IMPORT_PRODUCTS: import_products,
            JobKind.EXPORT_PRODUCTS: export_products,
            JobKind.CHANGE_PRODUCTS: change_products,
            JobKind.CHANGE_ORDERS: OrderChanges(temporal),
        }

    @activity.defn
    async def work_on_job(self, step: JobRef) -> JobProgress:
        async with self._database.transaction() as session:
            job = await jobs.begin(session, step.job_id)
        if job.status != JobStatus.RUNNING or job.cancel_requested_at is not None:
            return JobProgress(position=job.position, ended=True)
        stretch = Stretch(self._database, self._objects, self._settings, job)
        try:
            ended = await beating(self._runs[JobKind(job.kind)](stretch))
        except JobStoppedError:
            ended = True
        return JobProgress(position=stretch.position, ended=ended)

    @activity.defn
    async def finish_job(self, step: JobRef) -> JobOutcome:
        async with self._database.transaction() as session:
            job = await jobs.find(session, step.job_id)
        if job.status in jobs.ENDED:
            return JobOutcome(status=job.status)
        errors_key = await beating(self._write_faults(job)) if job.failed_rows else None
        async with self._database.transaction() as session:
            job = await jobs.find(session, step.job_id, lock=True)
            complete = job.cancel_requested_at is None or job.position == job.total_rows
            status = JobStatus.DONE if complete else JobStatus.CANCELED
            await jobs.end(session, job, status, errors_key=errors_key)
            return JobOutcome(status=job.status)

    @activity.defn
    async def fail_job(self, step: FailJob) -> JobOutcome:
        async with self._database.transaction() as session:
            job = await jobs.find(session, step.job_id, lock=True)
            await jobs.end(session, job, JobStatus.FAILED, error=step.reason)
            return JobOutcome(status=job.status)

    async def _write_faults(self, job: Job) -> str:
        key = f"jobs/{job.id}/faults.csv"
        await self._objects.put(key, self._faults_of(job.id), content_type=CSV)
        return key

    async def _faults_of(self, job_id: str) -> AsyncIterator[bytes]:
        pieces = CsvPieces(_FAULTS)
        number = 0
        while True:
            async with self._database.transaction() as session:
                part = await jobs.faults_after(session, job_id, number)
            if part is None:
                yield pieces.write([])
                return
            number = part.number
            yield pieces.write(
                [
                    (str(fault["row"]), fault["field"], fault["detail"], fault["value"])
                    for fault in part.errors
                ]
            )
