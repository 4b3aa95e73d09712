"""Whatever is sent: a 4xx problem that names the field, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.api.conftest import Person, World, checkout_body
from tests.shop import ADDRESS, Shelf

HUGE = 10**30
UNKNOWN_HOLD = "hld_01jd7x9k2me8kv1qzr5t0w3y4b"


def _address(**changes: Any) -> dict[str, Any]:
    return {"shipping_address": {**ADDRESS, **changes}}


def _payment(**changes: Any) -> dict[str, Any]:
    return {"payment": {"provider": "stripe", "payment_method": "pm_card_visa", **changes}}


def _item(**changes: Any) -> dict[str, Any]:
    return {"items": [{"sku": "SKU", "quantity": 1, **changes}]}


CHECKOUTS: list[tuple[dict[str, Any], int, str]] = [
    ({"items": []}, 422, "/items"),
    ({"items": None}, 422, "/items"),
    ({"items": {}}, 422, "/items"),
    ({"items": [None]}, 422, "/items/0"),
    ({"items": [{"sku": f"S{n}", "quantity": 1} for n in range(1000)]}, 422, "/items"),
    ({"items": [{"sku": f"S{n}", "quantity": 1} for n in range(1001)]}, 422, "/items"),
    (_item(quantity=0), 422, "/items/0/quantity"),
    (_item(quantity=-1), 422, "/items/0/quantity"),
    (_item(quantity=10**9), 422, "/items/0/quantity"),
    (_item(quantity=2**53), 422, "/items/0/quantity"),
    (_item(quantity=HUGE), 422, "/items/0/quantity"),
    (_item(quantity=1.5), 422, "/items/0/quantity"),
    (_item(quantity="1"), 422, "/items/0/quantity"),
    (_item(quantity=True), 422, "/items/0/quantity"),
    (_item(quantity=None), 422, "/items/0/quantity"),
    (_item(color="red"), 422, "/items/0/color"),
    (_item(sku="NO-SUCH-SKU"), 422, "/items/0/sku"),
    (_item(sku=""), 422, "/items/0/sku"),
    (_item(sku="A\x00B"), 422, "/items/0/sku"),
    (_item(sku=7), 422, "/items/0/sku"),
    (_item(sku="x" * 100_000), 422, "/items/0/sku"),
    ({"currency": "usd"}, 422, "/currency"),
    ({"currency": "XXX"}, 422, "/currency"),
    ({"currency": "EUR"}, 422, "/currency"),
    ({"currency": ["USD", "EUR"]}, 422, "/currency"),
    ({"shipping_method": "teleport"}, 422, "/shipping_method"),
    ({"shipping_method": "a\x00b"}, 422, "/shipping_method"),
    ({"shipping_address": None}, 422, "/shipping_address"),
    (_address(country="ZZ"), 422, "/shipping_address/country"),
    (_address(country="usa"), 422, "/shipping_address/country"),
    (_address(name=""), 422, "/shipping_address/name"),
    (_address(name="A\x00da"), 422, "/shipping_address/name"),
    (_address(line1="x" * 201), 422, "/shipping_address/line1"),
    (_address(line1="a\nb"), 422, "/shipping_address/line1"),
    (_address(city={"deep": []}), 422, "/shipping_address/city"),
    (_address(planet="Mars"), 422, "/shipping_address/planet"),
    (_payment(provider="barter"), 422, "/payment/provider"),
    (_payment(payment_method="pm card"), 422, "/payment/payment_method"),
    (_payment(payment_method=""), 422, "/payment/payment_method"),
    (_payment(cvc="123"), 422, "/payment/cvc"),
    ({"hold_id": 5}, 422, "/hold_id"),
    ({"promotion_code": "FREE"}, 422, "/promotion_code"),
    ({"total": 1}, 422, "/total"),
    ({"a/b~c": 1}, 422, "/a~1b~0c"),
]


@pytest.fixture
async def nothing_written(world: World, shelf: Shelf, customer: Person) -> AsyncIterator[None]:
    before = await world.count_rows()
    yield
    assert await world.count_rows() == before


def _assert_problem(response: Any, status: int, slug: str, pointer: str | None = None) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"https://perdure.dev/problems/{slug}"
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"]
    assert {"title", "detail", "instance"} <= problem.keys()
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(("changes", "status", "pointer"), CHECKOUTS)
async def test_bad_checkout_is_refused_with_a_pointer(
    *,
    world: World,
    shelf: Shelf,
    customer: Person,
    nothing_written: None,
    changes: dict[str, Any],
    status: int,
    pointer: str,
) -> None:
    response = await world.client.post(
        "/v1/checkouts",
        content=json.dumps({**checkout_body(shelf), **changes}),
        headers={
            **customer.headers,
            "Idempotency-Key": "bad",
            "Content-Type": "application/json",
        },
    )

    _assert_problem(response, status, "validation-error", pointer)


async def test_two_lines_of_one_sku_are_refused(
    world: World, shelf: Shelf, customer: Person, nothing_written: None
) -> None:
    item = {"sku": shelf.sku, "quantity": 1}
    response = await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, items=[item, item]),
        headers={**customer.headers, "Idempotency-Key": "bad"},
    )

    _assert_problem(response, 422, "validation-error", "/items/1/sku")


async def test_unknown_hold_is_not_found(
    world: World, shelf: Shelf, customer: Person, nothing_written: None
) -> None:
    response = await world.client.post(
        "/v1/checkouts",
        json=checkout_body(shelf, hold_id=UNKNOWN_HOLD),
        headers={**customer.headers, "Idempotency-Key": "bad"},
    )

    _assert_problem(response, 404, "not-found")


BODIES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("truncated", b'{"items": ['),
    ("not json", b"<xml/>"),
    ("nan", b'{"items": NaN}'),
    ("infinity", b'{"items": -Infinity}'),
    ("nul byte", b'{"items": "\x00"}'),
    ("invalid utf-8", b'{"items": "\xff\xfe"}'),
    ("lone surrogate", b'{"\\ud800": 1}'),
    ("surrogate value", b'{"currency": "\\udfff"}'),
    ("list", b"[]"),
    ("number", b"7"),
    ("null", b"null"),
    ("string", b'"items"'),
    ("nesting bomb", b"[" * 100_000),
    ("closed nesting bomb", b"[" * 10_000 + b"]" * 10_000),
    ("object bomb", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    ("digits", b'{"items": ' + b"9" * 10_000 + b"}"),
]
POSTS = ("/v1/checkouts", "/v1/holds", "/v1/quotes", "/v1/auth/login", "/v1/auth/register")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", [body for _, body in BODIES], ids=[name for name, _ in BODIES])
async def test_body_that_is_no_request_is_refused(
    world: World, customer: Person, nothing_written: None, path: str, body: bytes
) -> None:
    response = await world.client.post(
        path,
        content=body,
        headers={
            **customer.headers,
            "Idempotency-Key": "bad",
            "Content-Type": "application/json",
        },
    )

    _assert_problem(response, 422, "validation-error")
    assert response.json()["errors"]


async def test_other_media_type_is_refused(
    world: World, customer: Person, nothing_written: None
) -> None:
    response = await world.client.post("/v1/quotes", content=b"{}", headers=customer.headers)

    _assert_problem(response, 422, "validation-error", "")


HOLDS: list[tuple[dict[str, Any], str]] = [
    ({"items": [], "ttl_seconds": 60}, "/items"),
    ({"items": [{"sku": "NO-SUCH-SKU", "quantity": 1}], "ttl_seconds": 60}, "/items/0/sku"),
    ({"items": [{"sku": "A", "quantity": 1}], "ttl_seconds": 0}, "/ttl_seconds"),
    ({"items": [{"sku": "A", "quantity": 1}], "ttl_seconds": 3601}, "/ttl_seconds"),
    ({"items": [{"sku": "A", "quantity": 1}], "ttl_seconds": 1.5}, "/ttl_seconds"),
    ({"items": [{"sku": "A", "quantity": 1}]}, "/ttl_seconds"),
    ({"items": [{"sku": "A", "quantity": 10_001}], "ttl_seconds": 60}, "/items/0/quantity"),
]


@pytest.mark.parametrize(("body", "pointer"), HOLDS)
async def test_bad_hold_is_refused_with_a_pointer(
    world: World,
    customer: Person,
    nothing_written: None,
    body: dict[str, Any],
    pointer: str,
) -> None:
    response = await world.client.post(
        "/v1/holds", json=body, headers={**customer.headers, "Idempotency-Key": "bad"}
    )

    _assert_problem(response, 422, "validation-error", pointer)


REGISTRATIONS: list[tuple[dict[str, Any], str]] = [
    ({"email": "nobody"}, "/email"),
    ({"email": "a@b\x00.dev"}, "/email"),
    ({"email": "x" * 300 + "@shop.dev"}, "/email"),
    ({"email": None}, "/email"),
    ({"password": "short"}, "/password"),
    ({"password": "password123"}, "/password"),
    ({"password": "iloveyou1"}, "/password"),
    ({"password": "x" * 257}, "/password"),
    ({"name": ""}, "/name"),
    ({"name": "x" * 201}, "/name"),
    ({"name": "A\x00"}, "/name"),
    ({"role": "staff"}, "/role"),
]


@pytest.mark.parametrize(("changes", "pointer"), REGISTRATIONS)
async def test_bad_registration_is_refused_with_a_pointer(
    world: World, nothing_written: None, changes: dict[str, Any], pointer: str
) -> None:
    body = {"email": "new@shop.dev", "password": "plum-kettle-orbit-42", "name": "Ada", **changes}

    response = await world.client.post("/v1/auth/register", json=body)

    _assert_problem(response, 422, "validation-error", pointer)


QUERIES: list[tuple[str, int, str, str]] = [
    ("/v1/products?limit=0", 422, "validation-error", "/query/limit"),
    ("/v1/products?limit=101", 422, "validation-error", "/query/limit"),
    ("/v1/products?limit=many", 422, "validation-error", "/query/limit"),
    ("/v1/products?limit=99999999999999999999", 422, "validation-error", "/query/limit"),
    ("/v1/products?currency=usd", 422, "validation-error", "/query/currency"),
    ("/v1/products?vendor_id=%00", 422, "validation-error", "/query/vendor_id"),
    ("/v1/products?cursor=forged", 400, "invalid-cursor", "/query/cursor"),
    ("/v1/products?cursor=%00", 400, "invalid-cursor", "/query/cursor"),
    ("/v1/products?cursor=%ff%fe", 400, "invalid-cursor", "/query/cursor"),
    ("/v1/products?cursor=", 400, "invalid-cursor", "/query/cursor"),
    ("/v1/orders?cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAA", 400, "invalid-cursor", "/query/cursor"),
    ("/v1/orders?status=lost", 422, "validation-error", "/query/status"),
    ("/v1/orders?created_from=yesterday", 422, "validation-error", "/query/created_from"),
    ("/v1/orders?created_from=2026-01-01T00:00:00", 422, "validation-error", "/query/created_from"),
]


@pytest.mark.parametrize(("path", "status", "slug", "pointer"), QUERIES)
async def test_bad_query_is_refused_with_a_pointer(
    *, world: World, customer: Person, path: str, status: int, slug: str, pointer: str
) -> None:
    response = await world.client.get(path, headers=customer.headers)

    _assert_problem(response, status, slug, pointer)


PATHS = [
    "/v1/products/prd_1",
    "/v1/products/%00",
    "/v1/products/%ff",
    "/v1/orders/ord_01jd7x9k2me8kv1qzr5t0w3y4b",
    "/v1/orders/ord_%00",
    "/v1/orders/usr_01jd7x9k2me8kv1qzr5t0w3y4b/timeline",
    "/v1/orders/ord_01jd7x9k2me8kv1qzr5t0w3y4b/events",
    "/v1/orders/ord_01jd7x9k2me8kv1qzr5t0w3y4b/shipments",
    "/v1/holds/hld_01jd7x9k2me8kv1qzr5t0w3y4b",
    "/v1/stock/NO-SUCH-SKU",
    "/v1/stock/%00",
    "/v1/nowhere",
    "/nowhere",
]


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_not_there_is_not_found(world: World, customer: Person, path: str) -> None:
    response = await world.client.get(path, headers=customer.headers)

    _assert_problem(response, 404, "not-found")


async def test_wrong_method_is_refused_with_the_allowed_ones(world: World) -> None:
    response = await world.client.put("/v1/me", json={})

    _assert_problem(response, 405, "method-not-allowed")
    assert set(response.headers["allow"].split(", ")) & {"GET", "PATCH"}


@pytest.mark.parametrize("key", [None, "", " ", "a b", "é", "x" * 256])
async def test_missing_or_odd_idempotency_key_is_refused(
    world: World, shelf: Shelf, customer: Person, nothing_written: None, key: str | None
) -> None:
    headers: dict[str, Any] = dict(customer.headers)
    if key is not None:
        headers["Idempotency-Key"] = key.encode("latin-1")

    response = await world.client.post("/v1/checkouts", json=checkout_body(shelf), headers=headers)

    _assert_problem(response, 400, "idempotency-key-missing")
