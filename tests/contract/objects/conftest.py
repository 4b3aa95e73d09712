from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import boto3
import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from core.gateways.object_stores import open_object_store
from core.gateways.objects_cloudinary import CloudinaryObjectStore
from core.resources import open_resources
from core.settings import Settings
from core.settings_objects import CloudinarySettings, ObjectSettings, ObjectStoreKind, S3Settings
from tests.contract.objects import cloudinary_stub, s3_server
from tests.contract.objects.stores import StoreUnderTest

STORES = ("local", "s3", "cloudinary")


@pytest.fixture(scope="session")
async def local(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StoreUnderTest]:
    folder = tmp_path_factory.mktemp("objects")
    settings = Settings(_env_file=None, objects=ObjectSettings(directory=folder))
    async with open_resources(settings) as resources:
        app = create_app(settings, resources)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
            yield StoreUnderTest(store=resources.objects, http=http)


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    with s3_server.running_s3() as address:
        client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name=s3_server.REGION,
            aws_access_key_id=s3_server.KEY_ID,
            aws_secret_access_key=s3_server.SECRET,
        )
        place = {"LocationConstraint": s3_server.REGION}
        client.create_bucket(Bucket=s3_server.BUCKET, CreateBucketConfiguration=place)
        policy = json.dumps(s3_server.PUBLIC_POLICY)
        client.put_bucket_policy(Bucket=s3_server.BUCKET, Policy=policy)
        client.close()
        yield address


@pytest.fixture(scope="session")
async def s3(s3_address: str) -> AsyncIterator[StoreUnderTest]:
    settings = Settings(
        _env_file=None,
        objects=ObjectSettings(store=ObjectStoreKind.S3),
        s3=S3Settings(
            bucket=s3_server.BUCKET,
            region=s3_server.REGION,
            endpoint_url=s3_address,
            path_style=True,
            access_key_id=s3_server.KEY_ID,
            secret_access_key=SecretStr(s3_server.SECRET),
        ),
    )
    store = open_object_store(settings)
    async with httpx.AsyncClient() as http:
        yield StoreUnderTest(store=store, http=http)
    await store.close()


@pytest.fixture(scope="session")
async def cloudinary() -> AsyncIterator[StoreUnderTest]:
    settings = CloudinarySettings(
        cloud_name=cloudinary_stub.CLOUD,
        api_key=cloudinary_stub.API_KEY,
        api_secret=SecretStr(cloudinary_stub.API_SECRET),
        api_base=cloudinary_stub.API_HOST,
        delivery_base=cloudinary_stub.DELIVERY_HOST,
    )
    transport = httpx.ASGITransport(app=cloudinary_stub.CloudinaryStub().app())
    store = CloudinaryObjectStore(settings, httpx.AsyncClient(transport=transport), public_url=None)
    async with httpx.AsyncClient(transport=transport) as http:
        yield StoreUnderTest(store=store, http=http)
    await store.close()


@pytest.fixture(params=STORES)
def tested(request: pytest.FixtureRequest) -> StoreUnderTest:
    opened: StoreUnderTest = request.getfixturevalue(request.param)
    return opened


@pytest.fixture(params=("local", "s3"))
def binding(request: pytest.FixtureRequest) -> StoreUnderTest:
    """Stores whose upload links bind the type and the size; Cloudinary's cannot."""
    opened: StoreUnderTest = request.getfixturevalue(request.param)
    return opened
