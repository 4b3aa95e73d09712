"""People who sign in, how they prove who they are, and the sessions they have."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from core.domain.permissions import VendorRank
from models import columns


class Role(StrEnum):
    CUSTOMER = "customer"
    VENDOR = "vendor"
    STAFF = "staff"


class User(SQLModel, table=True):
    """A person; one that is erased keeps its id alone, for the orders that refer to it."""

    __tablename__ = "users"
    __table_args__ = (
        columns.one_of("role", Role),
        columns.one_of("vendor_rank", VendorRank),
        CheckConstraint(
            "erased_at IS NOT NULL OR email IS NOT NULL OR phone IS NOT NULL", name="reachable"
        ),
        Index("uq_users_email", text("lower(email)"), unique=True),
        Index("uq_users_phone", "phone", unique=True),
        Index("ix_users_vendor_id", "vendor_id", postgresql_where=text("vendor_id IS NOT NULL")),
        Index("ix_users_role", "role", "id"),
    )

    id: str = Field(primary_key=True)
    email: str | None = None
    email_verified_at: datetime | None = columns.timestamp()
    phone: str | None = None
    """E.164; only a verified one is written."""
    phone_verified_at: datetime | None = columns.timestamp()
    name: str
    role: str
    permissions: list[str] = columns.strings()
    """Of staff: values of ``Permission``."""
    password_hash: str | None = None
    vendor_id: str | None = Field(default=None, foreign_key="vendors.id")
    vendor_rank: str | None = None
    totp_secret: str | None = None
    """Encrypted (``core.secret_text``); in force from ``totp_confirmed_at`` on."""
    totp_confirmed_at: datetime | None = columns.timestamp()
    totp_last_step: int | None = Field(default=None, sa_type=BigInteger)
    """The time step (RFC 6238) of the last code that was taken: none is taken twice."""
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
    disabled_at: datetime | None = columns.timestamp()
    erased_at: datetime | None = columns.timestamp()


class Identity(SQLModel, table=True):
    """An account elsewhere that signs in here: a provider and its subject, never its address."""

    __tablename__ = "identities"

    provider: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    created_at: datetime = columns.created_at()


class SignInMethod(StrEnum):
    PASSWORD = "password"  # noqa: S105  # the name of a method
    OTP = "otp"
    GOOGLE = "google"
    IMPERSONATION = "impersonation"


class UserSession(SQLModel, table=True):
    """A sign-in that lasts: the family of its refresh tokens has its id."""

    __tablename__ = "sessions"
    __table_args__ = (
        columns.one_of("method", SignInMethod),
        CheckConstraint(
            "(method = 'impersonation') = (impersonator_id IS NOT NULL)", name="impersonator"
        ),
    )

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    method: str
    device: str = ""
    """The User-Agent, cut to 200 characters."""
    address: str = ""
    impersonator_id: str | None = Field(default=None, foreign_key="users.id")
    """Who of staff acts as the user, for support."""
    reason: str = ""
    created_at: datetime = columns.created_at()
    last_used_at: datetime = columns.created_at()
    expires_at: datetime = columns.timestamp(nullable=False)
    revoked_at: datetime | None = columns.timestamp()


class RefreshToken(SQLModel, table=True):
    """One link of a session's chain; only its SHA-256 is stored.

    A token that was already used, shown again, revokes its whole family (RFC 9700, 4.14.2).
    """

    __tablename__ = "refresh_tokens"

    token_hash: str = Field(primary_key=True)
    family_id: str = Field(index=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    created_at: datetime = columns.created_at()
    expires_at: datetime = columns.timestamp(nullable=False)
    used_at: datetime | None = columns.timestamp()
    revoked_at: datetime | None = columns.timestamp()


class MessageKind(StrEnum):
    """What an account message is about; all but notices carry a secret that works once."""

    VERIFY_EMAIL = "verify_email"
    """The address becomes the account's when its owner follows the link."""
    VERIFY_PHONE = "verify_phone"
    RESET_PASSWORD = "reset_password"  # noqa: S105  # the name of a kind
    SIGN_IN_CODE = "sign_in_code"
    ALREADY_REGISTERED = "already_registered"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # the name of a kind
    EMAIL_CHANGED = "email_changed"
    """To the address before."""
    SIGN_IN_CHANGED = "sign_in_changed"
    """A way to sign in was added or taken away."""
    ACCOUNT_ERASED = "account_erased"
    INVITATION = "invitation"


class MessageChannel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


class AccountMessage(SQLModel, table=True):
    """A message of the account to one person, and the secret in it that works once.

    The secret is derived from the id (``core.one_time``), so that the sender can write it and the
    database knows only its hash.
    """

    __tablename__ = "account_messages"
    __table_args__ = (
        columns.one_of("kind", MessageKind),
        columns.one_of("channel", MessageChannel),
        Index("ix_account_messages_recipient", "recipient", "kind", "id"),
        Index("ix_account_messages_expires_at", "expires_at"),
    )

    id: str = Field(primary_key=True)
    kind: str
    channel: str
    recipient: str
    """The address or the number (E.164)."""
    user_id: str | None = Field(default=None, foreign_key="users.id", index=True)
    secret_hash: str | None = None
    wrong_attempts: int = columns.count()
    created_at: datetime = columns.created_at()
    expires_at: datetime = columns.timestamp(nullable=False)
    sent_at: datetime | None = columns.timestamp()
    used_at: datetime | None = columns.timestamp()
    """Used, or ended by wrong attempts or by a newer message."""
    failed_at: datetime | None = columns.timestamp()
    last_error: str | None = None


class Invitation(SQLModel, table=True):
    """Somebody was asked to work for a vendor; the message has the address, and the token in it.

    There is no account before it is accepted: an invitation takes nobody's address.
    """

    __tablename__ = "invitations"
    __table_args__ = (columns.one_of("rank", VendorRank),)

    message_id: str = Field(primary_key=True, foreign_key="account_messages.id", ondelete="CASCADE")
    vendor_id: str = Field(foreign_key="vendors.id", index=True)
    rank: str
    invited_by: str = Field(foreign_key="users.id")
    created_at: datetime = columns.created_at()


class ApiKey(SQLModel, table=True):
    """A key of a machine: staff's own systems, or a vendor's; only its SHA-256 is stored."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_vendor_id", "vendor_id", "id"),)

    id: str = Field(primary_key=True)
    name: str
    vendor_id: str | None = Field(default=None, foreign_key="vendors.id")
    """Whose it is; None for the platform's own."""
    scopes: list[str] = columns.strings()
    """Values of ``Permission``."""
    secret_hash: str = Field(unique=True)
    previous_secret_hash: str | None = Field(default=None, unique=True)
    previous_expires_at: datetime | None = columns.timestamp()
    """Until when the secret before the last rotation is taken too."""
    created_by: str = Field(foreign_key="users.id")
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
    expires_at: datetime | None = columns.timestamp()
    last_used_at: datetime | None = columns.timestamp()
    revoked_at: datetime | None = columns.timestamp()
