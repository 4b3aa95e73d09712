"""Accounts elsewhere that sign in here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from core.domain.errors import ConflictError, NotAuthenticatedError, NotFoundError
from core.domain.ids import Prefix, new_id
from core.gateways.google import PROVIDER, GoogleAccount
from models.repositories import audit, idempotency, people
from models.users import Identity, Role, User


async def signed_in(session: AsyncSession, account: GoogleAccount) -> tuple[User, bool]:
    """Return whose a Google account is: linked before, or by its verified address, or new.

    An account here with the same address is joined only when the address is verified on both
    sides: somebody may have registered with an address that is not theirs.

    Returns:
        The person, and whether the two were linked now.

    Raises:
        NotAuthenticatedError: nobody's, and Google does not vouch for its address.
        ConflictError: the address here is not verified.
    """
    await idempotency.one_at_a_time(session, f"{PROVIDER}:{account.subject}")
    user = await _linked(session, account.subject)
    if user is not None:
        return user, False
    if account.email is None or not account.email_verified:
        raise NotAuthenticatedError("Google has not verified the address of this account")
    statement = select(User).where(func.lower(User.email) == account.email.lower())
    user = (await session.scalars(statement.with_for_update())).one_or_none()
    if user is None:
        return await _registered(session, account, account.email), False
    if user.email_verified_at is None:
        raise ConflictError("verify the address of your account here first, then sign in with both")
    await _add(session, user, account.subject)
    return user, True


async def link(session: AsyncSession, user_id: str, account: GoogleAccount) -> tuple[User, bool]:
    """Let a Google account sign somebody in who is signed in; whether it could not before.

    Raises:
        ConflictError: it is somebody else's, or they have another one.
    """
    await idempotency.one_at_a_time(session, f"{PROVIDER}:{account.subject}")
    user = await people.find(session, user_id, lock=True)
    owner = await _linked(session, account.subject)
    if owner is not None and owner.id != user_id:
        raise ConflictError("this Google account belongs to another account here")
    if owner is not None:
        return user, False
    if any(one.provider == PROVIDER for one in await of_user(session, user_id)):
        raise ConflictError("another Google account is linked: take that one away first")
    await _add(session, user, account.subject)
    return user, True


async def unlink(session: AsyncSession, user_id: str) -> User:
    """Take the Google account away.

    Raises:
        NotFoundError: there is none.
        ConflictError: nothing else would sign the person in.
    """
    user = await people.find(session, user_id, lock=True)
    gone = await session.execute(
        delete(Identity)
        .where(col(Identity.user_id) == user_id, col(Identity.provider) == PROVIDER)
        .returning(col(Identity.subject))
    )
    if gone.first() is None:
        raise NotFoundError("no Google account is linked")
    if user.password_hash is None and user.email_verified_at is None and user.phone is None:
        raise ConflictError("nothing else would sign you in: set a password first")
    await _record(session, user, "identity.unlinked")
    return user


async def of_user(session: AsyncSession, user_id: str) -> Sequence[Identity]:
    """Return the accounts elsewhere that sign somebody in."""
    statement = select(Identity).where(Identity.user_id == user_id)
    return (await session.scalars(statement.order_by(col(Identity.provider)))).all()


async def _linked(session: AsyncSession, subject: str) -> User | None:
    statement = (
        select(User)
        .join(Identity, col(Identity.user_id) == col(User.id))
        .where(Identity.provider == PROVIDER, Identity.subject == subject)
    )
    return (await session.scalars(statement)).one_or_none()


async def _add(session: AsyncSession, user: User, subject: str) -> None:
    session.add(Identity(provider=PROVIDER, subject=subject, user_id=user.id))
    await session.flush()
    await _record(session, user, "identity.linked")


async def _registered(session: AsyncSession, account: GoogleAccount, email: str) -> User:
    user = User(
        id=new_id(Prefix.USER),
        email=email,
        email_verified_at=datetime.now(UTC),
        name=account.name[:200] or email.partition("@")[0][:200],
        role=Role.CUSTOMER,
    )
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:
        raise ConflictError("the address is being registered at this moment") from error
    await _add(session, user, account.subject)
    return user


async def _record(session: AsyncSession, user: User, action: str) -> None:
    await audit.record(
        session,
        actor=f"{user.role}:{user.id}",
        action=action,
        target=user.id,
        reason="",
        after={"provider": PROVIDER},
    )
