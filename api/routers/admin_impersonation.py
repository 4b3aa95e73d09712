"""Acting as a customer or a vendor's member, for support."""

from __future__ import annotations

from fastapi import Response

from api.auth import Impersonator
from api.dependencies import Res, TokensDep, UserId
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.schemas.people import Impersonation, ImpersonationRequest
from core.domain.ids import Prefix, new_id
from core.domain.permissions import RANKS, VendorRank
from core.security import Principal
from models.repositories import impersonation

api = router("people")


@api.post(
    "/admin/users/{id}/impersonate",
    status_code=201,
    response_model=Impersonation,
    responses=problems("not-authenticated", "forbidden", "not-found", "invalid-state"),
)
async def impersonate(
    user_id: UserId,
    wanted: ImpersonationRequest,
    staff: Impersonator,
    resources: Res,
    tokens: TokensDep,
) -> Response:
    """Act as somebody for some minutes: what is done then is written down with both names.

    The person sees the session among their own, and can end it. How they sign in, and whether
    their account stays, is not for whoever acts as them.
    """
    session_id = new_id(Prefix.SESSION)
    seconds = resources.settings.auth.impersonation_seconds
    async with resources.database.transaction() as session:
        user = await impersonation.begin(
            session,
            session_id,
            user_id=user_id,
            impersonator_id=staff.user_id,
            reason=wanted.reason,
            lifetime_seconds=seconds,
        )
        principal = Principal(
            user_id=user.id,
            role=user.role,
            vendor_id=user.vendor_id,
            permissions=RANKS[VendorRank(user.vendor_rank)] if user.vendor_rank else frozenset(),
            session_id=session_id,
            impersonator_id=staff.user_id,
        )
    return JsonResponse(
        {
            "access_token": tokens.issue(principal, lifetime_seconds=seconds),
            "token_type": "Bearer",
            "expires_in": seconds,
            "session_id": session_id,
        },
        201,
    )
