"""Who works for a vendor: its owners ask people in, and let them go."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from api import account_messages, people
from api.auth import VendorPeople
from api.dependencies import Cursor, CursorsDep, Limit, MessageId, Res, UserId
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.once import made_once
from api.openapi import problems
from api.pages import page
from api.schemas.people import (
    Invitation,
    InvitationPage,
    InvitationRequest,
    Member,
    MemberChange,
    MemberPage,
)
from core.domain.ids import Prefix, new_id
from core.one_time import OneTimeSecrets
from models.repositories import account_messages as messages
from models.repositories import members
from models.repositories.account_messages import NewMessage
from models.repositories.people import status_of
from models.users import MessageKind, User

api = router("vendor")

_VENDOR = ("not-authenticated", "forbidden")


@api.get(
    "/vendor/members",
    response_model=MemberPage,
    responses=problems(*_VENDOR, "invalid-cursor"),
)
async def list_members(
    vendor: VendorPeople,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return the vendor's people."""
    scope = {"list": "members", "of": vendor.vendor_id}
    async with resources.database.transaction() as session:
        rows = await members.of_vendor(
            session,
            vendor.vendor_id,
            after=cursors.open(cursor, scope=scope),
            limit=limit + 1,
        )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda user: user.id,
            render=_document,
        )
    )


@api.post(
    "/vendor/members",
    status_code=201,
    response_model=Invitation,
    responses=problems(*_VENDOR, "idempotency-key-missing", "idempotency-key-reused"),
)
async def invite_member(
    wanted: InvitationRequest, vendor: VendorPeople, call: Idempotent, resources: Res
) -> Response:
    """Ask somebody in by e-mail; the answer is the same whether they have an account or not."""
    sent: list[str] = []

    async def making(session: AsyncSession, id_: str) -> dict[str, Any]:
        message = NewMessage(kind=MessageKind.INVITATION, recipient=wanted.email, id=id_)
        await messages.write(session, message, OneTimeSecrets.of(resources.settings.auth))
        sent.append(id_)
        view = await members.invite(
            session,
            id_,
            vendor_id=vendor.vendor_id,
            rank=wanted.rank,
            user_id=vendor.user_id,
            actor=vendor.actor,
        )
        return asdict(view)

    answer = await made_once(resources, call, new_id(Prefix.MESSAGE), making)
    for message_id in sent:
        await account_messages.begin(resources, message_id)
    return answer


@api.patch(
    "/vendor/members/{id}",
    response_model=Member,
    responses=problems(*_VENDOR, "not-found", "conflict"),
)
async def change_member(
    user_id: UserId, wanted: MemberChange, vendor: VendorPeople, resources: Res
) -> Response:
    """Make somebody an owner or a clerk; a vendor is never without an owner."""
    async with resources.database.transaction() as session:
        member = await members.find(session, user_id, vendor_id=vendor.vendor_id)
        await members.set_rank(session, member, wanted.rank, actor=vendor.actor)
        return JsonResponse(_document(member))


@api.delete(
    "/vendor/members/{id}",
    status_code=204,
    responses=problems(*_VENDOR, "not-found", "conflict"),
)
async def remove_member(user_id: UserId, vendor: VendorPeople, resources: Res) -> None:
    """Let somebody go; their account stays, as a customer's."""
    async with resources.database.transaction() as session:
        member = await members.find(session, user_id, vendor_id=vendor.vendor_id)
        await members.remove(session, member, actor=vendor.actor)


@api.get(
    "/vendor/invitations",
    response_model=InvitationPage,
    responses=problems(*_VENDOR, "invalid-cursor"),
)
async def list_invitations(
    vendor: VendorPeople,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Return the invitations that still can be accepted, the newest first."""
    scope = {"list": "invitations", "of": vendor.vendor_id}
    async with resources.database.transaction() as session:
        rows = await members.invited_by(
            session,
            vendor.vendor_id,
            before=cursors.open(cursor, scope=scope),
            limit=limit + 1,
        )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda view: view.id,
            render=asdict,
        )
    )


@api.delete(
    "/vendor/invitations/{id}",
    status_code=204,
    responses=problems(*_VENDOR, "not-found"),
)
async def withdraw_invitation(message_id: MessageId, vendor: VendorPeople, resources: Res) -> None:
    """Take an invitation back."""
    async with resources.database.transaction() as session:
        await members.withdraw(session, message_id, vendor_id=vendor.vendor_id, actor=vendor.actor)


def _document(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "rank": people.rank_of(user),
        "status": status_of(user),
        "created_at": user.created_at,
    }
