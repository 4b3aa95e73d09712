"""Stores that are away or refuse us: the same call may succeed later."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from core.domain.errors import UnavailableError
from core.gateways.objects import ObjectStore
from core.gateways.objects_cloudinary import CloudinaryObjectStore
from core.gateways.objects_s3 import S3ObjectStore
from core.settings_objects import CloudinarySettings, S3Settings
from tests.contract.objects.s3_server import BUCKET, KEY_ID, REGION
from tests.contract.objects.stores import read
from tests.contract.objects.test_objects import a_key


def cloudinary(answer: Callable[[httpx.Request], httpx.Response]) -> ObjectStore:
    settings = CloudinarySettings(api_key="1", api_secret=SecretStr("a secret"))
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return CloudinaryObjectStore(settings, http, public_url=None)


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    "answer",
    [
        away,
        lambda _: httpx.Response(429, json={"error": {"message": "Rate Limit Exceeded"}}),
        lambda _: httpx.Response(500, text="<html>"),
    ],
    ids=["away", "too many calls", "broken"],
)
async def test_cloudinary_that_does_not_answer_is_unavailable(
    answer: Callable[[httpx.Request], httpx.Response],
) -> None:
    store = cloudinary(answer)

    with pytest.raises(UnavailableError):
        await store.head(a_key())
    with pytest.raises(UnavailableError):
        await store.put(a_key(), b"x", content_type="text/csv")
    with pytest.raises(UnavailableError):
        await read(store, a_key())
    await store.close()


async def test_answer_that_is_no_json_is_unavailable() -> None:
    store = cloudinary(lambda _: httpx.Response(200, text="<html>sign in"))

    with pytest.raises(UnavailableError):
        await store.head(a_key())
    await store.close()


async def test_part_of_a_file_is_skipped_where_ranges_are_not_known() -> None:
    store = cloudinary(lambda _: httpx.Response(200, content=b"0123456789"))

    assert await read(store, a_key(), offset=4) == b"456789"
    await store.close()


@pytest.mark.parametrize("elsewhere", [True, False], ids=["away", "another secret"])
async def test_s3_that_does_not_let_us_in_is_unavailable(
    s3_address: str, *, elsewhere: bool
) -> None:
    store = S3ObjectStore.open(
        S3Settings(
            bucket=BUCKET,
            region=REGION,
            endpoint_url="http://127.0.0.1:1" if elsewhere else s3_address,
            path_style=True,
            access_key_id=KEY_ID,
            secret_access_key=SecretStr("not the secret"),
        ),
        public_url=None,
    )

    with pytest.raises(UnavailableError):
        await store.put(a_key(), b"x", content_type="text/csv")
    with pytest.raises(UnavailableError):
        await read(store, a_key())
    await store.close()
