"""What is sold, for everybody."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response

from api.auth import Anyone
from api.caching import cacheable
from api.dependencies import Cursor, CursorsDep, Limit, ProductId, Res, Sku
from api.json_route import JsonResponse, router, to_json
from api.openapi import problems
from api.pages import page
from api.read_cache import kept
from api.schemas.base import CURRENCY
from api.schemas.catalogue import CategoryPage, Product, ProductPage, Stock
from api.seller_reads import is_seller, own_product, own_products
from api.sellers import answer
from core import read_tags
from core.domain.errors import NotFoundError
from core.domain.permissions import Permission
from core.domain.products import ProductStatus
from core.read_tags import PRODUCTS, SHOP
from models.repositories import catalogue, stock_reads

api = router("catalogue")

_NOT_CHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Not changed"}}
_ID = r"^[a-z]{3}_[0-9a-z]{26}$"
Currency = Annotated[
    str, Query(pattern=CURRENCY, description="Prices in this currency where there are any")
]
Filter = Annotated[str | None, Query(pattern=_ID)]
StatusFilter = Annotated[
    Literal["draft", "published", "archived", "deleted"] | None,
    Query(description="Those in this state, for those who sell them"),
]
ApprovalFilter = Annotated[
    Literal["not_requested", "requested", "approved", "rejected"] | None,
    Query(description="Those of which staff say this, for those who sell them"),
]


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

    async def load() -> bytes:
        rows = await catalogue.category_documents(resources.database, after=after, limit=limit + 1)
        return _page(rows, limit, cursors, scope)

    question = scope | {"after": after, "limit": limit}
    body = await kept(request, resources, scope=question, tags=(SHOP,), load=load)
    return cacheable(request, body)


@api.get(
    "/products", response_model=ProductPage, responses=problems("invalid-cursor") | _NOT_CHANGED
)
async def list_products(
    *,
    request: Request,
    who: Anyone,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    currency: Currency = "USD",
    vendor_id: Filter = None,
    category_id: Filter = None,
    status: StatusFilter = None,
    approval: ApprovalFilter = None,
) -> Response:
    """Return published products by id; of a category also those of the categories below it.

    With `status` or `approval` staff get all products, and vendors their own, in whatever state and
    as those who sell them see them (`SellerProduct`); for everybody else there are none but the
    published ones.
    """
    filters: dict[str, Any] = {
        "currency": currency,
        "vendor_id": vendor_id,
        "category_id": category_id,
    }
    states = {"status": status, "approval": approval}
    scope = {"list": "products", **filters} | ({**states} if any(states.values()) else {})
    after = cursors.open(cursor, scope=scope)
    if any(states.values()) and who is not None and is_seller(who):
        found = await own_products(
            resources, who, after=after, limit=limit + 1, **filters, **states
        )
        return JsonResponse(_page(found, limit, cursors, scope))

    async def load() -> bytes:
        hidden = approval is not None or status not in {None, ProductStatus.PUBLISHED}
        rows = await catalogue.product_documents(
            resources.database, after=after, limit=0 if hidden else limit + 1, **filters
        )
        return _page(rows, limit, cursors, scope)

    question = scope | {"after": after, "limit": limit}
    body = await kept(request, resources, scope=question, tags=(PRODUCTS, SHOP), load=load)
    return cacheable(request, body)


@api.get("/products/{id}", response_model=Product, responses=problems("not-found") | _NOT_CHANGED)
async def get_product(
    request: Request, product_id: ProductId, who: Anyone, resources: Res, currency: Currency = "USD"
) -> Response:
    """Return a published product with its variants.

    Staff and its vendor get it in whatever state, as those who sell it see it (`SellerProduct`),
    and with the `ETag` that a change of it takes.
    """
    own = await own_product(resources, who, product_id, currency=currency)
    if own is not None:
        return answer(own)

    async def load() -> bytes:
        document = await catalogue.product_document(resources.database, product_id, currency)
        if document is None:
            raise NotFoundError("there is no such product")
        return document

    question = {"product": product_id, "currency": currency}
    tags = (read_tags.product(product_id), SHOP)
    return cacheable(request, await kept(request, resources, scope=question, tags=tags, load=load))


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
