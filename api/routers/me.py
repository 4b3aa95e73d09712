"""The caller's own profile, and how it signs in."""

from __future__ import annotations

from fastapi import Response

from api import account_messages as messages
from api.auth import Oneself, SignedIn
from api.dependencies import PasswordsDep, Res, SignInGuardDep
from api.json_route import JsonResponse, router
from api.new_passwords import require_good
from api.openapi import problems
from api.own_password import require_own_password
from api.schemas.identity import PasswordChange, PhoneProof, ProfileChange, User
from api.sign_in import SignInDep
from core.domain.errors import FieldError, InvalidRequestError, NotAuthenticatedError
from core.one_time import OneTimeSecrets
from models.repositories import (
    account_messages,
    audit,
    message_secrets,
    proofs,
    sessions,
    users,
)
from models.repositories.account_messages import NewMessage
from models.repositories.users import UserRow
from models.users import MessageChannel, MessageKind

api = router("identity")
_ONESELF = problems("not-authenticated", "forbidden")


@api.get("/me", response_model=User, responses=problems("not-authenticated"))
async def get_me(principal: SignedIn, resources: Res) -> Response:
    """Return the profile of whoever asks."""
    return _answer(await users.find_user(resources.database, principal.user_id))


@api.patch("/me", response_model=User, responses=_ONESELF)
async def change_me(
    *,
    change: ProfileChange,
    principal: Oneself,
    resources: Res,
    passwords: PasswordsDep,
    guard: SignInGuardDep,
    sign_in: SignInDep,
) -> Response:
    """Change what is sent, and leave the rest.

    A new e-mail address is the account's when its owner follows the link that is sent to it, a new
    number when the code that is sent there is given to `POST /v1/me/phone`.
    """
    user = await users.find_user(resources.database, principal.user_id)
    if user is None:
        raise _closed()
    if change.email is not None or change.phone is not None:
        await require_own_password(
            principal.user_id,
            change.current_password,
            resources=resources,
            passwords=passwords,
            attempt=await guard.begin(principal.user_id, sign_in.address),
        )
    if change.name is not None:
        user = await users.rename_user(resources.database, principal.user_id, change.name)
    asked = [
        NewMessage(kind=kind, channel=channel, recipient=recipient, user_id=principal.user_id)
        for kind, channel, recipient in (
            (MessageKind.VERIFY_EMAIL, MessageChannel.EMAIL, change.email),
            (MessageKind.VERIFY_PHONE, MessageChannel.SMS, change.phone),
        )
        if recipient is not None
    ]
    for message in asked:
        await guard.count_request(sign_in.address)
        if await guard.may_write_to(message.recipient):
            await messages.send(resources, message)
    return _answer(user)


@api.post("/me/phone", response_model=User, responses={**_ONESELF, **problems("conflict")})
async def prove_phone(
    wanted: PhoneProof,
    principal: Oneself,
    resources: Res,
    guard: SignInGuardDep,
    sign_in: SignInDep,
) -> Response:
    """Make a number the account's with the code that was sent to it."""
    attempt = await guard.begin(f"phone:{principal.user_id}", sign_in.address)
    async with resources.database.transaction() as session:
        proof = await message_secrets.try_code(
            session,
            MessageKind.VERIFY_PHONE,
            wanted.code,
            OneTimeSecrets.of(resources.settings.auth),
            recipient=wanted.phone,
            user_id=principal.user_id,
        )
        if proof is not None:
            await proofs.set_phone(session, principal.user_id, wanted.phone)
            await audit.record(
                session,
                actor=principal.actor,
                action="user.phone_changed",
                target=principal.user_id,
                reason="",
            )
    if proof is None:
        detail = "the code is wrong, or not valid any more"
        raise InvalidRequestError([FieldError(pointer="/code", detail=detail)])
    await attempt.succeeded()
    return _answer(await users.find_user(resources.database, principal.user_id))


@api.post("/me/password", status_code=204, responses=_ONESELF)
async def change_password(
    *,
    wanted: PasswordChange,
    principal: Oneself,
    resources: Res,
    passwords: PasswordsDep,
    guard: SignInGuardDep,
    sign_in: SignInDep,
) -> Response:
    """Change the password; every other session ends, and the owner is told."""
    user = await users.find_user(resources.database, principal.user_id)
    if user is None:
        raise _closed()
    await require_own_password(
        user.id,
        wanted.current_password,
        resources=resources,
        passwords=passwords,
        attempt=await guard.begin(user.id, sign_in.address),
    )
    await require_good(wanted.password, about=(user.email, user.name))
    password_hash = await passwords.hash(wanted.password)
    notice = None
    async with resources.database.transaction() as session:
        await proofs.set_password(session, user.id, password_hash)
        await sessions.revoke(session, user.id, spared_id=principal.session_id)
        await audit.record(
            session,
            actor=principal.actor,
            action="user.password_changed",
            target=user.id,
            reason="",
        )
        if user.email is not None:
            notice = NewMessage(
                kind=MessageKind.PASSWORD_CHANGED, recipient=user.email, user_id=user.id
            )
            await account_messages.write(
                session, notice, OneTimeSecrets.of(resources.settings.auth)
            )
    if notice is not None:
        await messages.begin(resources, notice.id)
    return Response(status_code=204)


def _answer(user: UserRow | None) -> Response:
    if user is None:
        raise _closed()
    return JsonResponse(
        {
            "id": user.id,
            "email": user.email,
            "email_verified": user.email_verified_at is not None,
            "phone": user.phone,
            "name": user.name,
            "role": user.role,
            "vendor_id": user.vendor_id,
            "created_at": user.created_at,
        }
    )


def _closed() -> NotAuthenticatedError:
    """The account was closed while its token still lives."""
    return NotAuthenticatedError("there is no such account any more")
