"""What must be true of jobs: their parts are their progress, and nothing is passed over."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

JOBS = (
    Invariant(
        name="job_is_its_parts",
        number=9,
        promise="a job has done what its parts have done, and stands behind the last of them",
        sql="""
            SELECT j.id AS job_id, j.position, j.done_rows, j.failed_rows, p.last, p.done, p.failed
            FROM jobs j JOIN (
                SELECT job_id, max(number) AS last, sum(done_rows) AS done,
                    sum(failed_rows) AS failed
                FROM job_parts GROUP BY job_id) p ON p.job_id = j.id
            WHERE (j.position, j.done_rows, j.failed_rows) <> (p.last, p.done, p.failed)""",
    ),
    Invariant(
        name="done_job_has_done_all_rows",
        number=9,
        promise="a job that is done has dealt with each of its rows",
        sql="""
            SELECT id AS job_id, total_rows, position, done_rows, failed_rows FROM jobs
            WHERE status = 'done'
                AND (total_rows IS DISTINCT FROM position
                    OR done_rows + failed_rows <> position)""",
    ),
)
