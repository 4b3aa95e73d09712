"""Products by those who sell them: vendors their own, staff everybody's."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from api import approvals, products
from api.auth import CatalogueWriter, SellsCatalogue
from api.dependencies import ProductId, Res
from api.json_route import router
from api.openapi import problems
from api.preconditions import IfMatch
from api.schemas.products import Decision, NewProduct, ProductChange, SellerProduct
from api.sellers import Document, Keyed, answer, made_once
from core.domain.ids import Prefix
from core.domain.products import Approval, ProductStatus

api = router("catalogue")

_SELLERS = ("not-authenticated", "forbidden")
_CHANGES = problems(*_SELLERS, "not-found", "precondition-failed", "conflict", "invalid-state")
_MOVES = problems(*_SELLERS, "not-found", "precondition-failed", "invalid-state")


@api.post(
    "/products",
    status_code=201,
    response_model=SellerProduct,
    responses=problems(*_SELLERS, "conflict", "invalid-state", "idempotency-key-reused"),
)
async def create_product(
    request: Request, wanted: NewProduct, who: SellsCatalogue, call: Keyed, resources: Res
) -> Response:
    """Make a product, a draft unless it is to be published at once, with its first variants."""

    async def make(product_id: str) -> Document:
        return await products.create(resources, product_id, wanted, who=who)

    return await made_once(
        request, resources, call, Prefix.PRODUCT, make, location="/v1/products/{id}"
    )


@api.patch("/products/{id}", response_model=SellerProduct, responses=_CHANGES)
async def change_product(
    product_id: ProductId,
    wanted: ProductChange,
    who: SellsCatalogue,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change what is sent; what staff have approved waits for them again if its vendor does."""
    return answer(await products.change(resources, product_id, wanted, who=who, if_match=if_match))


@api.delete(
    "/products/{id}",
    status_code=204,
    responses=problems(*_SELLERS, "not-found", "precondition-failed"),
)
async def delete_product(
    product_id: ProductId, who: SellsCatalogue, resources: Res, if_match: IfMatch = None
) -> Response:
    """Take a product away; it can be restored, and its slug and its SKUs stay its own."""
    await products.delete(resources, product_id, who=who, if_match=if_match)
    return Response(status_code=204)


@api.post(
    "/products/{id}/restore",
    response_model=SellerProduct,
    responses=problems(*_SELLERS, "not-found"),
)
async def restore_product(product_id: ProductId, who: SellsCatalogue, resources: Res) -> Response:
    """Bring a deleted product back, as a draft if it was on sale."""
    return answer(await products.restore(resources, product_id, who=who))


def _mover(status: ProductStatus) -> Callable[..., Coroutine[Any, Any, Response]]:
    async def move(
        product_id: ProductId, who: SellsCatalogue, resources: Res, if_match: IfMatch = None
    ) -> Response:
        wanted = ProductChange(status=status.value)
        return answer(
            await products.change(resources, product_id, wanted, who=who, if_match=if_match)
        )

    return move


for _verb, _status, _says in (
    ("publish", ProductStatus.PUBLISHED, "Put a product on sale."),
    ("unpublish", ProductStatus.DRAFT, "Take a product off sale, to work on it."),
    ("archive", ProductStatus.ARCHIVED, "Take a product off sale for good; it is kept."),
):
    api.add_api_route(
        f"/products/{{id}}/{_verb}",
        _mover(_status),
        methods=["POST"],
        name=f"{_verb}_product",
        description=_says,
        response_model=SellerProduct,
        responses=_MOVES,
    )


@api.post("/products/{id}/submit", response_model=SellerProduct, responses=_MOVES)
async def submit_product(
    product_id: ProductId, who: SellsCatalogue, resources: Res, if_match: IfMatch = None
) -> Response:
    """Ask staff to look at a product, so that it can be published."""
    return answer(
        await approvals.decide(
            resources, product_id, Approval.REQUESTED, who=who, if_match=if_match
        )
    )


@api.post(
    "/admin/products/{id}/approve", response_model=SellerProduct, responses=_MOVES, tags=["staff"]
)
async def approve_product(
    product_id: ProductId, who: CatalogueWriter, resources: Res, if_match: IfMatch = None
) -> Response:
    """Let its vendor publish a product."""
    return answer(
        await approvals.decide(resources, product_id, Approval.APPROVED, who=who, if_match=if_match)
    )


@api.post(
    "/admin/products/{id}/reject", response_model=SellerProduct, responses=_MOVES, tags=["staff"]
)
async def reject_product(
    product_id: ProductId,
    wanted: Decision,
    who: CatalogueWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Send a product back to its vendor with the reason; it is not on sale any more."""
    return answer(
        await approvals.decide(
            resources,
            product_id,
            Approval.REJECTED,
            who=who,
            if_match=if_match,
            reason=wanted.reason,
        )
    )
