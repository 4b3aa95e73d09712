"""Promotions, by staff."""

from __future__ import annotations

from fastapi import Request, Response

from api import promotions
from api.auth import TermsReader, TermsWriter
from api.dependencies import Cursor, CursorsDep, Limit, PromotionId, Res
from api.idempotency import Idempotent, refusal, replay
from api.json_route import JsonResponse, router, to_json
from api.openapi import problems
from api.pages import page
from api.preconditions import IfMatch, etag
from api.schemas.promotions import NewPromotion, Promotion, PromotionChange, PromotionPage
from core.domain.errors import ConflictError, NotFoundError
from core.domain.ids import Prefix, new_id
from models.promotions import Promotion as PromotionRow
from models.repositories import promotion_terms
from models.repositories.idempotency import StoredAnswer

api = router("staff")


@api.get(
    "/admin/promotions",
    response_model=PromotionPage,
    responses=problems("not-authenticated", "forbidden", "invalid-cursor"),
)
async def list_promotions(
    _staff: TermsReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return every promotion, the newest first, those that are over too."""
    scope = {"list": "promotions"}
    rows = await promotion_terms.list_promotions(
        resources.database, limit=limit + 1, before_id=cursors.open(cursor, scope=scope)
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda promotion: promotion.id,
            render=promotions.document,
        )
    )


@api.get(
    "/admin/promotions/{id}",
    response_model=Promotion,
    responses=problems("not-authenticated", "forbidden", "not-found"),
)
async def get_promotion(promotion_id: PromotionId, _staff: TermsReader, resources: Res) -> Response:
    """Return a promotion; its ``ETag`` is for the next change."""
    found = await promotion_terms.find_promotion(resources.database, promotion_id)
    if found is None:
        raise NotFoundError("there is no such promotion")
    return _answer(found)


@api.post(
    "/admin/promotions",
    status_code=201,
    response_model=Promotion,
    responses=problems("idempotency-key-missing", "not-authenticated", "forbidden", "conflict"),
)
async def create_promotion(
    request: Request, wanted: NewPromotion, staff: TermsWriter, call: Idempotent, resources: Res
) -> Response:
    """Put up a promotion; it applies from ``starts_at`` on."""
    await promotions.check(resources, wanted)
    record = await call.claim(resources.database, new_id(Prefix.PROMOTION))
    if record.answer is not None:
        return replay(record.answer)
    try:
        made = await promotions.create(
            resources,
            record.resource_id,
            wanted,
            actor=staff.actor,
            reason=wanted.reason,
        )
    except ConflictError as error:
        return await call.settle(resources.database, refusal(request, error))
    answer = StoredAnswer(
        status=201,
        body=to_json(promotions.document(made)),
        location=f"/v1/admin/promotions/{made.id}",
    )
    return await call.settle(resources.database, answer)


@api.patch(
    "/admin/promotions/{id}",
    response_model=Promotion,
    responses=problems(
        "not-authenticated", "forbidden", "not-found", "conflict", "precondition-failed"
    ),
)
async def change_promotion(
    promotion_id: PromotionId,
    wanted: PromotionChange,
    staff: TermsWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change what is sent; carts that were priced before keep their price or are refused."""
    changed = await promotions.change(
        resources, promotion_id, wanted, actor=staff.actor, if_match=if_match
    )
    return _answer(changed)


def _answer(promotion: PromotionRow) -> Response:
    response = JsonResponse(promotions.document(promotion))
    response.headers["ETag"] = etag(promotion.version)
    return response
