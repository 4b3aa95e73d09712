"""Invitations become accounts."""

from __future__ import annotations

import asyncio

from api.dependencies import PasswordsDep, Res
from api.json_route import router
from api.openapi import problems
from api.schemas.people import InvitationAcceptance
from core.domain.errors import FieldError, InvalidRequestError, NotAuthenticatedError
from core.one_time import OneTimeSecrets
from core.security import Passwords, password_weakness
from models.repositories import invitations
from models.repositories.invitations import NewAccount, OpenInvitation

api = router("identity")


@api.post(
    "/auth/invitations/accept",
    status_code=204,
    responses=problems("not-authenticated", "conflict"),
)
async def accept_invitation(
    wanted: InvitationAcceptance, resources: Res, passwords: PasswordsDep
) -> None:
    """Take a place that was offered by e-mail; the token in it proves whose the address is."""
    secrets = OneTimeSecrets.of(resources.settings.auth)
    async with resources.database.transaction() as session:
        opened = await invitations.of_token(session, wanted.token, secrets)
        if opened is None:
            raise NotAuthenticatedError("the invitation is not valid any more")
        account = await _account(opened, wanted, passwords)
        await invitations.accept(session, opened, account)


async def _account(
    opened: OpenInvitation, wanted: InvitationAcceptance, passwords: Passwords
) -> NewAccount | None:
    """Return what a new account needs; None for one that has a password."""
    if opened.user is not None and opened.user.password_hash is not None:
        return None
    name = wanted.name or (opened.user.name if opened.user else None)
    sent = {"/name": name, "/password": wanted.password}
    missing = [FieldError(pointer=at, detail="required") for at, value in sent.items() if not value]
    if missing or name is None or wanted.password is None:
        raise InvalidRequestError(missing)
    about = (opened.message.recipient, name)
    weakness = await asyncio.to_thread(password_weakness, wanted.password, about=about)
    if weakness:
        raise InvalidRequestError([FieldError(pointer="/password", detail=weakness)])
    return NewAccount(name=name, password_hash=await passwords.hash(wanted.password))
