"""Sign in with Google, and link a Google account."""

from __future__ import annotations

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from api import account_messages
from api.auth import Oneself
from api.dependencies import Res
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.schemas.google import GoogleProof, GoogleSignIn, LinkedIdentity, LinkedIdentityList
from api.schemas.identity import Session
from api.sign_in import SignInDep
from core.domain.errors import NotAuthenticatedError
from core.domain.ids import Prefix, new_id
from core.one_time import OneTimeSecrets
from core.resources import Resources
from models.repositories import account_messages as messages
from models.repositories import identities, people
from models.repositories.account_messages import NewMessage
from models.repositories.users import Credentials
from models.users import Identity, MessageKind, SignInMethod, User

api = router("identity")

_ONESELF = ("not-authenticated", "forbidden")


@api.post(
    "/auth/google",
    response_model=Session,
    responses=problems("not-authenticated", "totp-required", "conflict"),
)
async def sign_in_with_google(wanted: GoogleSignIn, resources: Res, sign_in: SignInDep) -> Response:
    """Sign in with a Google ID token; the first time makes an account, or joins one's own."""
    account = await resources.google.verify(wanted.id_token, nonce=wanted.nonce)
    told = None
    async with resources.database.transaction() as session:
        user, linked = await identities.signed_in(session, account)
        if people.status_of(user) is not people.AccountStatus.ACTIVE:
            raise NotAuthenticatedError("this account is closed")
        credentials = _credentials(user)
        if linked:
            told = await _tell(session, resources, user)
    if told is not None:
        await account_messages.begin(resources, told)
    return await sign_in.open(credentials, SignInMethod.GOOGLE, totp_code=wanted.totp_code)


@api.get(
    "/me/identities",
    response_model=LinkedIdentityList,
    responses=problems(*_ONESELF),
)
async def list_identities(principal: Oneself, resources: Res) -> Response:
    """Return the accounts elsewhere that sign the caller in."""
    async with resources.database.transaction() as session:
        rows = await identities.of_user(session, principal.user_id)
    return JsonResponse({"data": [_document(row) for row in rows], "next_cursor": None})


@api.post(
    "/me/identities/google",
    status_code=201,
    response_model=LinkedIdentity,
    responses=problems(*_ONESELF, "conflict"),
)
async def link_google(wanted: GoogleProof, principal: Oneself, resources: Res) -> Response:
    """Let a Google account sign the caller in; the one that does already is found again."""
    account = await resources.google.verify(wanted.id_token, nonce=wanted.nonce)
    told = None
    async with resources.database.transaction() as session:
        user, linked = await identities.link(session, principal.user_id, account)
        if linked:
            told = await _tell(session, resources, user)
        (row,) = await identities.of_user(session, principal.user_id)
        await session.refresh(row)
        body = _document(row)
    if told is not None:
        await account_messages.begin(resources, told)
    return JsonResponse(body, 201)


@api.delete(
    "/me/identities/google",
    status_code=204,
    responses=problems(*_ONESELF, "not-found", "conflict"),
)
async def unlink_google(principal: Oneself, resources: Res) -> None:
    """Take the Google account away, unless nothing else would sign the caller in."""
    async with resources.database.transaction() as session:
        user = await identities.unlink(session, principal.user_id)
        told = await _tell(session, resources, user)
    if told is not None:
        await account_messages.begin(resources, told)


async def _tell(session: AsyncSession, resources: Resources, user: User) -> str | None:
    """Write to the person that the ways to sign in have changed; return the message's id."""
    if user.email is None:
        return None
    message = NewMessage(
        kind=MessageKind.SIGN_IN_CHANGED,
        recipient=user.email,
        user_id=user.id,
        id=new_id(Prefix.MESSAGE),
    )
    secrets = OneTimeSecrets.of(resources.settings.auth)
    await messages.write(session, message, secrets)
    return message.id


def _credentials(user: User) -> Credentials:
    return Credentials(
        user_id=user.id,
        role=user.role,
        vendor_id=user.vendor_id,
        vendor_rank=user.vendor_rank,
        permissions=user.permissions,
        password_hash=None,
        has_totp=user.totp_confirmed_at is not None,
    )


def _document(row: Identity) -> dict[str, object]:
    return {"provider": row.provider, "created_at": row.created_at}
