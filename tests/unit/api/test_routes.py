"""Every route has a declared policy, and an example for all that it takes and gives."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

import api.schemas
from api import schemas
from api.app import create_app
from api.auth import has_role
from api.context import SCOPE_KEY, RequestContext
from api.docs_page import render
from api.errors import install_error_handlers
from api.routers import ROUTERS
from core.security import Principal
from core.settings import Settings

ANYONE = "anyone"
SIGNED_IN = "signed in"
STAFF = "staff"
VENDOR = "vendor"
PROVIDER = "the provider's signature"
CART = "the customer, or whoever has the cart's token"
LINK = "whoever has the signed link"
ORDER = "the customer, or whoever has the order's token"

POLICIES = {
    "POST /v1/auth/register": ANYONE,
    "POST /v1/auth/login": ANYONE,
    "POST /v1/auth/refresh": ANYONE,
    "POST /v1/auth/logout": ANYONE,
    "GET /v1/me": SIGNED_IN,
    "PATCH /v1/me": SIGNED_IN,
    "GET /v1/categories": ANYONE,
    "GET /v1/products": ANYONE,
    "GET /v1/products/{id}": ANYONE,
    "GET /v1/stock/{sku}": ANYONE,
    "GET /v1/search": ANYONE,
    "GET /v1/search/suggest": ANYONE,
    "POST /v1/quotes": ANYONE,
    "POST /v1/carts": CART,
    "GET /v1/carts/{id}": CART,
    "PATCH /v1/carts/{id}": CART,
    "POST /v1/carts/{id}/items": CART,
    "PUT /v1/carts/{id}/items/{sku}": CART,
    "PATCH /v1/carts/{id}/items/{sku}": CART,
    "DELETE /v1/carts/{id}/items/{sku}": CART,
    "PUT /v1/carts/{id}/promotion": CART,
    "DELETE /v1/carts/{id}/promotion": CART,
    "POST /v1/carts/{id}/merge": CART,
    "POST /v1/holds": SIGNED_IN,
    "GET /v1/holds/{id}": SIGNED_IN,
    "DELETE /v1/holds/{id}": SIGNED_IN,
    "POST /v1/checkouts": CART,
    "GET /v1/orders": SIGNED_IN,
    "GET /v1/orders/{id}": ORDER,
    "GET /v1/orders/{id}/timeline": ORDER,
    "GET /v1/orders/{id}/shipments": ORDER,
    "GET /v1/orders/{id}/events": ORDER,
    "POST /v1/orders/{id}/cancel": ORDER,
    "POST /v1/orders/{id}/payment": ORDER,
    "POST /v1/orders/{id}/payment/confirm": ORDER,
    "POST /v1/admin/orders/{id}/refund": STAFF,
    "PUT /v1/orders/{id}/shipping-address": ORDER,
    "GET /v1/admin/audit-log": STAFF,
    "GET /v1/admin/ledger/balances": STAFF,
    "GET /v1/admin/ledger/postings": STAFF,
    "GET /v1/admin/ledger/export": STAFF,
    "GET /v1/admin/promotions": STAFF,
    "GET /v1/admin/promotions/{id}": STAFF,
    "POST /v1/admin/promotions": STAFF,
    "PATCH /v1/admin/promotions/{id}": STAFF,
    "GET /v1/admin/tax-rules": STAFF,
    "PUT /v1/admin/tax-rules": STAFF,
    "GET /v1/admin/shipping-options": STAFF,
    "PUT /v1/admin/shipping-options": STAFF,
    "POST /v1/admin/stock-adjustments": STAFF,
    "POST /v1/admin/stock-takes": STAFF,
    "GET /v1/admin/stock-movements": STAFF,
    "GET /v1/admin/stock-policies/{sku}": STAFF,
    "PUT /v1/admin/stock-policies/{sku}": STAFF,
    "POST /v1/admin/stock-transfers": STAFF,
    "GET /v1/admin/stock-transfers": STAFF,
    "GET /v1/admin/stock-transfers/{id}": STAFF,
    "POST /v1/admin/stock-transfers/{id}/receive": STAFF,
    "POST /v1/admin/stock-transfers/{id}/cancel": STAFF,
    "GET /v1/admin/warehouses": STAFF,
    "POST /v1/admin/warehouses": STAFF,
    "GET /v1/admin/warehouses/{id}": STAFF,
    "PATCH /v1/admin/warehouses/{id}": STAFF,
    "GET /v1/admin/orders": STAFF,
    "GET /v1/admin/orders/stuck": STAFF,
    "GET /v1/admin/orders/{id}": STAFF,
    "POST /v1/admin/orders/{id}/retry": STAFF,
    "POST /v1/admin/orders/{id}/resolve": STAFF,
    "POST /v1/admin/orders/{id}/cancel": STAFF,
    "POST /v1/admin/orders/{id}/edits": STAFF,
    "POST /v1/admin/orders/{id}/hold": STAFF,
    "POST /v1/admin/orders/{id}/release": STAFF,
    "POST /v1/admin/orders/{id}/review": STAFF,
    "GET /v1/admin/reconciliations": STAFF,
    "POST /v1/admin/reconciliations": STAFF,
    "GET /v1/admin/reconciliations/{id}": STAFF,
    "GET /v1/admin/differences": STAFF,
    "POST /v1/admin/differences/{id}/resolve": STAFF,
    "GET /v1/admin/review-rules": STAFF,
    "POST /v1/admin/review-rules": STAFF,
    "PATCH /v1/admin/review-rules/{id}": STAFF,
    "POST /v1/orders/{id}/returns": ORDER,
    "GET /v1/orders/{id}/returns": ORDER,
    "GET /v1/returns/{id}": ORDER,
    "POST /v1/returns/{id}/shipped": ORDER,
    "GET /v1/admin/returns": STAFF,
    "POST /v1/admin/returns/{id}/approve": STAFF,
    "POST /v1/admin/returns/{id}/reject": STAFF,
    "POST /v1/admin/returns/{id}/receive": STAFF,
    "GET /v1/admin/disputes": STAFF,
    "GET /v1/admin/disputes/{id}": STAFF,
    "POST /v1/admin/disputes/{id}/evidence": STAFF,
    "POST /v1/admin/disputes/{id}/accept": STAFF,
    "GET /v1/vendor/disputes": VENDOR,
    "GET /v1/vendor/shipments": VENDOR,
    "GET /v1/vendor/shipments/{id}": VENDOR,
    "POST /v1/vendor/shipments/{id}/accept": VENDOR,
    "POST /v1/vendor/shipments/{id}/reject": VENDOR,
    "POST /v1/vendor/shipments/{id}/pack": VENDOR,
    "POST /v1/vendor/shipments/{id}/hand-over": VENDOR,
    "GET /v1/admin/shipments/{id}": STAFF,
    "POST /v1/admin/shipments/{id}/events": STAFF,
    "POST /v1/admin/shipments/{id}/reallocate": STAFF,
    "POST /v1/admin/shipments/{id}/{move}": STAFF,
    "GET /v1/admin/commission-rules": STAFF,
    "POST /v1/admin/commission-rules": STAFF,
    "PATCH /v1/admin/commission-rules/{id}": STAFF,
    "DELETE /v1/admin/commission-rules/{id}": STAFF,
    "PUT /v1/admin/vendors/{id}/payout-account": STAFF,
    "GET /v1/admin/vendor-balances": STAFF,
    "POST /v1/admin/settlements": STAFF,
    "GET /v1/admin/settlements": STAFF,
    "GET /v1/admin/settlements/{id}": STAFF,
    "POST /v1/admin/settlements/{id}/approve": STAFF,
    "POST /v1/admin/settlements/{id}/cancel": STAFF,
    "POST /v1/admin/settlements/{id}/retry": STAFF,
    "GET /v1/admin/settlements/{id}/statement": STAFF,
    "GET /v1/vendor/settlements": VENDOR,
    "GET /v1/vendor/settlements/{id}/statement": VENDOR,
    "GET /v1/vendor/balance": VENDOR,
    "GET /v1/objects/{key}": LINK,
    "PUT /v1/objects/{key}": LINK,
    "POST /v1/webhooks/paystack": PROVIDER,
    "POST /v1/webhooks/stripe": PROVIDER,
    "POST /v1/webhooks/carrier": PROVIDER,
    "GET /healthz": ANYONE,
    "GET /readyz": ANYONE,
}
ONE_ROLE = {STAFF, VENDOR}
WITH_TOKEN = {SIGNED_IN, *ONE_ROLE}
StaffOrVendor = Annotated[Principal, Depends(has_role("staff", "vendor"))]
IDEMPOTENT = {
    "POST /v1/holds",
    "POST /v1/checkouts",
    "POST /v1/orders/{id}/cancel",
    "POST /v1/orders/{id}/payment",
    "POST /v1/orders/{id}/payment/confirm",
    "POST /v1/admin/orders/{id}/refund",
    "POST /v1/admin/promotions",
    "POST /v1/admin/stock-adjustments",
    "POST /v1/admin/stock-takes",
    "POST /v1/admin/stock-transfers",
    "POST /v1/admin/stock-transfers/{id}/receive",
    "POST /v1/admin/stock-transfers/{id}/cancel",
    "POST /v1/admin/warehouses",
    "POST /v1/admin/orders/{id}/retry",
    "POST /v1/admin/orders/{id}/resolve",
    "POST /v1/admin/orders/{id}/cancel",
    "POST /v1/admin/orders/{id}/edits",
    "POST /v1/admin/orders/{id}/hold",
    "POST /v1/admin/orders/{id}/release",
    "POST /v1/admin/orders/{id}/review",
    "POST /v1/admin/reconciliations",
    "POST /v1/admin/differences/{id}/resolve",
    "POST /v1/admin/review-rules",
    "POST /v1/orders/{id}/returns",
    "POST /v1/returns/{id}/shipped",
    "POST /v1/admin/returns/{id}/approve",
    "POST /v1/admin/returns/{id}/reject",
    "POST /v1/admin/returns/{id}/receive",
    "POST /v1/admin/disputes/{id}/evidence",
    "POST /v1/admin/disputes/{id}/accept",
    "POST /v1/vendor/shipments/{id}/accept",
    "POST /v1/vendor/shipments/{id}/reject",
    "POST /v1/vendor/shipments/{id}/pack",
    "POST /v1/vendor/shipments/{id}/hand-over",
    "POST /v1/admin/shipments/{id}/events",
    "POST /v1/admin/shipments/{id}/reallocate",
    "POST /v1/admin/shipments/{id}/{move}",
    "POST /v1/admin/commission-rules",
    "POST /v1/admin/settlements",
    "POST /v1/admin/settlements/{id}/approve",
    "POST /v1/admin/settlements/{id}/cancel",
    "POST /v1/admin/settlements/{id}/retry",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = create_app(Settings(_env_file=None))
    return app.openapi()


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_is_in_the_table_of_policies(document: dict[str, Any]) -> None:
    assert {name for name, _ in _operations(document)} == POLICIES.keys()


def test_routes_that_need_a_token_say_so(document: dict[str, Any]) -> None:
    schemes = {policy: {"AccessToken"} for policy in (SIGNED_IN, STAFF, VENDOR)}
    schemes |= {CART: {"AccessToken", "CartToken"}, ORDER: {"AccessToken", "OrderToken"}}

    for name, operation in _operations(document):
        taken = {scheme for option in operation.get("security", []) for scheme in option}
        assert taken == schemes.get(POLICIES[name], set()), name
        assert "401" in operation["responses"] or not taken, name


def test_routes_of_one_role_refuse_the_others(document: dict[str, Any]) -> None:
    refusing = {
        name for name, operation in _operations(document) if "403" in operation["responses"]
    }

    assert refusing == {name for name, policy in POLICIES.items() if policy in ONE_ROLE}


def test_effectful_posts_take_an_idempotency_key(document: dict[str, Any]) -> None:
    taking = {
        name
        for name, operation in _operations(document)
        if any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", []))
    }

    assert taking == IDEMPOTENT


def test_everything_sent_and_answered_has_an_example(document: dict[str, Any]) -> None:
    missing = []
    for name, operation in _operations(document):
        bodies = {"request": operation.get("requestBody") or {}, **operation["responses"]}
        for what, body in bodies.items():
            for media_type, media in body.get("content", {}).items():
                if not ("example" in media or media.get("examples")):
                    missing.append((name, what, media_type))

    assert missing == []


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from _calls(dependency)


def test_nothing_of_a_request_goes_to_a_thread_of_the_pool() -> None:
    calls = [
        call
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for call in _calls(route.dependant)
    ]

    plain = {
        call
        for call in calls
        if not inspect.iscoroutinefunction(call)
        and not inspect.iscoroutinefunction(type(call).__call__)
    }
    assert len(calls) > len(POLICIES)
    assert plain == set()


def test_document_is_openapi_3_1_with_short_unique_names(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in _operations(document)]

    assert document["openapi"].startswith("3.1")
    assert len(names) == len(set(names))
    assert all(name.replace("_", "").isalpha() and len(name) < 24 for name in names)
    assert "HTTPValidationError" not in document["components"]["schemas"]


SCHEMAS = [
    importlib.import_module(f"api.schemas.{found.name}")
    for found in pkgutil.iter_modules(api.schemas.__path__)
]


def _models_with_examples() -> list[type[BaseModel]]:
    modules = [
        importlib.import_module(f"{schemas.__name__}.{module.name}")
        for module in pkgutil.iter_modules(schemas.__path__)
    ]
    models = {
        model
        for module in SCHEMAS
        for module in modules
        for model in vars(module).values()
        if isinstance(model, type)
        and issubclass(model, BaseModel)
        and model.model_config.get("json_schema_extra")
    }
    return sorted(models, key=lambda model: f"{model.__module__}.{model.__name__}")


@pytest.mark.parametrize("model", _models_with_examples())
def test_example_is_valid(model: type[BaseModel]) -> None:
    extra: Any = model.model_config["json_schema_extra"]

    for example in extra["examples"]:
        model.model_validate(example)


def test_documentation_page_shows_every_call_and_loads_nothing(document: dict[str, Any]) -> None:
    page = render(document)

    for _, operation in _operations(document):
        assert f'id="{operation["operationId"]}"' in page
    assert not any(loader in page for loader in ("<script", "src=", "@import", "<link"))


@pytest.mark.parametrize(
    ("role", "status"), [("staff", 200), ("vendor", 200), ("customer", 403), (None, 401)]
)
async def test_role_decides(role: str | None, status: int) -> None:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/inside")
    async def inside(who: StaffOrVendor) -> str:
        return who.role

    async def with_context(scope: Any, receive: Any, send: Any) -> None:
        principal = Principal(user_id="usr_1", role=role) if role else None
        scope[SCOPE_KEY] = RequestContext(request_id="r", trace_id="t", principal=principal)
        await app(scope, receive, send)

    transport = httpx.ASGITransport(app=with_context)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        response = await client.get("/inside")

    assert response.status_code == status
