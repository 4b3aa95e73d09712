"""Accounts, for staff."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api import account_messages, editing, people
from api.auth import PeopleReader, PeopleWriter
from api.dependencies import Cursor, CursorsDep, Limit, Res, UserId
from api.editing import IfMatch
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.once import made_once
from api.openapi import problems
from api.pages import page
from api.schemas.base import NO_CONTROLS
from api.schemas.people import Account, AccountChange, AccountPage, AccountRequest, VendorId
from core.domain.ids import Prefix, derived_id, new_id
from models.repositories import people as rows
from models.repositories.people import AccountStatus, PeopleFilter
from models.users import Role

api = router("people")

_STAFF = ("not-authenticated", "forbidden")


@api.get(
    "/admin/users",
    response_model=AccountPage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_users(
    *,
    _staff: PeopleReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    role: Annotated[Role | None, Query()] = None,
    email: Annotated[
        str | None, Query(max_length=254, pattern=NO_CONTROLS, description="The whole address")
    ] = None,
    vendor_id: Annotated[VendorId | None, Query()] = None,
    status: Annotated[AccountStatus | None, Query()] = None,
) -> Response:
    """Return accounts, the newest first."""
    wanted = PeopleFilter(role=role, email=email, vendor_id=vendor_id, status=status)
    scope = {"list": "users", "of": [role, email, vendor_id, status]}
    async with resources.database.transaction() as session:
        found = await rows.page_of(
            session, wanted, before=cursors.open(cursor, scope=scope), limit=limit + 1
        )
    return JsonResponse(
        page(
            found,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda user: user.id,
            render=people.document,
        )
    )


@api.post(
    "/admin/users",
    status_code=201,
    response_model=Account,
    responses=problems(*_STAFF, "idempotency-key-missing", "idempotency-key-reused", "conflict"),
)
async def add_user(
    wanted: AccountRequest, staff: PeopleWriter, call: Idempotent, resources: Res
) -> Response:
    """Make an account; its person gets a link by which they set a password."""
    user_id = new_id(Prefix.USER)
    sent: list[str] = []

    async def making(session: AsyncSession, id_: str) -> dict[str, Any]:
        message_id = derived_id(Prefix.MESSAGE, id_, "invitation")
        sent.append(message_id)
        user = await people.add(session, resources, id_, wanted, staff=staff, message_id=message_id)
        return people.document(user)

    answer = await made_once(resources, call, user_id, making, located="/v1/admin/users/")
    for message_id in sent:
        await account_messages.begin(resources, message_id)
    return answer


@api.get("/admin/users/{id}", response_model=Account, responses=problems(*_STAFF, "not-found"))
async def get_user(user_id: UserId, _staff: PeopleReader, resources: Res) -> Response:
    """Return one account."""
    async with resources.database.transaction() as session:
        return editing.edited(people.document(await rows.find(session, user_id)))


@api.patch(
    "/admin/users/{id}",
    response_model=Account,
    responses=problems(*_STAFF, "not-found", "precondition-failed", "conflict", "invalid-state"),
)
async def change_user(
    *,
    user_id: UserId,
    wanted: AccountChange,
    staff: PeopleWriter,
    resources: Res,
    if_match: IfMatch = None,
) -> Response:
    """Change what is sent: the role, the rights, or whether the account is open at all."""
    return editing.edited(
        await people.change(resources, user_id, wanted, staff=staff, if_match=if_match)
    )
