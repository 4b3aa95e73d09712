"""Pictures of products, for staff and for the vendor whose products they are."""

from __future__ import annotations

from fastapi import Response

from api import editing, media
from api.auth import ReadsCatalogue, SellsCatalogue
from api.dependencies import MediaId, ProductId, Res
from api.editing import IfMatch
from api.idempotency import IdempotentIfKeyed
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.schemas.media import (
    ManagedMedia,
    ManagedMediaList,
    MediaChange,
    MediaRequest,
    PromisedMedia,
)
from core.domain.errors import FieldError, InvalidRequestError
from models.repositories import media as pictures

api = router("catalogue")

_SELLER = ("not-authenticated", "forbidden", "not-found")


@api.post(
    "/products/{id}/media",
    status_code=201,
    response_model=PromisedMedia,
    responses=problems(*_SELLER, "conflict", "idempotency-key-reused"),
)
async def add_media(
    product_id: ProductId,
    wanted: MediaRequest,
    seller: SellsCatalogue,
    call: IdempotentIfKeyed,
    resources: Res,
) -> Response:
    """Begin a picture: the answer has the link of its upload, which works once and for a while."""
    return await media.promise(resources, call, seller, product_id, wanted)


@api.get("/products/{id}/media", response_model=ManagedMediaList, responses=problems(*_SELLER))
async def list_media(product_id: ProductId, seller: ReadsCatalogue, resources: Res) -> Response:
    """Return all pictures of a product, with those that are not shown and why."""
    async with resources.database.transaction() as session:
        found = await pictures.of_product(session, product_id, vendor_id=seller.vendor_id)
        documents = [media.document(one) for one in found]
    return JsonResponse({"data": documents, "next_cursor": None})


@api.get("/media/{id}", response_model=ManagedMedia, responses=problems(*_SELLER))
async def get_media(media_id: MediaId, seller: ReadsCatalogue, resources: Res) -> Response:
    """Return one picture."""
    async with resources.database.transaction() as session:
        found = await pictures.find(session, media_id, vendor_id=seller.vendor_id)
        return editing.edited(media.document(found))


@api.post(
    "/media/{id}/complete",
    response_model=ManagedMedia,
    responses=problems(*_SELLER, "invalid-state")
    | {202: {"description": "Still worked on", "model": ManagedMedia}},
)
async def complete_media(media_id: MediaId, seller: SellsCatalogue, resources: Res) -> Response:
    """Tell that the file is uploaded; without this call it is found within minutes."""
    status, found = await media.complete(resources, seller, media_id)
    return editing.edited(media.document(found), status=status)


@api.patch(
    "/media/{id}",
    response_model=ManagedMedia,
    responses=problems(*_SELLER, "precondition-failed"),
)
async def change_media(
    *,
    media_id: MediaId,
    wanted: MediaChange,
    seller: SellsCatalogue,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change the alternative text or the place among the pictures of the product."""
    values = wanted.model_dump(exclude_unset=True)
    errors = [
        FieldError(pointer=f"/{name}", detail="required")
        for name, value in values.items()
        if value is None
    ]
    if errors:
        raise InvalidRequestError(errors)
    async with resources.database.transaction() as session:
        found = await pictures.find(session, media_id, vendor_id=seller.vendor_id, lock=True)
        editing.require_match(if_match, media.document(found))
        await pictures.change(session, found, values, actor=seller.actor)
        return editing.edited(media.document(found))


@api.delete("/media/{id}", status_code=204, responses=problems(*_SELLER, "precondition-failed"))
async def remove_media(
    *, media_id: MediaId, seller: SellsCatalogue, resources: Res, if_match: IfMatch = None
) -> Response:
    """Show a picture no more; its files are erased a moment later."""
    async with resources.database.transaction() as session:
        found = await pictures.find(session, media_id, vendor_id=seller.vendor_id, lock=True)
        editing.require_match(if_match, media.document(found))
        await pictures.remove(session, found, actor=seller.actor)
    await media.follow_if_possible(resources, media_id)
    return Response(status_code=204)
