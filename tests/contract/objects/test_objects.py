"""What every store of files keeps to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.errors import NotFoundError, PayloadTooLargeError
from core.domain.ids import Prefix, new_id
from core.gateways.objects import read_whole
from tests.contract.objects.stores import StoreUnderTest, read
from tests.hostile_files import picture

HOUR = timedelta(hours=1)


def a_key(ending: str = "csv") -> str:
    return f"tests/{new_id(Prefix.EXPORT)}/file.{ending}"


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_file_that_was_put_is_read_back(tested: StoreUnderTest) -> None:
    key = a_key()

    put = await tested.store.put(key, b"sku,price\n", content_type="text/csv")

    found = await tested.store.head(key)
    assert found is not None
    assert (put.key, put.size_bytes, put.content_type) == (key, 10, "text/csv")
    assert (found.key, found.size_bytes, found.content_type) == (key, 10, "text/csv")
    assert abs(datetime.now(UTC) - found.modified_at) < HOUR
    assert await read(tested.store, key) == b"sku,price\n"
    assert await read(tested.store, key, offset=4) == b"price\n"


async def test_file_that_comes_in_pieces_is_put_whole(tested: StoreUnderTest) -> None:
    key = a_key()

    put = await tested.store.put(key, pieces(b"a" * 70_000, b"", b"b"), content_type="text/csv")

    assert put.size_bytes == 70_001
    assert await read(tested.store, key) == b"a" * 70_000 + b"b"


async def test_second_put_takes_the_place_of_the_first(tested: StoreUnderTest) -> None:
    key = a_key()
    await tested.store.put(key, b"long and old", content_type="text/csv")

    await tested.store.put(key, b"new", content_type="application/zip")

    found = await tested.store.head(key)
    assert found is not None
    assert (found.size_bytes, found.content_type) == (3, "application/zip")
    assert await read(tested.store, key) == b"new"


async def test_file_whose_maker_fails_is_not_there(tested: StoreUnderTest) -> None:
    key = a_key()

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError

    with pytest.raises(LookupError):
        await tested.store.put(key, broken(), content_type="text/csv")

    assert await tested.store.head(key) is None


async def test_missing_file_is_not_found(tested: StoreUnderTest) -> None:
    key = a_key()

    assert await tested.store.head(key) is None
    with pytest.raises(NotFoundError):
        await read(tested.store, key)
    with pytest.raises(NotFoundError):
        await tested.store.copy(key, a_key())


async def test_deleted_file_is_gone_and_may_be_deleted_again(tested: StoreUnderTest) -> None:
    key = a_key()
    await tested.store.put(key, b"x", content_type="text/csv")

    await tested.store.delete(key)
    await tested.store.delete(key)

    assert await tested.store.head(key) is None


async def test_copy_has_the_bytes_and_the_type(tested: StoreUnderTest) -> None:
    source, target = a_key(), a_key()
    await tested.store.put(source, b"x,y\n", content_type="text/csv")

    copied = await tested.store.copy(source, target)

    assert (copied.key, copied.size_bytes, copied.content_type) == (target, 4, "text/csv")
    assert await read(tested.store, target) == b"x,y\n"
    assert await read(tested.store, source) == b"x,y\n"


async def test_list_has_the_files_of_a_folder_only(tested: StoreUnderTest) -> None:
    folder = f"tests/{new_id(Prefix.EXPORT)}/"
    keys = [f"{folder}a.csv", f"{folder}b/c.csv", f"{folder}d.csv", f"{folder}e.csv"]
    for key in (*keys, f"{folder[:-1]}x/d.csv"):
        await tested.store.put(key, b"x", content_type="text/csv")

    assert sorted([key async for key in tested.store.list(folder)]) == keys


async def test_file_over_the_readers_limit_is_not_read_whole(tested: StoreUnderTest) -> None:
    key = a_key()
    await tested.store.put(key, b"12345", content_type="text/csv")

    assert await read_whole(tested.store, key, max_bytes=5) == b"12345"
    with pytest.raises(PayloadTooLargeError):
        await read_whole(tested.store, key, max_bytes=4)


async def test_upload_link_writes_the_file_once(tested: StoreUnderTest) -> None:
    key = a_key()
    link = await tested.store.sign_upload(
        key, content_type="text/csv", max_bytes=100, size_bytes=5, expires_in=HOUR
    )

    first = await tested.upload(link, b"first")
    await tested.upload(link, b"other")

    assert first.is_success, first.text
    assert await read(tested.store, key) == b"first"
    assert timedelta(minutes=59) < link.expires_at - datetime.now(UTC) <= HOUR


async def test_download_link_gives_the_file_under_its_name(tested: StoreUnderTest) -> None:
    key = a_key()
    await tested.store.put(key, b"x,y\n", content_type="text/csv")
    link = await tested.store.sign_download(key, expires_in=HOUR, file_name="Products 1.csv")

    response = await tested.http.get(link.url)

    assert response.content == b"x,y\n"
    disposition = response.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert "Products 1.csv" in disposition.replace("%20", " ")


async def test_public_file_is_read_by_everybody(tested: StoreUnderTest) -> None:
    key = f"public/{a_key('jpg')}"
    await tested.store.put(key, picture(), content_type="image/jpeg")

    response = await tested.http.get(tested.store.public_url(key))

    assert response.content == picture()
    assert response.headers["content-type"] == "image/jpeg"
    assert [one async for one in tested.store.list(f"{key.rpartition('/')[0]}/")] == [key]


async def test_private_file_has_no_public_address(tested: StoreUnderTest) -> None:
    with pytest.raises(ValueError, match="not a public key"):
        tested.store.public_url(a_key())


@pytest.mark.parametrize(
    "key",
    [
        "alone", "/etc/file", "a//b", "a/../b", "a/.hidden", "../etc/passwd", "a/b/", "a/b\n",
        "a/b?c", "a/b#c", "a/%2e%2e/b", "a\\b/c", "a/é", f"a/{'b' * 250}", "a/b\x00c",
    ],
)  # fmt: skip
async def test_key_that_climbs_hides_or_breaks_a_header_is_refused(
    tested: StoreUnderTest, key: str
) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await tested.store.put(key, b"x", content_type="text/csv")
    with pytest.raises(ValueError, match="not a key"):
        await read(tested.store, key)
    with pytest.raises(ValueError, match="not a key"):
        await tested.store.sign_download(key, expires_in=HOUR)


async def test_names_that_break_a_header_are_refused(tested: StoreUnderTest) -> None:
    with pytest.raises(ValueError, match="not a file name"):
        await tested.store.sign_download(a_key(), expires_in=HOUR, file_name='a"\r\nX: y')
    with pytest.raises(ValueError, match="not a content type"):
        await tested.store.put(a_key(), b"x", content_type="text/html\r\nX: y")
