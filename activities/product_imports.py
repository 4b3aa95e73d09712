"""Products from a list: each part is compared with what there is, and written if nobody only asks.

A part is one transaction of a dozen statements, however many rows it has. A dry run plans like a
real one and writes nothing but what it found wrong.
"""

from __future__ import annotations

import asyncio

from activities.catalogue_files import FilePart, count_rows, parts_of
from activities.csv_files import downloaded, refused
from activities.job_parts import Part, Stretch
from core.domain.catalogue_import import plan_import
from core.domain.catalogue_plan import Importer, Plan
from models.repositories import jobs, product_imports


async def import_products(stretch: Stretch) -> bool:
    """Import the rest of a list, as far as a stretch goes."""
    job, settings = stretch.job, stretch.settings
    if job.input_key is None:
        raise refused("", "no list was uploaded")
    async with downloaded(
        stretch.objects, job.input_key, max_bytes=settings.max_upload_bytes
    ) as path:
        if job.total_rows is None:
            total = await asyncio.to_thread(count_rows, path, max_rows=settings.max_rows)
            async with stretch.database.transaction() as session:
                await jobs.count_rows(session, job.id, total)
        parts = parts_of(path, after=stretch.position, rows=settings.part_rows)
        while (found := await asyncio.to_thread(next, parts, None)) is not None:
            async with stretch.part(found.position) as part:
                await _import_part(stretch, found, part)
            if stretch.is_over():
                return False
    return True


async def _import_part(stretch: Stretch, found: FilePart, part: Part) -> None:
    plan = await _plan(stretch, found, part)
    part.faults = [*found.faults, *plan.faults]
    part.done_rows = plan.done_rows
    part.failed_rows = found.failed_rows + plan.failed_rows
    if not stretch.job.dry_run:
        await product_imports.write(
            part.session,
            plan.products,
            by_vendor=stretch.job.vendor_id is not None,
            actor=stretch.job.actor,
            job_id=stretch.job.id,
        )


async def _plan(stretch: Stretch, found: FilePart, part: Part) -> Plan:
    vendor_id = stretch.job.vendor_id
    vendor = await product_imports.vendor_of(part.session, vendor_id) if vendor_id else None
    rows = [row for group in found.groups for row in group]
    known = await product_imports.known_of(part.session, rows)
    return plan_import(found.groups, known, Importer(vendor=vendor))
