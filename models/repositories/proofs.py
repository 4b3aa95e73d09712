"""What becomes of an account when its owner proves an address, a number or a password."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.errors import ConflictError
from core.domain.ids import Prefix, new_id
from models.repositories import message_secrets, sessions
from models.users import MessageChannel

_ADD = text("""
INSERT INTO users (id, email, email_verified_at, phone, phone_verified_at, name, role)
SELECT :id, given.email, CASE WHEN given.email IS NOT NULL THEN now() END,
    given.phone, CASE WHEN given.phone IS NOT NULL THEN now() END, '', 'customer'
FROM (SELECT CAST(:email AS text) AS email, CAST(:phone AS text) AS phone) given
ON CONFLICT DO NOTHING
""")
_OWNER = text("""
SELECT id, disabled_at IS NOT NULL AS disabled FROM users
WHERE (CAST(:email AS text) IS NOT NULL AND lower(email) = lower(:email))
   OR (CAST(:phone AS text) IS NOT NULL AND phone = :phone)
FOR UPDATE
""")
_TAKE_OVER = text("""
UPDATE users SET email_verified_at = now(), updated_at = now(), password_hash = NULL,
    phone = NULL, phone_verified_at = NULL,
    totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = NULL
WHERE id = :id AND email_verified_at IS NULL
RETURNING id
""")
_FORGET_IDENTITIES = text("DELETE FROM identities WHERE user_id = :id")
_CONFIRM = text("""
UPDATE users SET email_verified_at = coalesce(email_verified_at, now()), updated_at = now()
WHERE id = :id AND lower(email) = lower(:email) AND disabled_at IS NULL
RETURNING id
""")
_TAKEN = text("SELECT 1 FROM users WHERE lower(email) = lower(:email) AND id <> :id")
_PRESENT = text("SELECT email FROM users WHERE id = :id AND disabled_at IS NULL FOR UPDATE")
_CHANGE = text("""
UPDATE users SET email = :email, email_verified_at = now(), updated_at = now() WHERE id = :id
""")
_NUMBER_TAKEN = text("SELECT 1 FROM users WHERE phone = :phone AND id <> :id")
_SET_NUMBER = text("""
UPDATE users SET phone = :phone, phone_verified_at = now(), updated_at = now()
WHERE id = :id AND disabled_at IS NULL
""")
_SET_PASSWORD = text("""
UPDATE users SET password_hash = :password_hash, updated_at = now()
WHERE id = :id AND disabled_at IS NULL
RETURNING email, role
""")


async def account_of(session: AsyncSession, channel: MessageChannel, recipient: str) -> str | None:
    """Return the account of whoever has proved an address or a number; a new one if need be.

    An account whose address nobody had proved may have been made by somebody else, who waits for
    its owner to use it: what that one has put there goes, and its sessions end.

    Returns:
        None: the account is disabled.
    """
    email = recipient if channel is MessageChannel.EMAIL else None
    phone = recipient if channel is MessageChannel.SMS else None
    values = {"id": new_id(Prefix.USER), "email": email, "phone": phone}
    await session.execute(_ADD, values)
    owner = (await session.execute(_OWNER, values)).mappings().one()
    if owner["disabled"]:
        return None
    user_id: str = owner["id"]
    if email is not None:
        await take_over(session, user_id)
    return user_id


async def take_over(session: AsyncSession, user_id: str) -> None:
    """Confirm the e-mail address of an account for its owner; see ``account_of``."""
    taken = await session.execute(_TAKE_OVER, {"id": user_id})
    if taken.one_or_none() is not None:
        await session.execute(_FORGET_IDENTITIES, {"id": user_id})
        await sessions.revoke(session, user_id)


async def confirm_email(session: AsyncSession, user_id: str, email: str) -> str | None:
    """Make a proved address that of the account.

    Returns:
        The address before, when it has changed.

    Raises:
        ConflictError: another account has it, or this account is closed.
    """
    confirmed = await session.execute(_CONFIRM, {"id": user_id, "email": email})
    if confirmed.one_or_none() is not None:
        return None
    present = (await session.execute(_PRESENT, {"id": user_id})).mappings().one_or_none()
    if present is None:
        raise ConflictError("the account is closed")
    if (await session.execute(_TAKEN, {"id": user_id, "email": email})).one_or_none() is not None:
        raise ConflictError("another account has this address")
    try:
        await session.execute(_CHANGE, {"id": user_id, "email": email})
    except IntegrityError:  # taken in this moment
        raise ConflictError("another account has this address") from None
    await message_secrets.end_all(session, user_id)
    before: str | None = present["email"]
    return before


async def set_phone(session: AsyncSession, user_id: str, phone: str) -> None:
    """Make a proved number that of the account.

    Raises:
        ConflictError: another account has it.
    """
    taken = await session.execute(_NUMBER_TAKEN, {"id": user_id, "phone": phone})
    if taken.one_or_none() is not None:
        raise ConflictError("another account has this number")
    try:
        await session.execute(_SET_NUMBER, {"id": user_id, "phone": phone})
    except IntegrityError:  # taken in this moment
        raise ConflictError("another account has this number") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose account it is; ``email`` is where its owner is told of a change."""

    email: str | None
    role: str


async def set_password(session: AsyncSession, user_id: str, password_hash: str) -> Owner | None:
    """Give the account another password, and end its open links; None when it is closed."""
    changed = await session.execute(_SET_PASSWORD, {"id": user_id, "password_hash": password_hash})
    row = changed.mappings().one_or_none()
    if row is None:
        return None
    await message_secrets.end_all(session, user_id)
    return Owner(**row)
