"""What a person asks about their own data."""

from __future__ import annotations

from fastapi import Response

from api import erasures
from api.auth import Oneself
from api.dependencies import Res
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.schemas.personal import Erasure

api = router("personal data")


@api.delete(
    "/me",
    status_code=202,
    response_model=Erasure,
    responses=problems("not-authenticated", "forbidden", "not-found", "conflict"),
)
async def forget_me(principal: Oneself, resources: Res) -> Response:
    """Close the account now, and delete all that is known of its person.

    It waits until orders, returns, refunds and disputes have ended. What the law asks to keep of
    them stays without name, address and e-mail address.
    """
    return JsonResponse(await erasures.ask_for_oneself(resources, principal), 202)
