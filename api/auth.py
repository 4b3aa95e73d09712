"""Who may call what: reusable dependencies (``async`` for the reason in ``api.dependencies``)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from api.context import context_of
from core.domain.errors import ForbiddenError, NotAuthenticatedError
from core.security import Principal

# For the OpenAPI document only: the token is read by RateLimitMiddleware, once.
_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", scheme_name="AccessToken")


AccessToken = Annotated[object, Security(_bearer)]
"""Only says in the document that an access token is taken."""


async def signed_in(request: Request, _: AccessToken) -> Principal:
    """Require a valid access token.

    Raises:
        NotAuthenticatedError: none, or one that is not valid any more.
    """
    principal = await anyone(request)
    if principal is None:
        raise NotAuthenticatedError("an access token is needed")
    return principal


async def anyone(request: Request) -> Principal | None:
    """Let everybody in; a token that is sent must be valid all the same."""
    context = context_of(request.scope)
    if context.refusal is not None:
        raise context.refusal
    return context.principal


def has_role(*roles: str) -> Callable[[Principal], Coroutine[Any, Any, Principal]]:
    """Return a dependency that requires one of the roles.

    Raises, when it runs:
        ForbiddenError: signed in, but with another role.
    """

    async def check(principal: Annotated[Principal, Depends(signed_in)]) -> Principal:
        if principal.role not in roles:
            raise ForbiddenError(f"this needs the role {' or '.join(roles)}")
        return principal

    return check


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorUser:
    """Somebody who works for a vendor."""

    user_id: str
    vendor_id: str

    @property
    def actor(self) -> str:
        return f"vendor:{self.user_id}"


async def vendor_member(
    principal: Annotated[Principal, Depends(has_role("vendor"))],
) -> VendorUser:
    """Require somebody who works for a vendor.

    Raises:
        ForbiddenError: signed in, but with another role, or for no vendor.
    """
    if principal.vendor_id is None:
        raise ForbiddenError("this account belongs to no vendor")
    return VendorUser(user_id=principal.user_id, vendor_id=principal.vendor_id)


SignedIn = Annotated[Principal, Depends(signed_in)]
Staff = Annotated[Principal, Depends(has_role("staff"))]
VendorMember = Annotated[VendorUser, Depends(vendor_member)]
Anyone = Annotated[Principal | None, Depends(anyone)]
