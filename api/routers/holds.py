"""Units kept for a customer before there is an order."""

from __future__ import annotations

from fastapi import Request, Response

from api import holds
from api.auth import SignedIn
from api.dependencies import HoldId, Res
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.schemas.checkout import Hold, HoldRequest
from core.domain.errors import NotFoundError
from models.repositories.stock_reads import find_hold

api = router("stock")

_PLACE = problems(
    "not-authenticated", "idempotency-key-missing", "idempotency-key-reused", "out-of-stock"
)


@api.post("/holds", status_code=201, response_model=Hold, responses=_PLACE)
async def create_hold(
    request: Request, wanted: HoldRequest, _owner: SignedIn, call: Idempotent, resources: Res
) -> Response:
    """Hold every unit until a deadline, or none; it ends by itself."""
    return await holds.place_hold(request, resources, call, wanted)


@api.get("/holds/{id}", response_model=Hold, responses=problems("not-authenticated", "not-found"))
async def get_hold(hold_id: HoldId, principal: SignedIn, resources: Res) -> Response:
    """Return one of the caller's holds."""
    hold = await find_hold(resources.database, hold_id, principal.user_id)
    if hold is None:
        raise NotFoundError("there is no such hold")
    return JsonResponse(holds.hold_document(hold))


@api.delete(
    "/holds/{id}",
    status_code=204,
    responses=problems("not-authenticated", "not-found", "invalid-state"),
)
async def release_hold(hold_id: HoldId, principal: SignedIn, resources: Res) -> None:
    """Give the units back now; asking again changes nothing."""
    await holds.release_hold(resources, hold_id, principal.user_id)
