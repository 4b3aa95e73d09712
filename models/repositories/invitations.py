"""An invitation becomes an account, or a place at a vendor's for one that is there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import ConflictError
from core.domain.ids import Prefix, derived_id
from core.one_time import OneTimeSecrets, message_of
from models.repositories import audit, idempotency, people
from models.users import AccountMessage, Invitation, MessageKind, Role, User


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAccount:
    """What the person says of themselves."""

    name: str
    password_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenInvitation:
    """A message whose token was shown, locked, and the account that it is for, if there is one."""

    message: AccountMessage
    invitation: Invitation | None
    """None for an account that staff have made: only its password is missing."""
    user: User | None


async def of_token(
    session: AsyncSession, token: str, secrets: OneTimeSecrets
) -> OpenInvitation | None:
    """Return the invitation that a token opens; None when it opens nothing, or nothing any more."""
    message_id = message_of(token)
    if message_id is None:
        return None
    statement = (
        select(AccountMessage)
        .where(AccountMessage.id == message_id, AccountMessage.kind == MessageKind.INVITATION)
        .where(col(AccountMessage.used_at).is_(None), text("expires_at > now()"))
        .with_for_update()
    )
    message = (await session.scalars(statement)).one_or_none()
    if message is None or not secrets.matches(message.id, token, message.secret_hash or ""):
        return None
    invitation = await session.get(Invitation, message.id)
    await idempotency.one_at_a_time(session, f"account:{message.recipient.lower()}")
    whose = (
        User.id == message.user_id
        if invitation is None
        else func.lower(User.email) == message.recipient.lower()
    )
    user = (await session.scalars(select(User).where(whose).with_for_update())).one_or_none()
    return OpenInvitation(message=message, invitation=invitation, user=user)


async def accept(session: AsyncSession, opened: OpenInvitation, account: NewAccount | None) -> None:
    """Use an invitation: whoever has its token owns the address.

    Args:
        session: the caller's transaction.
        opened: as ``of_token`` has found it.
        account: the name and the password, for whoever has none yet.

    Raises:
        ConflictError: the account is closed, of staff, or works for another vendor.
    """
    message, invitation, user = opened.message, opened.invitation, opened.user
    if user is None:
        user = await _added(session, message)
    _require_free(user, invitation)
    if user.password_hash is None and account is not None:
        user.name, user.password_hash = account.name, account.password_hash
    user.email_verified_at = user.email_verified_at or func.now()  # type: ignore[assignment]  # the database's clock
    if invitation is not None:
        user.role, user.permissions = Role.VENDOR, []
        user.vendor_id, user.vendor_rank = invitation.vendor_id, invitation.rank
    message.used_at = func.now()  # type: ignore[assignment]  # the database's clock
    await session.flush()
    await people.end_sessions(session, user.id)
    await audit.record(
        session,
        actor=f"{user.role}:{user.id}",
        action="invitation.accepted",
        target=user.id,
        reason="",
        after={"vendor_id": user.vendor_id, "rank": user.vendor_rank},
    )


async def _added(session: AsyncSession, message: AccountMessage) -> User:
    user = User(
        id=derived_id(Prefix.USER, message.id, "invited"),
        email=message.recipient,
        name="",
        role=Role.CUSTOMER,
    )
    return await people.insert(session, user)


def _require_free(user: User, invitation: Invitation | None) -> None:
    if people.status_of(user) is not people.AccountStatus.ACTIVE:
        raise ConflictError("this account is closed")
    if invitation is None:
        return
    if user.role == Role.STAFF:
        raise ConflictError("an account of staff works for no vendor")
    if user.vendor_id not in {None, invitation.vendor_id}:
        raise ConflictError("this account works for another vendor")
