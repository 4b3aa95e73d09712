"""People are handed their data: all that the map of it names, as JSON in a zip."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterator
from typing import IO

from temporalio import activity

from core.database import Database
from core.gateways.objects import CHUNK_BYTES, ObjectStore
from core.settings_people import PersonalSettings
from models.repositories import personal_data, personal_exports
from workflows.ports.personal_data import ExportActivities, ExportRef, MadeExport

_IN_MEMORY = 8 * 1024 * 1024
"""A larger file is put together on disk."""


class FilePersonalExportActivities(ExportActivities):
    def __init__(
        self, database: Database, objects: ObjectStore, settings: PersonalSettings
    ) -> None:
        self._database = database
        self._objects = objects
        self._settings = settings

    @activity.defn
    async def make_export(self, step: ExportRef) -> MadeExport:
        key = personal_data.file_of(step.user_id, step.export_id)
        if await personal_exports.begin(self._database, step.export_id):
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
                await self._write(file, step.user_id)
                await asyncio.to_thread(file.seek, 0)
                await self._objects.put(key, _pieces(file), content_type="application/zip")
            await personal_exports.end(
                self._database,
                step.export_id,
                object_key=key,
                seconds=self._settings.export_seconds,
            )
        made = await personal_exports.find(self._database, step.export_id, step.user_id)
        return MadeExport(expires_at=made.expires_at if made else None)

    @activity.defn
    async def drop_export(self, step: ExportRef) -> None:
        await self._objects.delete(personal_data.file_of(step.user_id, step.export_id))
        await personal_exports.drop(self._database, step.export_id)

    async def _write(self, file: IO[bytes], user_id: str) -> None:
        """One JSON list for each table, row after row."""
        async with self._database.transaction() as session:
            traces = await personal_data.find_traces(session, user_id)
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                async for name, rows in personal_data.hand_out(session, traces):
                    with archive.open(f"{name}.json", "w") as member:
                        await _write_rows(member, rows)


async def _write_rows(member: IO[bytes], rows: AsyncIterator[str]) -> None:
    before = b"[\n"
    async for row in rows:
        await asyncio.to_thread(member.write, before + row.encode())
        before = b",\n"
    member.write(b"[]\n" if before == b"[\n" else b"\n]\n")


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield piece
