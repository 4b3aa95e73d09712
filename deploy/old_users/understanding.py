"""What a line of the old world's file means."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from core.django_hashes import is_django_hash
from core.domain.old_users import Note, OldRecord
from deploy.old_users.reading import Line

TRUE = frozenset({"true", "t", "1", "yes", "y"})
FALSE = frozenset({"false", "f", "0", "no", "n", ""})
KINDS = frozenset({"user", "profile"})
LONGEST_NAME = 200
_KEY = re.compile(r"[\w.@:-]{1,100}", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class SenselessError(Exception):
    """A line that is no record; ``str(error)`` says why, in a word for the report."""


def source_id_of(line: Line) -> str | None:
    """Return the key of a record in the old world, by which it is known for ever."""
    kind = (line.values.get("kind") or "user").lower()
    key = line.values.get("id", "")
    return f"{kind}:{key}" if kind in KINDS and _KEY.fullmatch(key) else None


def is_proven(line: Line) -> bool:
    """Tell whether the old world says that its person has proven an address of the record."""
    return any(
        line.values.get(name) and line.values.get(f"{name}_verified", "").lower() in TRUE
        for name in ("email", "phone")
    )


def record_of(line: Line, *, region: str | None) -> OldRecord:
    """Make sense of a line.

    Args:
        line: what is written.
        region: the country (ISO 3166) of numbers that are written without one.

    Raises:
        SenselessError: there is no key or nothing to sign in with, or a word is none of the known.
    """
    if line.problem:
        raise SenselessError(line.problem)
    source_id = source_id_of(line)
    if source_id is None:
        raise SenselessError("no-key")
    values = line.values
    notes: list[Note] = []
    email = _email(values, notes)
    phone = _phone(values, notes, region)
    if email is None and phone is None:
        raise SenselessError("no-address")
    if _flag(values, "is_staff") or _flag(values, "is_superuser"):
        notes.append(Note.WAS_STAFF)
    return OldRecord(
        source_id=source_id,
        fingerprint=fingerprint_of(line),
        line=line.number,
        email=email,
        email_verified=email is not None and _flag(values, "email_verified"),
        phone=phone,
        name=_name(values),
        password_hash=_password(values, notes),
        is_open=_flag(values, "is_active", default=True),
        joined_at=_moment(values.get("date_joined", "")),
        notes=tuple(notes),
    )


def fingerprint_of(line: Line) -> str:
    """Return the SHA-256 of all that a line says."""
    written = json.dumps(line.values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def _email(values: Mapping[str, str], notes: list[Note]) -> str | None:
    written = values.get("email", "")
    if not written:
        return None
    try:
        return validate_email(written, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        notes.append(Note.EMAIL_INVALID)
        return None


def _phone(values: Mapping[str, str], notes: list[Note], region: str | None) -> str | None:
    written = values.get("phone", "")
    if not written:
        return None
    if not _flag(values, "phone_verified"):
        notes.append(Note.PHONE_UNPROVEN)
        return None
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        notes.append(Note.PHONE_INVALID)
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _password(values: Mapping[str, str], notes: list[Note]) -> str | None:
    stored = values.get("password", "")
    if not stored or stored.startswith("!"):  # Django's word for having none
        return None
    if is_django_hash(stored):
        return stored
    notes.append(Note.PASSWORD_UNKNOWN)
    return None


def _name(values: Mapping[str, str]) -> str:
    parts = (values.get("first_name", ""), values.get("last_name", ""))
    written = values.get("name", "") or " ".join(filter(None, parts))
    return _CONTROLS.sub(" ", written).strip()[:LONGEST_NAME]


def _flag(values: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    written = values.get(name, "").lower()
    if written in TRUE:
        return True
    if written == "" and default:
        return True
    if written in FALSE:
        return False
    raise SenselessError(f"{name.replace('_', '-')}-unknown")


def _moment(written: str) -> str | None:
    if not written:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise SenselessError("date-joined-unknown") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")
