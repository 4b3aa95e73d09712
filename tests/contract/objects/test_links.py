"""What links do not allow."""

from __future__ import annotations

from datetime import timedelta

from tests.contract.objects.stores import StoreUnderTest
from tests.contract.objects.test_objects import HOUR, a_key


async def test_upload_of_another_type_is_refused(binding: StoreUnderTest) -> None:
    tested = binding
    key = a_key()
    link = await tested.store.sign_upload(
        key, content_type="text/csv", max_bytes=100, expires_in=HOUR
    )

    response = await tested.upload(link, b"<html>", content_type="text/html")

    assert response.is_client_error
    assert await tested.store.head(key) is None


async def test_upload_over_the_limit_is_refused(binding: StoreUnderTest) -> None:
    tested, key = binding, a_key()
    link = await tested.store.sign_upload(
        key, content_type="text/csv", max_bytes=5, size_bytes=5, expires_in=HOUR
    )

    response = await tested.upload(link, b"sixsix")

    assert response.is_client_error
    assert await tested.store.head(key) is None


async def test_link_for_another_key_is_refused(tested: StoreUnderTest) -> None:
    key, other = a_key(), a_key()
    await tested.store.put(other, b"secret", content_type="text/csv")
    link = await tested.store.sign_download(key, expires_in=HOUR)

    response = await tested.http.get(link.url.replace(key.split("/")[1], other.split("/")[1]))

    assert response.is_client_error


async def test_link_without_its_signature_is_refused(tested: StoreUnderTest) -> None:
    key = a_key()
    await tested.store.put(key, b"secret", content_type="text/csv")
    link = await tested.store.sign_download(key, expires_in=HOUR)

    response = await tested.http.get(link.url.partition("?")[0])

    assert response.is_client_error


async def test_link_that_has_expired_is_refused(tested: StoreUnderTest) -> None:
    key = a_key()
    await tested.store.put(key, b"secret", content_type="text/csv")
    download = await tested.store.sign_download(key, expires_in=timedelta(seconds=-2))
    upload = await tested.store.sign_upload(
        a_key(), content_type="text/csv", max_bytes=5, expires_in=timedelta(seconds=-2)
    )

    assert (await tested.http.get(download.url)).is_client_error
    assert (await tested.upload(upload, b"x")).is_client_error


async def test_download_link_does_not_upload(tested: StoreUnderTest) -> None:
    key = a_key()
    await tested.store.put(key, b"mine", content_type="text/csv")
    link = await tested.store.sign_download(key, expires_in=HOUR)

    response = await tested.http.put(
        link.url, content=b"theirs", headers={"Content-Type": "text/csv"}
    )

    assert response.is_client_error
    found = await tested.store.head(key)
    assert found is not None
    assert found.size_bytes == 4
