"""Whether two records of the old world are one person, and what an account takes from a record.

Only an address that its owner has proven joins anything: an unproven one may be anybody's. The old
world kept two records of a person, one to sign in with and one of who they are, and either may know
only one of the two addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Conflict(StrEnum):
    """Why a record is left to a person; the values are what the report says."""

    TWO_ACCOUNTS = "two-accounts"
    """Its e-mail address is of one account, its number of another."""
    EMAIL_TAKEN = "email-taken"
    """Its unproven e-mail address is of an account."""
    ACCOUNT_UNPROVEN = "account-unproven"
    """An account has its proven address, and has not proven it: it may be a stranger's."""
    CLOSED_AND_OPEN = "closed-and-open"
    """The record is closed and the account is not, or the other way round."""
    NOT_A_CUSTOMER = "not-a-customer"
    """The account is of staff or of a vendor: the old world gives nobody a way into it."""


class Note(StrEnum):
    """What of a record was not brought over; the values are what the report says."""

    PHONE_UNPROVEN = "phone-unproven"
    PHONE_INVALID = "phone-invalid"
    EMAIL_INVALID = "email-invalid"
    EMAIL_OF_ANOTHER = "email-of-another"
    OTHER_EMAIL = "other-email"
    OTHER_PHONE = "other-phone"
    PASSWORD_UNKNOWN = "password-unknown"  # noqa: S105  # what the report says of a hash
    """No hash that a sign-in takes: the person asks for a new password, or signs in by a code."""
    PASSWORD_KEPT = "password-kept"  # noqa: S105  # what the report says of a hash
    """The account has a password already."""
    WAS_STAFF = "was-staff"
    """It comes as a customer's: nobody gets permissions from a file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OldRecord:
    """One record that makes sense; ``email`` or ``phone`` is there.

    ``phone`` is E.164 and proven. ``fingerprint`` is the SHA-256 of all that the file says.
    """

    source_id: str
    fingerprint: str
    line: int
    email: str | None = None
    email_verified: bool = False
    phone: str | None = None
    name: str = ""
    password_hash: str | None = None
    is_open: bool = True
    joined_at: str | None = None
    """RFC 3339, UTC."""
    notes: tuple[Note, ...] = ()

    @property
    def email_key(self) -> str | None:
        return self.email.lower() if self.email else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account as it is, or as the records before have made it."""

    id: str
    email: str | None = None
    email_verified: bool = False
    phone: str | None = None
    name: str = ""
    password_hash: str | None = None
    has_password: bool = False
    is_customer: bool = True
    is_open: bool = True
    joined_at: str | None = None
    made_by: str | None = None
    """The record that it is made of, if it is not there yet."""

    @property
    def email_key(self) -> str | None:
        return self.email.lower() if self.email else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """``account`` is what it becomes by the record; None with a conflict."""

    account: Account | None
    conflict: Conflict | None = None
    notes: tuple[Note, ...] = ()


def decide(
    record: OldRecord,
    *,
    by_email: Mapping[str, Account],
    by_phone: Mapping[str, Account],
    new_id: str,
) -> Decision:
    """Say what becomes of a record.

    Args:
        record: what the file says.
        by_email: accounts by their e-mail address in lower case.
        by_phone: accounts by their number.
        new_id: of the account, if it becomes one.
    """
    named = by_email.get(record.email_key or "")
    called = by_phone.get(record.phone or "")
    conflict = _between(record, named, called)
    if conflict is not None:
        return Decision(account=None, conflict=conflict, notes=record.notes)
    notes = record.notes
    if named is not None and not _both_proven(record, named) and named != called:
        record, notes = replace(record, email=None), (*notes, Note.EMAIL_OF_ANOTHER)
        named = None
    target = called or named
    if target is None:
        return Decision(account=_made_of(record, new_id), notes=notes)
    return Decision(account=_filled(target, record), notes=(*notes, *_left_out(target, record)))


def _between(record: OldRecord, named: Account | None, called: Account | None) -> Conflict | None:
    """Say what stands between a record and the accounts with its e-mail address and its number."""
    target = called or named
    if target is None:
        return None
    proven = named is not None and _both_proven(record, named)
    if named is not None and named != called:
        if proven and called is not None:
            return Conflict.TWO_ACCOUNTS
        if not proven and record.email_verified:
            return Conflict.ACCOUNT_UNPROVEN
        if not proven and called is None:
            return Conflict.EMAIL_TAKEN
    if not target.is_customer:
        return Conflict.NOT_A_CUSTOMER
    return Conflict.CLOSED_AND_OPEN if target.is_open != record.is_open else None


def _both_proven(record: OldRecord, account: Account) -> bool:
    return record.email_verified and account.email_verified


def _made_of(record: OldRecord, account_id: str) -> Account:
    return Account(
        id=account_id,
        email=record.email,
        email_verified=record.email_verified,
        phone=record.phone,
        name=record.name,
        password_hash=record.password_hash,
        has_password=record.password_hash is not None,
        is_open=record.is_open,
        joined_at=record.joined_at,
        made_by=record.source_id,
    )


def _filled(target: Account, record: OldRecord) -> Account:
    """The account with what it lacked; what it has stays."""
    takes_email = target.email is None and record.email is not None
    same_email = record.email is not None and record.email_key == target.email_key
    takes_password = not target.has_password and record.password_hash is not None
    return replace(
        target,
        email=record.email if takes_email else target.email,
        email_verified=target.email_verified
        or ((takes_email or same_email) and record.email_verified),
        phone=target.phone or record.phone,
        name=target.name or record.name,
        password_hash=record.password_hash if takes_password else target.password_hash,
        has_password=target.has_password or takes_password,
        joined_at=min(filter(None, (target.joined_at, record.joined_at)), default=None)
        if target.made_by
        else None,
    )


def _left_out(target: Account, record: OldRecord) -> tuple[Note, ...]:
    left = []
    if record.email and target.email and record.email_key != target.email_key:
        left.append(Note.OTHER_EMAIL)
    if record.phone and target.phone and record.phone != target.phone:
        left.append(Note.OTHER_PHONE)
    if record.password_hash and target.has_password:
        left.append(Note.PASSWORD_KEPT)
    return tuple(left)
