"""Who may call what: reusable dependencies (``async`` for the reason in ``api.dependencies``)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from api.context import context_of
from core.domain.errors import ForbiddenError, NotAuthenticatedError
from core.domain.permissions import Permission, allows
from core.security import Principal

# For the OpenAPI document only: the token is read by RateLimitMiddleware, once.
_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", scheme_name="AccessToken")


AccessToken = Annotated[object, Security(_bearer)]
"""Only says in the document that an access token is taken."""


async def authenticated(request: Request, _: AccessToken) -> Principal:
    """Require a valid access token of a person, or a valid API key of a machine.

    Raises:
        NotAuthenticatedError: none, or one that is not valid any more.
    """
    principal = await anyone(request)
    if principal is None:
        raise NotAuthenticatedError("an access token is needed")
    return principal


async def signed_in(request: Request, token: AccessToken) -> Principal:
    """Require a person, or somebody of staff who acts as the person.

    Raises:
        NotAuthenticatedError: as ``authenticated``.
        ForbiddenError: an API key, which is nobody.
    """
    principal = await authenticated(request, token)
    _require_person(principal)
    return principal


async def oneself(principal: Annotated[Principal, Depends(signed_in)]) -> Principal:
    """Require the person: how somebody signs in, and whether they stay, is theirs alone.

    Raises:
        NotAuthenticatedError, ForbiddenError: as ``signed_in``.
        ForbiddenError: somebody of staff acts as the person.
    """
    if principal.impersonator_id is not None:
        raise ForbiddenError("nobody does this for somebody else")
    return principal


async def anyone(request: Request) -> Principal | None:
    """Let everybody in; a token that is sent must be valid all the same."""
    context = context_of(request.scope)
    if context.refusal is not None:
        raise context.refusal
    return context.principal


async def visitor(request: Request) -> Principal | None:
    """Let everybody in who buys: people, with an account or without.

    Raises:
        NotAuthenticatedError: a token that is not valid.
        ForbiddenError: an API key, which buys nothing.
    """
    principal = await anyone(request)
    if principal is not None:
        _require_person(principal)
    return principal


def has_role(*roles: str) -> Callable[[Principal], Coroutine[Any, Any, Principal]]:
    """Return a dependency that requires one of the roles.

    Raises, when it runs:
        ForbiddenError: signed in, but with another role.
    """

    async def check(principal: Annotated[Principal, Depends(authenticated)]) -> Principal:
        if principal.role not in roles:
            raise ForbiddenError(f"this needs the role {' or '.join(roles)}")
        return principal

    return check


def staff_with(permission: Permission, *, in_person: bool = False) -> Any:
    """Return a dependency that requires somebody of staff who has the permission.

    ``in_person`` is for what two people decide together: nobody is two people by a key.

    Raises, when it runs:
        ForbiddenError: signed in, but with another role, or without the permission.
    """

    async def check(principal: Annotated[Principal, Depends(has_role("staff"))]) -> Principal:
        _require(principal, permission)
        if in_person:
            _require_person(principal)
        return principal

    return Depends(check)


@dataclass(frozen=True, kw_only=True, slots=True)
class VendorUser:
    """Somebody who works for a vendor."""

    user_id: str
    vendor_id: str
    actor: str


def vendor_with(permission: Permission) -> Any:
    """Return a dependency that requires a member of a vendor whose rank has the permission.

    Raises, when it runs:
        ForbiddenError: another role, no vendor, or a rank that may not.
    """

    async def check(principal: Annotated[Principal, Depends(has_role("vendor"))]) -> VendorUser:
        _require(principal, permission)
        if principal.vendor_id is None:
            raise ForbiddenError("this account belongs to no vendor")
        return VendorUser(
            user_id=principal.user_id, vendor_id=principal.vendor_id, actor=principal.actor
        )

    return Depends(check)


def seller_with(permission: Permission) -> Any:
    """Return a dependency for what staff do with everything and vendors with what is theirs.

    The handler constrains every query by ``vendor_id`` when it is not None.

    Raises, when it runs:
        ForbiddenError: another role, no vendor, or without the permission.
    """

    async def check(
        principal: Annotated[Principal, Depends(has_role("staff", "vendor"))],
    ) -> Principal:
        _require(principal, permission)
        if principal.role == "vendor" and principal.vendor_id is None:
            raise ForbiddenError("this account belongs to no vendor")
        return principal

    return Depends(check)


def _require_person(principal: Principal) -> None:
    if principal.api_key_id is not None:
        raise ForbiddenError("this is for people; an API key is a machine's")


def _require(principal: Principal, permission: Permission) -> None:
    if not allows(principal.permissions, permission):
        raise ForbiddenError(f"this needs the permission {permission}")


SignedIn = Annotated[Principal, Depends(signed_in)]
Oneself = Annotated[Principal, Depends(oneself)]
Authenticated = Annotated[Principal, Depends(authenticated)]
Anyone = Annotated[Principal | None, Depends(anyone)]
Visitor = Annotated[Principal | None, Depends(visitor)]
OrdersReader = Annotated[Principal, staff_with(Permission.ORDERS_READ)]
OrdersWriter = Annotated[Principal, staff_with(Permission.ORDERS_WRITE)]
StockReader = Annotated[Principal, staff_with(Permission.STOCK_READ)]
StockWriter = Annotated[Principal, staff_with(Permission.STOCK_WRITE)]
CatalogueReader = Annotated[Principal, staff_with(Permission.CATALOGUE_READ)]
CatalogueWriter = Annotated[Principal, staff_with(Permission.CATALOGUE_WRITE)]
TermsReader = Annotated[Principal, staff_with(Permission.TERMS_READ)]
TermsWriter = Annotated[Principal, staff_with(Permission.TERMS_WRITE)]
MoneyReader = Annotated[Principal, staff_with(Permission.MONEY_READ)]
MoneyWriter = Annotated[Principal, staff_with(Permission.MONEY_WRITE)]
Settler = Annotated[Principal, staff_with(Permission.MONEY_WRITE, in_person=True)]
PeopleReader = Annotated[Principal, staff_with(Permission.PEOPLE_READ)]
PeopleWriter = Annotated[Principal, staff_with(Permission.PEOPLE_WRITE)]
Impersonator = Annotated[Principal, staff_with(Permission.IMPERSONATE)]
AuditReader = Annotated[Principal, staff_with(Permission.AUDIT_READ)]
SettingsReader = Annotated[Principal, staff_with(Permission.SETTINGS_READ)]
SettingsWriter = Annotated[Principal, staff_with(Permission.SETTINGS_WRITE)]
ReadsCatalogue = Annotated[Principal, seller_with(Permission.CATALOGUE_READ)]
SellsCatalogue = Annotated[Principal, seller_with(Permission.CATALOGUE_WRITE)]
VendorOrders = Annotated[VendorUser, vendor_with(Permission.ORDERS_WRITE)]
VendorCatalogue = Annotated[VendorUser, vendor_with(Permission.CATALOGUE_READ)]
VendorMoney = Annotated[VendorUser, vendor_with(Permission.MONEY_READ)]
VendorPeople = Annotated[VendorUser, vendor_with(Permission.PEOPLE_WRITE)]
