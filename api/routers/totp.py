"""An authenticator as the second factor of one's own account."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Request, Response

from api import second_factor
from api.auth import Oneself, PeopleWriter
from api.dependencies import Res, UserId
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.schemas.totp import TotpProof, TotpSecret
from core import totp
from core.domain.errors import FieldError, InvalidRequestError, NotFoundError
from core.domain.permissions import Permission
from core.domain.staffing import require_above
from core.secret_text import SecretTexts
from models.repositories import people
from models.repositories import second_factor as rows

api = router("identity")

_ONESELF = ("not-authenticated", "forbidden")
_ISSUER = "Perdure"


@api.post(
    "/me/totp",
    status_code=201,
    response_model=TotpSecret,
    responses=problems(*_ONESELF, "conflict"),
)
async def begin_totp(principal: Oneself, resources: Res) -> Response:
    """Make a secret for an authenticator; it is in force when a code of it has confirmed it."""
    secret = totp.new_secret()
    stored = SecretTexts.of(resources.settings.auth).encrypt(secret)
    async with resources.database.transaction() as session:
        user = await rows.begin(session, principal.user_id, stored)
        account = user.email or user.id
    uri = totp.uri_of(secret, account=account, issuer=_ISSUER)
    return JsonResponse({"secret": secret, "uri": uri}, 201)


@api.post(
    "/me/totp/confirm",
    status_code=204,
    responses=problems(*_ONESELF, "not-found"),
)
async def confirm_totp(
    request: Request, wanted: TotpProof, principal: Oneself, resources: Res
) -> None:
    """Show that the authenticator works: from now on signing in needs a code of it."""
    await second_factor.count_attempt(request.app, resources, principal.user_id)
    async with resources.database.transaction() as session:
        user = await people.find(session, principal.user_id, lock=True)
        if user.totp_secret is None or user.totp_confirmed_at is not None:
            raise NotFoundError("no authenticator waits to be confirmed")
        step = second_factor.matching_step(resources, user.totp_secret, wanted.code)
        if step is None:
            raise _wrong("/code")
        await rows.confirm(session, user, step)


@api.delete(
    "/me/totp",
    status_code=204,
    responses=problems(*_ONESELF, "not-found"),
)
async def remove_totp(
    request: Request,
    principal: Oneself,
    resources: Res,
    code: Annotated[
        str | None,
        Header(
            alias="Totp-Code",
            pattern=r"^[0-9]{6}$",
            description="Of the authenticator that is taken away",
        ),
    ] = None,
) -> None:
    """Take the authenticator away; whoever does so still has it."""
    stored = await rows.secret_of(resources.database, principal.user_id)
    if stored is not None:
        await second_factor.count_attempt(request.app, resources, principal.user_id)
        step = second_factor.matching_step(resources, stored, code or "")
        if step is None or not await rows.use_step(resources.database, principal.user_id, step):
            raise _wrong("/header/totp-code")
    async with resources.database.transaction() as session:
        user = await people.find(session, principal.user_id, lock=True)
        if not await rows.remove(session, user, actor=principal.actor):
            raise NotFoundError("no authenticator is set up")


@api.delete(
    "/admin/users/{id}/totp",
    status_code=204,
    tags=["people"],
    responses=problems(*_ONESELF, "not-found"),
)
async def reset_totp(user_id: UserId, staff: PeopleWriter, resources: Res) -> None:
    """Take somebody's authenticator away, who has lost it; their sessions end."""
    async with resources.database.transaction() as session:
        user = await people.find(session, user_id, lock=True)
        granted = await people.present_permissions(session, staff.user_id) & staff.permissions
        require_above(granted, (Permission(word) for word in user.permissions))
        if not await rows.remove(session, user, actor=staff.actor):
            raise NotFoundError("no authenticator is set up")
        await people.end_sessions(session, user_id)


def _wrong(pointer: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError(pointer=pointer, detail=second_factor.WRONG)])
