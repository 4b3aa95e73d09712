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
from tests.policies import POLICIES
from tests.policies.policy import Door

ONE_ROLE = {Door.STAFF, Door.VENDOR, Door.SELLER}
StaffOrVendor = Annotated[Principal, Depends(has_role("staff", "vendor"))]


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
    schemes = {door: {"AccessToken"} for door in (Door.SIGNED_IN, Door.ONESELF, *ONE_ROLE)}
    schemes[Door.CART] = {"AccessToken", "CartToken"}
    schemes[Door.ORDER] = {"AccessToken", "OrderToken"}

    for name, operation in _operations(document):
        taken = {scheme for option in operation.get("security", []) for scheme in option}
        assert taken == schemes.get(POLICIES[name].door, set()), name
        assert "401" in operation["responses"] or not taken, name


def test_routes_that_refuse_some_who_are_signed_in_say_so(document: dict[str, Any]) -> None:
    silent = {
        name
        for name, operation in _operations(document)
        if POLICIES[name].door in ONE_ROLE and "403" not in operation["responses"]
    }

    assert silent == set()


def test_every_id_of_somebody_is_tried_by_somebody_else() -> None:
    """Staff see all; every other path with an id says whose it is, or that anyone may read it."""
    free = {Door.ANYONE, Door.STAFF, Door.PROVIDER, Door.LINK}

    assert {
        name
        for name, policy in POLICIES.items()
        if "{" in name and policy.door not in free and policy.own is None
    } == set()


def test_each_route_asks_for_the_permission_of_its_line() -> None:
    asked = {
        f"{method} {route.path_format}": {
            inspect.getclosurevars(call).nonlocals["permission"]
            for call in _calls(route.dependant)
            if inspect.isfunction(call) and "permission" in call.__code__.co_freevars
        }
        for route in _routes()
        for method in route.methods or ()
    }

    assert asked == {
        name: {policy.permission} if policy.permission else set()
        for name, policy in POLICIES.items()
    }


def test_effectful_posts_take_an_idempotency_key(document: dict[str, Any]) -> None:
    taking = {
        name
        for name, operation in _operations(document)
        if any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", []))
    }

    assert taking == {name for name, policy in POLICIES.items() if policy.idempotent}


def test_everything_sent_and_answered_has_an_example(document: dict[str, Any]) -> None:
    missing = []
    for name, operation in _operations(document):
        bodies = {"request": operation.get("requestBody") or {}, **operation["responses"]}
        for what, body in bodies.items():
            for media_type, media in body.get("content", {}).items():
                if not ("example" in media or media.get("examples")):
                    missing.append((name, what, media_type))

    assert missing == []


def _routes() -> Iterator[APIRoute]:
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema:
                yield route


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from _calls(dependency)


def test_nothing_of_a_request_goes_to_a_thread_of_the_pool() -> None:
    calls = [call for route in _routes() for call in _calls(route.dependant)]

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
