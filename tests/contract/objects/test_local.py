"""What only the local store has: folders that come and go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.domain.errors import ConflictError, PayloadTooLargeError
from core.gateways.objects_local import LocalObjectStore
from tests.contract.objects.stores import read


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path, key="a key", base_url="http://api.test", public_url=None)


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.parent != folder]


async def test_last_file_takes_its_folders_with_it(store: LocalObjectStore, tmp_path: Path) -> None:
    await store.put("exports/one/file.csv", b"x", content_type="text/csv")
    await store.put("exports/two/file.csv", b"x", content_type="text/csv")

    await store.delete("exports/one/file.csv")
    assert [key async for key in store.list("exports/")] == ["exports/two/file.csv"]
    await store.delete("exports/two")
    assert await read(store, "exports/two/file.csv") == b"x"
    await store.delete("exports/two/file.csv")

    assert left_over(tmp_path) == []


async def test_refused_upload_leaves_nothing(store: LocalObjectStore, tmp_path: Path) -> None:
    with pytest.raises(PayloadTooLargeError):
        await store.receive("uploads/a/b", b"xyz", content_type="text/csv", max_bytes=2)

    assert left_over(tmp_path) == []


async def test_of_many_uploads_at_once_one_is_kept(store: LocalObjectStore) -> None:
    async def upload(body: bytes) -> bytes | None:
        try:
            await store.receive("uploads/a/b", body, content_type="text/csv", max_bytes=9)
        except ConflictError:
            return None
        return body

    kept = [body for body in await asyncio.gather(*(upload(b"%d" % n) for n in range(8))) if body]

    assert [await read(store, "uploads/a/b")] == kept


async def test_files_are_written_while_others_of_their_folder_are_removed(
    store: LocalObjectStore,
) -> None:
    async def come_and_go(n: int) -> None:
        for _ in range(20):
            await store.put(f"exports/one/{n}.csv", b"x", content_type="text/csv")
            await store.delete(f"exports/one/{n}.csv")

    await asyncio.gather(*(come_and_go(n) for n in range(6)))

    assert [key async for key in store.list("exports/")] == []
