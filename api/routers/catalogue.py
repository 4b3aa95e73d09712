"""What is sold, for everybody."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from api.auth import Anyone
from api.caching import cacheable
from api.dependencies import Cursor, CursorsDep, Limit, ProductId, Res, Sku
from api.json_route import JsonResponse, router, to_json
from api.openapi import problems
from api.pages import page
from api.schemas.base import CURRENCY
from api.schemas.catalogue import CategoryPage, Product, ProductPage, Stock
from core.domain.errors import NotFoundError
from core.domain.permissions import Permission
from models.repositories import catalogue, stock_reads

api = router("catalogue")

_NOT_CHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Not changed"}}
_ID = r"^[a-z]{3}_[0-9a-z]{26}$"
Currency = Annotated[
    str, Query(pattern=CURRENCY, description="Prices in this currency where there are any")
]
Filter = Annotated[str | None, Query(pattern=_ID)]


@api.get(
    "/categories",
    response_model=CategoryPage,
    responses=problems("invalid-cursor") | _NOT_CHANGED,
)
async def list_categories(
    *,
    request: Request,
    _: Anyone,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return categories by id; ``parent_id`` makes the tree."""
    scope = {"list": "categories"}
    after = cursors.open(cursor, scope=scope)
    rows = await catalogue.category_documents(resources.database, after=after, limit=limit + 1)
    return cacheable(request, _page(rows, limit, cursors, scope))


@api.get(
    "/products", response_model=ProductPage, responses=problems("invalid-cursor") | _NOT_CHANGED
)
async def list_products(
    *,
    request: Request,
    _: Anyone,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    currency: Currency = "USD",
    vendor_id: Filter = None,
    category_id: Filter = None,
) -> Response:
    """Return published products by id."""
    scope = {
        "list": "products",
        "currency": currency,
        "vendor_id": vendor_id,
        "category_id": category_id,
    }
    rows = await catalogue.product_documents(
        resources.database,
        after=cursors.open(cursor, scope=scope),
        limit=limit + 1,
        currency=currency,
        vendor_id=vendor_id,
        category_id=category_id,
    )
    return cacheable(request, _page(rows, limit, cursors, scope))


@api.get("/products/{id}", response_model=Product, responses=problems("not-found") | _NOT_CHANGED)
async def get_product(
    request: Request, product_id: ProductId, _: Anyone, resources: Res, currency: Currency = "USD"
) -> Response:
    """Return a published product with its variants."""
    document = await catalogue.product_document(resources.database, product_id, currency)
    if document is None:
        raise NotFoundError("there is no such product")
    return cacheable(request, document)


@api.get("/stock/{sku}", response_model=Stock, responses=problems("not-found"), tags=["stock"])
async def get_stock(sku: Sku, who: Anyone, resources: Res) -> Response:
    """Return the units that can be bought now; for staff also where they lie."""
    stock = await stock_reads.stock_of(resources.database, sku)
    if stock is None:
        raise NotFoundError("there is no such SKU")
    document: dict[str, Any] = {"sku": stock.sku, "available": stock.available}
    if who is not None and who.is_staff_with(Permission.STOCK_READ):
        document["by_warehouse"] = stock.by_warehouse
    return JsonResponse(document)


def _page(rows: list[Any], limit: int, cursors: CursorsDep, scope: dict[str, Any]) -> bytes:
    return to_json(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda row: str(row["id"]),
            render=lambda row: row,
        )
    )
