"""Accounts, vendors and their members, as staff and owners see them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import AT_EXAMPLE, Email, Moment, Schema, example, text
from api.schemas.identity import Name, Password
from core.domain.permissions import Permission, VendorRank
from models.repositories.people import AccountStatus
from models.users import Role
from models.vendors import FulfillmentMode, VendorStatus

_ACCOUNT = {
    "id": "usr_01jd7x9k2me8kv1qzr5t0w3y4b",
    "email": "grace@shop.perdure.dev",
    "email_verified_at": AT_EXAMPLE,
    "phone": None,
    "name": "Grace Hopper",
    "role": "staff",
    "permissions": ["orders:write", "stock:read"],
    "vendor_id": None,
    "vendor_rank": None,
    "status": "active",
    "has_totp": True,
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}
_VENDOR_ID = "ven_01jd7x9k2me8kv1qzr5t0w3y4b"
_VENDOR = {
    "id": _VENDOR_ID,
    "name": "Weaver & Sons",
    "slug": "weaver-and-sons",
    "status": "active",
    "fulfillment": "manual",
    "products_need_approval": True,
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}
_MEMBER = {
    "id": "usr_01jd7x9k2me8kv1qzr5t0w3y4b",
    "email": "grace@shop.perdure.dev",
    "name": "Grace Hopper",
    "rank": "clerk",
    "status": "active",
    "created_at": AT_EXAMPLE,
}
_INVITATION = {
    "id": "msg_01jd7x9k2me8kv1qzr5t0w3y4b",
    "email": "grace@shop.perdure.dev",
    "rank": "clerk",
    "created_at": AT_EXAMPLE,
    "expires_at": AT_EXAMPLE,
}

VendorId = Annotated[str, StringConstraints(pattern=r"^ven_[0-9a-z]{26}$")]
Reason = Annotated[str, text(500)]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100),
    Field(examples=["weaver-and-sons"]),
]


class Account(Schema):
    model_config = example(_ACCOUNT)

    id: str
    email: str | None
    email_verified_at: Moment | None
    phone: str | None
    name: str
    role: Role
    permissions: list[Permission]
    """Of staff."""
    vendor_id: str | None
    vendor_rank: VendorRank | None
    status: AccountStatus
    has_totp: bool
    created_at: Moment
    updated_at: Moment


class AccountPage(Schema):
    model_config = example({"data": [_ACCOUNT], "next_cursor": None})

    data: list[Account]
    next_cursor: str | None


class AccountRequest(Schema):
    """The person gets a link by which they set a password of their own."""

    model_config = example(
        {
            "email": "grace@shop.perdure.dev",
            "name": "Grace Hopper",
            "role": "staff",
            "permissions": ["orders:write", "stock:read"],
        },
        {
            "email": "ada@shop.perdure.dev",
            "name": "Ada Lovelace",
            "role": "vendor",
            "vendor_id": _VENDOR_ID,
            "vendor_rank": "owner",
        },
    )

    email: Email
    name: Name
    role: Role = Role.CUSTOMER
    permissions: list[Permission] = Field(default_factory=list)
    vendor_id: VendorId | None = None
    vendor_rank: VendorRank | None = None


class AccountChange(Schema):
    """``status`` disables an account, which ends its sessions, or enables it again."""

    model_config = example(
        {"permissions": ["orders:read"], "reason": "moved to another team"},
        {"status": "disabled", "reason": "left the company"},
    )

    name: Name | None = None
    role: Role | None = None
    permissions: list[Permission] | None = None
    vendor_id: VendorId | None = None
    vendor_rank: VendorRank | None = None
    status: Literal[AccountStatus.ACTIVE, AccountStatus.DISABLED] | None = None
    reason: Annotated[str, text(500, 0)] = ""


class VendorAccount(Schema):
    model_config = example(_VENDOR)

    id: str
    name: str
    slug: str
    status: VendorStatus
    fulfillment: FulfillmentMode
    products_need_approval: bool
    created_at: Moment
    updated_at: Moment


class VendorAccountPage(Schema):
    model_config = example({"data": [_VENDOR], "next_cursor": None})

    data: list[VendorAccount]
    next_cursor: str | None


class VendorRequest(Schema):
    model_config = example(
        {"name": "Weaver & Sons", "slug": "weaver-and-sons", "fulfillment": "manual"}
    )

    name: Name
    slug: Slug
    status: VendorStatus = VendorStatus.ACTIVE
    fulfillment: FulfillmentMode = FulfillmentMode.AUTOMATIC
    products_need_approval: bool = False


class VendorChange(Schema):
    model_config = example({"status": "suspended", "reason": "sends nothing since a week"})

    name: Name | None = None
    slug: Slug | None = None
    status: VendorStatus | None = None
    fulfillment: FulfillmentMode | None = None
    products_need_approval: bool | None = None
    reason: Annotated[str, text(500, 0)] = ""


class Member(Schema):
    model_config = example(_MEMBER)

    id: str
    email: str | None
    name: str
    rank: VendorRank
    status: AccountStatus
    created_at: Moment


class MemberPage(Schema):
    model_config = example({"data": [_MEMBER], "next_cursor": None})

    data: list[Member]
    next_cursor: str | None


class MemberChange(Schema):
    model_config = example({"rank": "owner"})

    rank: VendorRank


class Invitation(Schema):
    model_config = example(_INVITATION)

    id: str
    email: str
    rank: VendorRank
    created_at: Moment
    expires_at: Moment


class InvitationPage(Schema):
    model_config = example({"data": [_INVITATION], "next_cursor": None})

    data: list[Invitation]
    next_cursor: str | None


class InvitationRequest(Schema):
    model_config = example({"email": "grace@shop.perdure.dev", "rank": "clerk"})

    email: Email
    rank: VendorRank = VendorRank.CLERK


class InvitationAcceptance(Schema):
    """``name`` and ``password`` are of a new account; who has a password keeps it."""

    model_config = example(
        {
            "token": "msg_01jd7x9k2me8kv1qzr5t0w3y4b.q0m3k9",
            "name": "Grace Hopper",
            "password": "plum-kettle-orbit-42",
        }
    )

    token: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    name: Name | None = None
    password: Password | None = None


class ImpersonationRequest(Schema):
    model_config = example({"reason": "ticket 4711: cannot see the return"})

    reason: Reason


class Impersonation(Schema):
    """A token of some minutes that cannot be renewed; ``expires_in`` in seconds."""

    model_config = example(
        {
            "access_token": "eyJhbGciOiJIUzI1NiIsImtpZCI6ImVtYmVkZGVkLTEifQ.e30.c2lnbmF0dXJl",
            "token_type": "Bearer",
            "expires_in": 900,
            "session_id": "ses_01jd7x9k2me8kv1qzr5t0w3y4b",
        }
    )

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    session_id: str
