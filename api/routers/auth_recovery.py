"""Confirm an e-mail address, and come back after a password was forgotten."""

from __future__ import annotations

from fastapi import Response

from api import account_messages as messages
from api.dependencies import PasswordsDep, Res, SignInGuardDep
from api.json_route import router
from api.new_passwords import require_good
from api.openapi import problems
from api.schemas.identity import EmailAddress, EmailToken, PasswordReset
from api.sign_in import SignInDep
from core.domain.errors import FieldError, InvalidRequestError
from core.one_time import OneTimeSecrets
from models.repositories import account_messages, audit, message_secrets, proofs, sessions
from models.repositories.account_messages import NewMessage
from models.repositories.message_secrets import Proof
from models.users import MessageKind

api = router("identity")


@api.post("/auth/email/verify", status_code=204, responses=problems("conflict"))
async def verify_email(wanted: EmailToken, resources: Res) -> Response:
    """Confirm an e-mail address with the token of the link that was sent to it.

    A changed address becomes the account's, and the one before is told.
    """
    secrets = OneTimeSecrets.of(resources.settings.auth)
    notice = None
    async with resources.database.transaction() as session:
        proof = await message_secrets.use_token(
            session, MessageKind.VERIFY_EMAIL, wanted.token, secrets
        )
        user_id, email = _owner_of(proof)
        before = await proofs.confirm_email(session, user_id, email)
        await audit.record(
            session,
            actor=f"user:{user_id}",
            action="user.email_verified",
            target=user_id,
            reason="",
        )
        if before is not None:
            notice = NewMessage(kind=MessageKind.EMAIL_CHANGED, recipient=before, user_id=user_id)
            await account_messages.write(session, notice, secrets)
    if notice is not None:
        await messages.begin(resources, notice.id)
    return Response(status_code=204)


@api.post("/auth/email/resend", status_code=202, response_class=Response)
async def resend_verification(
    wanted: EmailAddress, resources: Res, guard: SignInGuardDep, sign_in: SignInDep
) -> Response:
    """Send the link again, if the address belongs to an account and is not confirmed yet."""
    await guard.count_request(sign_in.address)
    if await guard.may_write_to(wanted.email):
        message = NewMessage(kind=MessageKind.VERIFY_EMAIL, recipient=wanted.email)
        await messages.request(resources, message, unverified_only=True)
    return Response(status_code=202)


@api.post("/auth/password/forgot", status_code=202, response_class=Response)
async def forgot_password(
    wanted: EmailAddress, resources: Res, guard: SignInGuardDep, sign_in: SignInDep
) -> Response:
    """Send a link that sets a new password, if the address belongs to an account."""
    await guard.count_request(sign_in.address)
    if await guard.may_write_to(wanted.email):
        message = NewMessage(kind=MessageKind.RESET_PASSWORD, recipient=wanted.email)
        await messages.request(resources, message)
    return Response(status_code=202)


@api.post("/auth/password/reset", status_code=204)
async def reset_password(
    wanted: PasswordReset, resources: Res, passwords: PasswordsDep
) -> Response:
    """Set a new password with the token of the link; every session ends, and the owner is told."""
    await require_good(wanted.password)
    password_hash = await passwords.hash(wanted.password)
    secrets = OneTimeSecrets.of(resources.settings.auth)
    async with resources.database.transaction() as session:
        proof = await message_secrets.use_token(
            session, MessageKind.RESET_PASSWORD, wanted.token, secrets
        )
        user_id, email = _owner_of(proof)
        await proofs.take_over(session, user_id)
        owner = await proofs.set_password(session, user_id, password_hash)
        if owner is None:
            raise _not_valid()
        await sessions.revoke(session, user_id)
        await audit.record(
            session,
            actor=f"{owner.role}:{user_id}",
            action="user.password_reset",
            target=user_id,
            reason="",
        )
        notice = NewMessage(kind=MessageKind.PASSWORD_CHANGED, recipient=email, user_id=user_id)
        await account_messages.write(session, notice, secrets)
    await messages.begin(resources, notice.id)
    return Response(status_code=204)


def _owner_of(proof: Proof | None) -> tuple[str, str]:
    """Return whose the link is, and where it was sent.

    Raises:
        InvalidRequestError: it is nobody's.
    """
    if proof is None or proof.user_id is None:
        raise _not_valid()
    return proof.user_id, proof.recipient


def _not_valid() -> InvalidRequestError:
    detail = "this link is not valid, or not any more"
    return InvalidRequestError([FieldError(pointer="/token", detail=detail)])
