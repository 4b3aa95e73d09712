"""The caller's own profile."""

from __future__ import annotations

from fastapi import Response

from api.auth import SignedIn
from api.dependencies import Res
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.schemas.identity import ProfileChange, User
from core.domain.errors import NotAuthenticatedError
from models.repositories import users
from models.repositories.users import UserRow

api = router("identity")


@api.get("/me", response_model=User, responses=problems("not-authenticated"))
async def get_me(principal: SignedIn, resources: Res) -> Response:
    """Return the profile of whoever asks."""
    return _answer(await users.find_user(resources.database, principal.user_id))


@api.patch("/me", response_model=User, responses=problems("not-authenticated"))
async def change_me(change: ProfileChange, principal: SignedIn, resources: Res) -> Response:
    """Change what is sent, and leave the rest."""
    if change.name is None:
        return _answer(await users.find_user(resources.database, principal.user_id))
    return _answer(await users.rename_user(resources.database, principal.user_id, change.name))


def _answer(user: UserRow | None) -> Response:
    if user is None:  # the account was closed while its token still lives
        raise NotAuthenticatedError("there is no such account any more")
    return JsonResponse(
        {
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "role": user.role,
            "vendor_id": user.vendor_id,
            "created_at": user.created_at,
        }
    )
