from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from api.errors import KINDS, TYPE_BASE, field_errors, pointer_of, problem_of
from core.domain import errors
from core.domain.errors import (
    DomainError,
    FieldError,
    InvalidRequestError,
    InvalidStateError,
    NotAuthenticatedError,
    OutOfStockError,
    PaymentDeclinedError,
    RateLimitedError,
    Shortage,
    UnavailableError,
)

SCOPE = {"type": "http", "path": "/v1/checkouts", "headers": []}


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


def test_every_public_error_of_the_domain_is_a_known_problem() -> None:
    internal = {
        errors.ProviderRejectedError,
        errors.AuthorizationLapsedError,
        errors.PaymentMismatchError,
    }

    unknown = {
        kind.__name__
        for kind in _subclasses(DomainError)
        if kind.__module__ == errors.__name__ and kind.code not in KINDS and kind not in internal
    }

    assert unknown == set()


@pytest.mark.parametrize(
    ("error", "status", "slug", "members", "headers"),
    [
        (
            InvalidRequestError([FieldError(pointer="/a", detail="no")]),
            422,
            "validation-error",
            {"errors": [{"pointer": "/a", "detail": "no"}]},
            {},
        ),
        (
            NotAuthenticatedError("who?"),
            401,
            "not-authenticated",
            {},
            {"www-authenticate": 'Bearer realm="perdure"'},
        ),
        (
            OutOfStockError([Shortage(sku="A", requested=2, available=1)]),
            409,
            "out-of-stock",
            {"items": [{"sku": "A", "requested": 2, "available": 1}]},
            {},
        ),
        (
            PaymentDeclinedError("insufficient_funds"),
            402,
            "payment-declined",
            {"decline_code": "insufficient_funds"},
            {},
        ),
        (
            InvalidStateError(present="shipped", wanted="canceled", allowed=["delivered"]),
            409,
            "invalid-state",
            {"state": "shipped", "allowed": ["delivered"]},
            {},
        ),
        (RateLimitedError(retry_after_seconds=7), 429, "rate-limited", {}, {"retry-after": "7"}),
        (UnavailableError("down"), 503, "unavailable", {}, {"retry-after": "1"}),
    ],
)
def test_domain_error_becomes_its_problem(
    error: DomainError,
    status: int,
    slug: str,
    members: dict[str, object],
    headers: dict[str, str],
) -> None:
    response = problem_of(dict(SCOPE), error)

    body = orjson.loads(response.body)
    assert response.status_code == body["status"] == status
    assert body["type"] == TYPE_BASE + slug
    assert body["instance"] == "/v1/checkouts"
    assert body["request_id"]
    assert members.items() <= body.items()
    assert headers.items() <= dict(response.headers).items()
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("location", "pointer"),
    [
        (("body",), ""),
        (("body", "items", 0, "sku"), "/items/0/sku"),
        (("body", "a/b~c"), "/a~1b~0c"),
        (("query", "limit"), "/query/limit"),
        (("header", "idempotency-key"), "/header/idempotency-key"),
        (("body", "x" * 10_000), "/" + "x" * 199),
    ],
)
def test_location_becomes_a_json_pointer(location: tuple[object, ...], pointer: str) -> None:
    assert pointer_of(location) == pointer


def test_only_the_first_hundred_faults_are_told() -> None:
    fault = {"type": "missing", "loc": ("body", "a"), "msg": "Field required"}

    told = field_errors([fault] * 1000)

    assert len(told) == 100
    assert told[0] == FieldError(pointer="/a", detail="required")
