"""Staff who act as somebody else for a while, for support."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.errors import ForbiddenError, InvalidStateError
from models.repositories import audit, people
from models.users import Role, User

_OPEN = text("""
INSERT INTO sessions (id, user_id, method, device, address, impersonator_id, reason, expires_at)
VALUES (:id, :user_id, 'impersonation', '', '', :impersonator_id, :reason,
    now() + make_interval(secs => :lifetime))
""")

_ALIVE = text("""
SELECT s.id FROM sessions s JOIN users u ON u.id = s.impersonator_id
WHERE s.id = :id AND s.impersonator_id = :impersonator_id AND s.revoked_at IS NULL
  AND s.expires_at > now() AND u.disabled_at IS NULL
""")


async def begin(
    session: AsyncSession,
    session_id: str,
    *,
    user_id: str,
    impersonator_id: str,
    reason: str,
    lifetime_seconds: int,
) -> User:
    """Open a session of somebody of staff as the user; the user sees it, and can end it.

    Raises:
        NotFoundError: there is no such account.
        ForbiddenError: it is of staff: nobody gets rights by being somebody else.
        InvalidStateError: it is closed.
    """
    user = await people.find(session, user_id)
    if user.role == Role.STAFF:
        raise ForbiddenError("nobody acts as somebody of staff")
    status = people.status_of(user)
    if status is not people.AccountStatus.ACTIVE:
        raise InvalidStateError(present=status, wanted="to act as the user")
    await session.execute(
        _OPEN,
        {
            "id": session_id,
            "user_id": user_id,
            "impersonator_id": impersonator_id,
            "reason": reason,
            "lifetime": float(lifetime_seconds),
        },
    )
    await audit.record(
        session,
        actor=f"staff:{impersonator_id}",
        action="account.impersonated",
        target=user_id,
        reason=reason,
        after={"session_id": session_id, "seconds": lifetime_seconds},
    )
    return user


async def is_alive(database: Database, session_id: str | None, impersonator_id: str) -> bool:
    """Tell whether staff may still act: nobody has ended it, and the account of staff is open."""
    values = {"id": session_id, "impersonator_id": impersonator_id}
    return bool(session_id and await database.statement(_ALIVE, values))
