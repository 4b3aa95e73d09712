"""The authenticators of people: set up, confirmed by a code, and no code taken twice."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.errors import ConflictError
from models.repositories import audit, people
from models.users import User

_SECRET = text("SELECT totp_secret FROM users WHERE id = :id AND totp_confirmed_at IS NOT NULL")

# Of two sign-ins with one code at once, the row lets one through.
_USE = text("""
UPDATE users SET totp_last_step = :step
WHERE id = :id AND (totp_last_step IS NULL OR totp_last_step < :step)
RETURNING id
""")


async def secret_of(database: Database, user_id: str) -> str | None:
    """Return the encrypted secret that is in force; None without a second factor."""
    rows = await database.statement(_SECRET, {"id": user_id})
    return rows[0]["totp_secret"] if rows else None


async def use_step(database: Database, user_id: str, step: int) -> bool:
    """Use up a code; False when it, or a later one, was taken before."""
    return bool(await database.statement(_USE, {"id": user_id, "step": step}))


async def begin(session: AsyncSession, user_id: str, stored: str) -> User:
    """Write a secret that is not in force yet; one that was begun before is forgotten.

    Raises:
        ConflictError: another one is in force.
    """
    user = await people.find(session, user_id, lock=True)
    if user.totp_confirmed_at is not None:
        raise ConflictError("an authenticator is set up: take it away first")
    user.totp_secret, user.totp_last_step = stored, None
    await session.flush()
    return user


async def confirm(session: AsyncSession, user: User, step: int) -> None:
    """Put a locked person's authenticator in force; its first code is used up."""
    await session.execute(
        text(
            "UPDATE users SET totp_confirmed_at = now(), totp_last_step = :step, "
            "updated_at = now() WHERE id = :id"
        ),
        {"id": user.id, "step": step},
    )
    await _record(session, user, "totp.added", f"{user.role}:{user.id}")


async def remove(session: AsyncSession, user: User, *, actor: str, reason: str = "") -> bool:
    """Take a locked person's authenticator away; False when there is none."""
    if user.totp_secret is None:
        return False
    in_force = user.totp_confirmed_at is not None
    user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    await session.flush()
    if in_force:
        await _record(session, user, "totp.removed", actor, reason)
    return True


async def _record(
    session: AsyncSession, user: User, action: str, actor: str, reason: str = ""
) -> None:
    await audit.record(session, actor=actor, action=action, target=user.id, reason=reason)
