"""Accounts as staff see and change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import ConflictError, NotFoundError
from core.domain.permissions import Permission
from models.repositories import idempotency
from models.users import User

_STAFFING = "staffing"


class AccountStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    ERASED = "erased"


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleFilter:
    """What is None does not count; ``email`` is the whole address, in any case."""

    role: str | None = None
    email: str | None = None
    vendor_id: str | None = None
    status: AccountStatus | None = None


_END_SESSIONS = text("""
WITH ended AS (
    UPDATE sessions SET revoked_at = now()
    WHERE (user_id = :user_id OR impersonator_id = :user_id) AND revoked_at IS NULL
)
UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = :user_id AND revoked_at IS NULL
""")

_LEFT = text("""
SELECT count(*) FROM users
WHERE role = 'staff' AND disabled_at IS NULL AND erased_at IS NULL
  AND permissions ? 'people:write'
""")


def status_of(user: User) -> AccountStatus:
    """Return what may be done with an account at all."""
    if user.erased_at is not None:
        return AccountStatus.ERASED
    return AccountStatus.ACTIVE if user.disabled_at is None else AccountStatus.DISABLED


async def page_of(
    session: AsyncSession, wanted: PeopleFilter, *, before: str | None, limit: int
) -> Sequence[User]:
    """Return accounts, the newest first."""
    statement = select(User).order_by(col(User.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(col(User.id) < before)
    if wanted.role is not None:
        statement = statement.where(User.role == wanted.role)
    if wanted.email is not None:
        statement = statement.where(func.lower(User.email) == wanted.email.lower())
    if wanted.vendor_id is not None:
        statement = statement.where(User.vendor_id == wanted.vendor_id)
    match wanted.status:
        case AccountStatus.ACTIVE:
            statement = statement.where(
                col(User.disabled_at).is_(None), col(User.erased_at).is_(None)
            )
        case AccountStatus.DISABLED:
            statement = statement.where(
                col(User.disabled_at).is_not(None), col(User.erased_at).is_(None)
            )
        case AccountStatus.ERASED:
            statement = statement.where(col(User.erased_at).is_not(None))
    return (await session.scalars(statement)).all()


async def find(session: AsyncSession, user_id: str, *, lock: bool = False) -> User:
    """Return an account, an erased one too.

    Raises:
        NotFoundError: there is none.
    """
    statement = select(User).where(User.id == user_id)
    if lock:
        statement = statement.with_for_update(key_share=True)
    user = (await session.scalars(statement)).one_or_none()
    if user is None:
        raise NotFoundError("there is no such account")
    return user


async def add(session: AsyncSession, user_id: str, values: dict[str, Any]) -> tuple[User, bool]:
    """Add an account; a second run with the same id finds the first one's.

    Returns:
        The account, and whether it was added now.

    Raises:
        ConflictError: somebody has the address.
    """
    await idempotency.one_at_a_time(session, f"{_STAFFING}:{values['email'].lower()}")
    known = await session.get(User, user_id)
    if known is not None:
        return known, False
    taken = select(User.id).where(func.lower(User.email) == values["email"].lower())
    if (await session.scalars(taken)).first() is not None:
        raise ConflictError("there is an account with this e-mail address")
    return await insert(session, User(id=user_id, **values)), True


async def insert(session: AsyncSession, user: User) -> User:
    """Add an account.

    Raises:
        ConflictError: somebody has registered the address at this moment.
    """
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:
        raise ConflictError("there is an account with this e-mail address") from error
    await session.refresh(user)
    return user


async def of_staff_one_at_a_time(session: AsyncSession) -> None:
    """Let no two transactions change who may change people at once, so that one stays."""
    await idempotency.one_at_a_time(session, _STAFFING)


async def present_permissions(session: AsyncSession, user_id: str) -> frozenset[Permission]:
    """Return what somebody of staff may do now, whatever an older access token says."""
    user = await find(session, user_id)
    if user.role != "staff" or status_of(user) is not AccountStatus.ACTIVE:
        return frozenset()
    return frozenset(Permission(word) for word in user.permissions)


async def require_somebody_left(session: AsyncSession) -> None:
    """Refuse a change after which nobody could change people any more.

    Raises:
        ConflictError: it was the last one.
    """
    if not (await session.execute(_LEFT)).scalar_one():
        raise ConflictError("nobody would be left who may change accounts")


async def end_sessions(session: AsyncSession, user_id: str) -> None:
    """End all sessions of an account; access tokens live on for their few minutes."""
    await session.execute(_END_SESSIONS, {"user_id": user_id})


def disable(user: User, *, disabled: bool) -> None:
    """Close an account, or open it again; the moment of the first closing stays."""
    if disabled and user.disabled_at is None:
        user.disabled_at = datetime.now(UTC)
    elif not disabled:
        user.disabled_at = None
