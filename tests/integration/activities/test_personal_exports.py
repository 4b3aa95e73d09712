"""A person is handed what the map of personal data names; the steps of it, each run twice."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from activities.personal_exports import FilePersonalExportActivities
from core.domain.errors import ConflictError
from core.domain.ids import Prefix, new_id
from core.gateways.objects import read_whole
from core.resources import Resources, open_resources
from core.settings import Settings
from models.personal_map import PERSONAL
from models.repositories import personal_data, personal_exports
from tests.integration.activities.test_twice import twice
from tests.remembered import Remembered, remember
from workflows.ports.personal_data import ExportRef, MadeExport


@pytest.fixture
async def resources(settings: Settings, database_url: str) -> AsyncIterator[Resources]:
    postgres = settings.postgres.model_copy(update={"url": SecretStr(database_url)})
    async with open_resources(settings.model_copy(update={"postgres": postgres})) as opened:
        yield opened


@pytest.fixture
def steps(resources: Resources) -> FilePersonalExportActivities:
    return FilePersonalExportActivities(
        resources.database, resources.objects, resources.settings.personal
    )


async def asked(resources: Resources, person: Remembered) -> ExportRef:
    export_id = new_id(Prefix.EXPORT)
    async with resources.database.transaction() as session:
        await personal_exports.request(
            session, export_id, person.user_id, actor=f"customer:{person.user_id}"
        )
    return ExportRef(export_id=export_id, user_id=person.user_id)


async def test_person_is_handed_all_that_is_known_and_nothing_of_others(
    resources: Resources, steps: FilePersonalExportActivities
) -> None:
    person, other = await remember(resources), await remember(resources)
    ref = await asked(resources, person)

    made = await twice(steps.make_export, ref)
    key = personal_data.file_of(ref.user_id, ref.export_id)
    octets = await read_whole(resources.objects, key, max_bytes=1 << 20)
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}

    handed_out = {f"{table.name}.json": table for table in PERSONAL if table.handed_out}
    assert files.keys() == handed_out.keys()
    for name, words in files.items():
        rows = json.loads(words)
        assert all(list(row) == list(handed_out[name].handed_out) for row in rows)
        assert other.mark not in words
    of_nothing = {name for name, words in files.items() if person.mark not in words}
    assert of_nothing == {"order_items.json", "erasures.json", "personal_exports.json"}
    assert len(json.loads(files["orders.json"])) == 2
    assert abs(made.expires_at - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=5)


async def test_file_that_expired_is_gone(
    resources: Resources, steps: FilePersonalExportActivities
) -> None:
    ref = await asked(resources, await remember(resources))
    await steps.make_export(ref)

    await twice(steps.drop_export, ref)

    export = await personal_exports.find(resources.database, ref.export_id, ref.user_id)
    assert export is not None
    assert (export.status, export.object_key) == ("done", None)
    key = personal_data.file_of(ref.user_id, ref.export_id)
    assert await resources.objects.head(key) is None


async def test_nothing_is_made_for_somebody_who_was_forgotten_meanwhile(
    resources: Resources, steps: FilePersonalExportActivities
) -> None:
    person = await remember(resources)
    ref = await asked(resources, person)
    await resources.database.statement(
        text("DELETE FROM personal_exports WHERE user_id = :id"), {"id": person.user_id}
    )

    assert await twice(steps.make_export, ref) == MadeExport(expires_at=None)
    key = personal_data.file_of(ref.user_id, ref.export_id)
    assert await resources.objects.head(key) is None


async def test_one_export_at_a_time(resources: Resources) -> None:
    person = await remember(resources)
    await asked(resources, person)

    with pytest.raises(ConflictError):
        await asked(resources, person)
