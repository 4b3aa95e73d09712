"""What every answer has in common."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from api.app import create_app
from core.settings import Settings
from core.tagged_cache import TaggedCache
from tests.integration.api.conftest import Person, World
from tests.shop import Shelf

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def _with_api(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={"api": settings.api.model_copy(update=changes)})


def _client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://api.test")


async def test_sane_request_id_is_kept_and_an_odd_one_replaced(world: World) -> None:
    kept = await world.client.get("/healthz", headers={"X-Request-ID": "req-1.a_B:7"})
    replaced = await world.client.get("/healthz", headers={"X-Request-ID": "a b<script>"})

    assert kept.headers["x-request-id"] == "req-1.a_B:7"
    assert len(replaced.headers["x-request-id"]) == 32


@pytest.mark.parametrize("path", ["/healthz", "/v1/products", "/nowhere", "/v1/me", "/metrics"])
async def test_every_answer_carries_the_security_headers(world: World, path: str) -> None:
    headers = (await world.client.get(path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "cache-control" in headers


async def test_unexpected_error_is_a_problem_without_its_words(world: World) -> None:
    app = create_app(world.resources.settings, world.resources)

    @app.get("/v1/boom")
    async def boom() -> None:
        raise RuntimeError("the secret is 42")

    async with _client(app) as client:
        response = await client.get("/v1/boom", headers={"X-Request-ID": "boom-1"})

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "https://perdure.dev/problems/internal-error",
        "title": "Internal error",
        "status": 500,
        "detail": "an error of ours; it is logged",
        "instance": "/v1/boom",
        "request_id": "boom-1",
    }


async def test_large_body_is_413_by_its_length(world: World) -> None:
    response = await world.client.post("/v1/quotes", content=b"x" * (1024 * 1024 + 1))

    assert response.status_code == 413
    assert response.json()["type"].endswith("/payload-too-large")


@pytest.mark.parametrize("path", ["/v1/quotes", "/v1/webhooks/stripe"])
async def test_large_body_is_413_while_it_arrives_in_chunks(world: World, path: str) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 64 * 1024
            yield b" " * 64 * 1024

    response = await world.client.post(
        path, content=chunks(), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 413
    assert response.json()["type"].endswith("/payload-too-large")


async def test_body_at_the_limit_is_read(world: World) -> None:
    body = b'{"a": "' + b"x" * (1024 * 1024 - 9) + b'"}'
    assert len(body) == 1024 * 1024

    response = await world.client.post(
        "/v1/quotes", content=body, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 422


async def test_request_over_the_limit_is_429_with_the_time_to_wait(world: World) -> None:
    settings = _with_api(world.resources.settings, rate_limit="3/hour")
    person, other = await world.person(), await world.person()
    app = create_app(settings, replace(world.resources, settings=settings))

    async with _client(app) as client:
        answers = [await client.get("/v1/orders", headers=person.headers) for _ in range(4)]
        someone_else = await client.get("/v1/orders", headers=other.headers)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [a.headers["ratelimit"].split(";")[1] for a in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=3600'
    assert 1 <= int(answers[3].headers["retry-after"]) <= 3600
    assert answers[3].json()["type"].endswith("/rate-limited")
    assert someone_else.status_code == 200


async def test_sign_in_has_a_limit_of_its_own(world: World) -> None:
    settings = _with_api(world.resources.settings, login_rate_limit="2/day")
    await world.resources.cache.flushdb()
    app = create_app(settings, replace(world.resources, settings=settings))
    body = {"email": "nobody@shop.perdure.dev", "password": "x"}

    async with _client(app) as client:
        answers = [await client.post("/v1/auth/login", json=body) for _ in range(3)]
        elsewhere = await client.get("/v1/products")

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert elsewhere.status_code == 200


async def test_requests_pass_while_redis_is_down(world: World) -> None:
    settings = world.resources.settings
    nobody = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.2)
    app = create_app(settings, replace(world.resources, cache=nobody, reads=TaggedCache(nobody)))

    async with _client(app) as client:
        answer = await client.get("/v1/products")
        readiness = await client.get("/readyz")
    await nobody.aclose()

    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers
    assert readiness.status_code == 200
    assert readiness.json()["checks"]["redis"]["status"] == "down"


async def test_readiness_tells_each_dependency(world: World) -> None:
    response = await world.client.get("/readyz")

    assert response.status_code == 200
    checks = response.json()["checks"]
    assert {name: (c["status"], c["required"]) for name, c in checks.items()} == {
        "postgresql": ("up", True),
        "redis": ("up", False),
        "temporal": ("up", True),
        "search": ("up", False),
    }


async def test_catalogue_is_cached_by_etag_for_everybody(world: World, shelf: Shelf) -> None:
    first = await world.client.get("/v1/products?limit=1")
    etag = first.headers["etag"]
    again = await world.client.get("/v1/products?limit=1", headers={"If-None-Match": f"W/{etag}"})
    stale = await world.client.get("/v1/products?limit=1", headers={"If-None-Match": '"other"'})

    assert first.headers["cache-control"] == "public, max-age=5"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert stale.status_code == 200


async def walk(world: World, *, limit: int) -> list[str]:
    """The ids of all products, page by page."""
    seen: list[str] = []
    query = f"/v1/products?limit={limit}"
    while True:
        page = (await world.client.get(query)).json()
        seen += [product["id"] for product in page["data"]]
        if page["next_cursor"] is None:
            return seen
        query = f"/v1/products?limit={limit}&cursor={page['next_cursor']}"


async def test_pages_of_a_list_meet_every_row_once(world: World) -> None:
    for _ in range(3):
        await world.shop.stock_up(1)
    whole = await walk(world, limit=100)
    seen = await walk(world, limit=2)

    assert seen == whole == sorted(whole)
    assert len(seen) >= 3


async def test_cursor_of_another_list_or_filter_is_forged(world: World, customer: Person) -> None:
    for _ in range(2):
        await world.shop.stock_up(1)
    cursor = (await world.client.get("/v1/products?limit=1")).json()["next_cursor"]

    other_list = await world.client.get(f"/v1/orders?cursor={cursor}", headers=customer.headers)
    other_filter = await world.client.get(f"/v1/products?currency=EUR&cursor={cursor}")
    flipped = await world.client.get(f"/v1/products?cursor={cursor[:-2]}zz")

    assert [r.status_code for r in (other_list, other_filter, flipped)] == [400, 400, 400]
