"""Variants and their prices, by those who sell them."""

from __future__ import annotations

from fastapi import Request, Response

from api import prices, variants
from api.auth import SellsCatalogue
from api.dependencies import ProductId, Res, VariantId
from api.json_route import router
from api.openapi import problems
from api.preconditions import IfMatch
from api.schemas.prices import PricesChange, VariantPrices
from api.schemas.products import NewVariant, SellerVariant, VariantChange
from api.sellers import Document, Keyed, answer, made_once
from core.domain.ids import Prefix

api = router("catalogue")

_SELLERS = ("not-authenticated", "forbidden", "not-found")


@api.post(
    "/products/{id}/variants",
    status_code=201,
    response_model=SellerVariant,
    responses=problems(*_SELLERS, "conflict", "precondition-failed", "idempotency-key-reused"),
)
async def create_variant(  # noqa: PLR0917  # what the request has, by name
    request: Request,
    product_id: ProductId,
    wanted: NewVariant,
    who: SellsCatalogue,
    call: Keyed,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Add a variant with its prices; the `ETag` is the product's."""

    async def make(variant_id: str) -> Document:
        return await variants.create(
            resources, product_id, variant_id, wanted, who=who, if_match=if_match
        )

    return await made_once(
        request, resources, call, Prefix.VARIANT, make, location="/v1/variants/{id}"
    )


@api.get("/variants/{id}", response_model=SellerVariant, responses=problems(*_SELLERS))
async def get_variant(variant_id: VariantId, who: SellsCatalogue, resources: Res) -> Response:
    """Return a variant in whatever state; the `ETag` is its product's."""
    return answer(await variants.read(resources, variant_id, who=who))


@api.patch(
    "/variants/{id}",
    response_model=SellerVariant,
    responses=problems(*_SELLERS, "precondition-failed"),
)
async def change_variant(
    variant_id: VariantId,
    wanted: VariantChange,
    who: SellsCatalogue,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change what is sent; `withdrawn` ends its sale and `active` begins it again."""
    return answer(await variants.change(resources, variant_id, wanted, who=who, if_match=if_match))


@api.get("/variants/{id}/prices", response_model=VariantPrices, responses=problems(*_SELLERS))
async def get_prices(variant_id: VariantId, who: SellsCatalogue, resources: Res) -> Response:
    """Return the prices of a variant, and those that hold for a time."""
    return answer(await prices.read(resources, variant_id, who=who))


@api.put(
    "/variants/{id}/prices",
    response_model=VariantPrices,
    responses=problems(*_SELLERS, "precondition-failed"),
)
async def put_prices(
    variant_id: VariantId,
    wanted: PricesChange,
    who: SellsCatalogue,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Let these be all prices; a period that runs and is not among them ends now."""
    return answer(await prices.put(resources, variant_id, wanted, who=who, if_match=if_match))
