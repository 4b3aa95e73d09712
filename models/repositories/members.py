"""Who works for a vendor, and who was asked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.domain.errors import ConflictError, NotFoundError
from core.domain.permissions import VendorRank
from models.repositories import audit, idempotency, people
from models.users import AccountMessage, Invitation, User


@dataclass(frozen=True, kw_only=True, slots=True)
class InvitationView:
    """An invitation that still can be accepted."""

    id: str
    email: str
    rank: str
    created_at: datetime
    expires_at: datetime


_WITHDRAW = text("""
UPDATE account_messages SET used_at = now()
WHERE id = :id AND used_at IS NULL
  AND id IN (SELECT message_id FROM invitations WHERE vendor_id = :vendor_id)
RETURNING id
""")


async def of_vendor(
    session: AsyncSession, vendor_id: str, *, after: str | None, limit: int
) -> Sequence[User]:
    """Return a vendor's members, the first first."""
    statement = select(User).where(User.vendor_id == vendor_id).order_by(col(User.id))
    if after is not None:
        statement = statement.where(col(User.id) > after)
    return (await session.scalars(statement.limit(limit))).all()


async def invited_by(
    session: AsyncSession, vendor_id: str, *, before: str | None, limit: int
) -> list[InvitationView]:
    """Return a vendor's open invitations, the newest first."""
    statement = (
        select(AccountMessage, Invitation)
        .join(Invitation, col(Invitation.message_id) == col(AccountMessage.id))
        .where(Invitation.vendor_id == vendor_id, col(AccountMessage.used_at).is_(None))
        .where(text("account_messages.expires_at > now()"))
        .order_by(col(AccountMessage.id).desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(col(AccountMessage.id) < before)
    rows = (await session.execute(statement)).all()
    return [
        InvitationView(
            id=message.id,
            email=message.recipient,
            rank=invitation.rank,
            created_at=message.created_at,
            expires_at=message.expires_at,
        )
        for message, invitation in rows
    ]


async def invite(
    session: AsyncSession,
    message_id: str,
    *,
    vendor_id: str,
    rank: VendorRank,
    user_id: str,
    actor: str,
) -> InvitationView:
    """Write an invitation beside its message; a second run changes nothing."""
    await idempotency.one_at_a_time(session, message_id)
    if await session.get(Invitation, message_id) is None:
        session.add(
            Invitation(message_id=message_id, vendor_id=vendor_id, rank=rank, invited_by=user_id)
        )
        await audit.record(
            session,
            actor=actor,
            action="member.invited",
            target=vendor_id,
            reason="",
            after={"message_id": message_id, "rank": rank},
        )
    message = await session.get_one(AccountMessage, message_id)
    return InvitationView(
        id=message_id,
        email=message.recipient,
        rank=rank,
        created_at=message.created_at,
        expires_at=message.expires_at,
    )


async def withdraw(session: AsyncSession, message_id: str, *, vendor_id: str, actor: str) -> None:
    """End an invitation that was not accepted yet.

    Raises:
        NotFoundError: the vendor has none of this id that is open.
    """
    ended = await session.execute(_WITHDRAW, {"id": message_id, "vendor_id": vendor_id})
    if ended.first() is None:
        raise NotFoundError("there is no such invitation")
    await audit.record(session, actor=actor, action="member.uninvited", target=vendor_id, reason="")


async def find(session: AsyncSession, user_id: str, *, vendor_id: str) -> User:
    """Return a member of the vendor, locked; the vendor's members change one at a time.

    Raises:
        NotFoundError: nobody, or somebody else's.
    """
    await idempotency.one_at_a_time(session, f"members:{vendor_id}")
    user = await people.find(session, user_id, lock=True)
    if user.vendor_id != vendor_id:
        raise NotFoundError("there is no such member")
    return user


async def set_rank(session: AsyncSession, member: User, rank: VendorRank, *, actor: str) -> None:
    """Make an owner a clerk, or the other way round.

    Raises:
        ConflictError: the vendor would be without an owner.
    """
    before = member.vendor_rank
    if before == rank:
        return
    member.vendor_rank = rank
    await session.flush()
    await require_owner(session, str(member.vendor_id))
    await people.end_sessions(session, member.id)
    await audit.record(
        session,
        actor=actor,
        action="member.changed",
        target=member.id,
        reason="",
        before={"vendor_id": member.vendor_id, "rank": before},
        after={"vendor_id": member.vendor_id, "rank": rank},
    )


async def remove(session: AsyncSession, member: User, *, actor: str) -> None:
    """Let somebody go: the account stays, as a customer's.

    Raises:
        ConflictError: the vendor would be without an owner.
    """
    vendor_id, rank = str(member.vendor_id), member.vendor_rank
    member.role, member.vendor_id, member.vendor_rank = "customer", None, None
    await session.flush()
    await require_owner(session, vendor_id)
    await people.end_sessions(session, member.id)
    await audit.record(
        session,
        actor=actor,
        action="member.removed",
        target=member.id,
        reason="",
        before={"vendor_id": vendor_id, "rank": rank},
    )


async def require_owner(session: AsyncSession, vendor_id: str) -> None:
    """Refuse a change after which a vendor has no owner who can sign in.

    Raises:
        ConflictError: there is none.
    """
    owners = select(User.id).where(
        User.vendor_id == vendor_id,
        User.vendor_rank == VendorRank.OWNER,
        col(User.disabled_at).is_(None),
    )
    if (await session.scalars(owners.limit(1))).first() is None:
        raise ConflictError("a vendor has an owner: name another one first")
