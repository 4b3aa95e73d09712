"""The OpenAPI document: short operation ids, and an example wherever something is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.errors import KINDS, MEDIA_TYPE, TYPE_BASE
from api.schemas.base import Problem

_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
_EVERYWHERE = ("validation-error", "rate-limited", "payload-too-large", "unavailable")
_EXTRA: Mapping[str, Mapping[str, Any]] = {
    "validation-error": {"errors": [{"pointer": "/items/0/quantity", "detail": "at least 1"}]},
    "out-of-stock": {"items": [{"sku": "TEE-BLK-M", "requested": 2, "available": 1}]},
    "payment-declined": {"decline_code": "insufficient_funds"},
    "invalid-state": {"state": "shipped", "allowed": ["delivered"]},
    "invalid-cursor": {"errors": [{"pointer": "/query/cursor", "detail": "not a cursor"}]},
}


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may answer with these problems."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = KINDS[code]
        response = by_status.setdefault(
            kind.status,
            {
                "description": kind.title,
                "content": {MEDIA_TYPE: {"schema": _PROBLEM_REF, "examples": {}}},
            },
        )
        response["content"][MEDIA_TYPE]["examples"][code] = {"value": problem_example(code)}
    return by_status


def problem_example(code: str) -> dict[str, Any]:
    kind = KINDS[code]
    return {
        "type": TYPE_BASE + code,
        "title": kind.title,
        "status": kind.status,
        "detail": f"in words: {kind.title.lower()}",
        "instance": "/v1/checkouts",
        "request_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        **_EXTRA.get(code, {}),
    }


def operation_id(route: APIRoute) -> str:
    """Return the name of the handler: short names make readable generated clients."""
    return route.name


def install_openapi(app: FastAPI) -> None:
    """Serve the document that ``document`` makes, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def document(app: FastAPI) -> dict[str, Any]:
    """Make the document: FastAPI's, with problems and examples everywhere."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        servers=app.servers,
        tags=app.openapi_tags,
    )
    schemas = made["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    definitions = schemas["Problem"].pop("$defs", {})
    schemas.update(definitions)
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    for path, operations in made["paths"].items():
        for operation in operations.values():
            _complete(path, operation, schemas)
    return dict(made)


_PREFIXES = {
    "carts": "crt",
    "categories": "cat",
    "differences": "dif",
    "disputes": "dsp",
    "exports": "exp",
    "commission-rules": "com",
    "holds": "hld",
    "jobs": "job",
    "media": "med",
    "order-jobs": "job",
    "orders": "ord",
    "products": "prd",
    "promotions": "prm",
    "reconciliations": "rec",
    "returns": "ret",
    "review-rules": "rul",
    "sessions": "ses",
    "settlements": "stl",
    "shipments": "shp",
    "stock-transfers": "trf",
    "vendors": "ven",
    "users": "usr",
    "variants": "var",
    "warehouses": "whs",
    "members": "usr",
    "invitations": "msg",
    "api-keys": "key",
}


def _complete(path: str, operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path" and parameter["name"] == "id":
            resource = (
                path.removeprefix("/v1/")
                .removeprefix("admin/")
                .removeprefix("me/")
                .removeprefix("vendor/")
                .split("/")[0]
            )
            parameter["example"] = f"{_PREFIXES[resource]}_01jd7x9k2me8kv1qzr5t0w3y4b"
    responses = operation["responses"]
    responses.pop("422", None)
    if path.startswith("/v1/"):
        for status, response in problems(*_EVERYWHERE).items():
            responses.setdefault(str(status), response)
    bodies = [operation.get("requestBody"), *responses.values()]
    for body in bodies:
        for media in (body or {}).get("content", {}).values():
            _exemplify(media, schemas)


def _exemplify(media: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    if "example" in media or "examples" in media:
        return
    schema = media.get("schema", {})
    for option in [schema, *schema.get("anyOf", [])]:
        name = option.get("$ref", "").rpartition("/")[2]
        examples = schemas.get(name, {}).get("examples")
        if examples:
            media["example"] = examples[0]
            return
