"""What staff do with accounts: nobody gives what they do not have, and somebody always stays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from api import editing
from api.schemas.people import AccountChange, AccountRequest
from core.domain.errors import FieldError, InvalidRequestError, InvalidStateError, NotFoundError
from core.domain.permissions import Permission, VendorRank
from core.domain.staffing import require_above, require_grantable
from core.one_time import OneTimeSecrets
from core.resources import Resources
from core.security import Principal
from models.repositories import account_messages, audit, erasures, people, vendors
from models.repositories.account_messages import NewMessage
from models.repositories.people import AccountStatus
from models.users import MessageKind, Role, User

_RIGHTS = ("role", "permissions", "vendor_id", "vendor_rank")


async def add(
    session: AsyncSession,
    resources: Resources,
    user_id: str,
    wanted: AccountRequest,
    *,
    staff: Principal,
    message_id: str,
) -> User:
    """Make an account, and write the message with which its person sets a password.

    Raises:
        ConflictError: somebody has the address.
        ForbiddenError: more permissions than the staff's own.
        InvalidRequestError: the role does not fit what is given with it.
    """
    rights = {
        "role": wanted.role,
        "permissions": _sorted(wanted.permissions),
        "vendor_id": wanted.vendor_id,
        "vendor_rank": wanted.vendor_rank,
    }
    await _check_rights(session, rights)
    require_grantable(await _present(session, staff), wanted.permissions)
    user, added = await people.add(
        session, user_id, {"email": wanted.email, "name": wanted.name, **rights}
    )
    if not added:
        return user
    secrets = OneTimeSecrets.of(resources.settings.auth)
    message = NewMessage(
        kind=MessageKind.INVITATION, recipient=wanted.email, user_id=user_id, id=message_id
    )
    await account_messages.write(session, message, secrets)
    await audit.record(
        session,
        actor=staff.actor,
        action="account.added",
        target=user_id,
        reason="",
        after=rights,
    )
    return user


async def change(
    resources: Resources,
    user_id: str,
    wanted: AccountChange,
    *,
    staff: Principal,
    if_match: str | None,
) -> dict[str, Any]:
    """Change an account; who loses rights or is disabled loses the sessions too.

    Raises:
        NotFoundError: there is none.
        PreconditionFailedError: it has changed since.
        ForbiddenError: it may do more than the staff, or would.
        ConflictError: nobody would be left who may change accounts.
        InvalidStateError: it is erased.
        InvalidRequestError: the role does not fit what is given with it.
    """
    async with resources.database.transaction() as session:
        await people.of_staff_one_at_a_time(session)
        user = await people.find(session, user_id, lock=True)
        editing.require_match(if_match, document(user))
        if user.erased_at is not None:
            raise InvalidStateError(present=AccountStatus.ERASED, wanted="a change")
        if wanted.status is AccountStatus.ACTIVE and await erasures.is_under_way(session, user_id):
            raise InvalidStateError(present="being erased", wanted=AccountStatus.ACTIVE)
        granted = await _present(session, staff)
        require_above(granted, _permissions(user))
        before = _audited(user)
        if wanted.name is not None:
            user.name = wanted.name
        await _change_rights(session, user, wanted, granted)
        if wanted.status is not None:
            people.disable(user, disabled=wanted.status is AccountStatus.DISABLED)
        await _settle(session, user, before, wanted, actor=staff.actor)
        return document(user)


def document(user: User) -> dict[str, Any]:
    """Return an account as staff see it."""
    return {
        "id": user.id,
        "email": user.email,
        "email_verified_at": user.email_verified_at,
        "phone": user.phone,
        "name": user.name,
        "role": user.role,
        "permissions": user.permissions,
        "vendor_id": user.vendor_id,
        "vendor_rank": user.vendor_rank,
        "status": people.status_of(user),
        "has_totp": user.totp_confirmed_at is not None,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }


async def _change_rights(
    session: AsyncSession, user: User, wanted: AccountChange, granted: frozenset[Permission]
) -> None:
    sent = wanted.model_dump(exclude_unset=True, include={*_RIGHTS})
    if sent.get("role") is None:
        sent.pop("role", None)
    if not sent:
        return
    rights = {name: getattr(user, name) for name in _RIGHTS} | sent
    if "role" in sent and sent["role"] != user.role:
        # What belongs to the role before does not come along.
        fresh: dict[str, Any] = {"permissions": [], "vendor_id": None, "vendor_rank": None}
        rights = {"role": sent["role"], **fresh, **sent}
    rights["permissions"] = _sorted(rights["permissions"] or [])
    await _check_rights(session, rights)
    require_grantable(granted, (Permission(one) for one in rights["permissions"]))
    for name, value in rights.items():
        setattr(user, name, value)


async def _settle(
    session: AsyncSession,
    user: User,
    before: dict[str, Any],
    wanted: AccountChange,
    *,
    actor: str,
) -> None:
    """Write down what has become of it, if anything has."""
    after = _audited(user)
    changed = [name for name in after if after[name] != before[name]]
    if not changed and wanted.name is None:
        return
    user.updated_at = func.now()  # type: ignore[assignment]  # the database's clock
    await session.flush()
    await session.refresh(user)
    if changed:
        await people.end_sessions(session, user.id)
    if before["role"] == Role.STAFF:
        await people.require_somebody_left(session)
    await audit.record(
        session,
        actor=actor,
        action="account.changed",
        target=user.id,
        reason=wanted.reason,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed}
        | ({"renamed": True} if wanted.name is not None else {}),
    )


async def _present(session: AsyncSession, staff: Principal) -> frozenset[Permission]:
    """Return what the staff may do now: less than the token says, perhaps."""
    return await people.present_permissions(session, staff.user_id) & staff.permissions


async def _check_rights(session: AsyncSession, rights: dict[str, Any]) -> None:
    role, errors = rights["role"], []
    if role != Role.STAFF and rights["permissions"]:
        errors.append(FieldError(pointer="/permissions", detail="only staff have permissions"))
    for name in ("vendor_id", "vendor_rank"):
        if (role == Role.VENDOR) != (rights[name] is not None):
            detail = "required" if role == Role.VENDOR else "only the role vendor has one"
            errors.append(FieldError(pointer=f"/{name}", detail=detail))
    if not errors and role == Role.VENDOR:
        try:
            await vendors.find(session, rights["vendor_id"])
        except NotFoundError as error:
            errors.append(FieldError(pointer="/vendor_id", detail=str(error)))
    if errors:
        raise InvalidRequestError(errors)


def _audited(user: User) -> dict[str, Any]:
    rights = {name: getattr(user, name) for name in _RIGHTS}
    return {**rights, "status": str(people.status_of(user))}


def _permissions(user: User) -> frozenset[Permission]:
    return frozenset(Permission(word) for word in user.permissions)


def _sorted(permissions: list[Any]) -> list[str]:
    return sorted({str(one) for one in permissions})


def rank_of(user: User) -> VendorRank:
    """Return the rank of a vendor's member."""
    return VendorRank(str(user.vendor_rank))
