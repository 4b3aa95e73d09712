"""What a line of the table of routes says: who may call it, with which permission, on whose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.domain.permissions import Permission


class Door(StrEnum):
    """Who is let in at all."""

    ANYONE = "anyone"
    SIGNED_IN = "a person who is signed in"
    ONESELF = "the person alone, not somebody of staff who acts as them"
    STAFF = "staff with the permission"
    VENDOR = "a vendor's member whose rank has the permission"
    SELLER = "staff with the permission, or a vendor's member whose rank has it"
    PROVIDER = "the provider's signature"
    LINK = "whoever has the signed link"
    CART = "the customer, or whoever has the cart's token"
    ORDER = "the customer, or whoever has the order's token"


class Own(StrEnum):
    """What an id in the path names that belongs to somebody: others get 404.

    Each has a maker in ``tests/integration/api/belongings.py``.
    """

    CART = "cart"
    GUESTS_CART = "a guest's cart, which a customer with its token may take over"
    HOLD = "hold"
    ORDER = "order"
    RETURN = "return"
    PARCEL = "parcel"
    SESSION = "session"
    SETTLEMENT = "settlement"
    JOB = "job"
    MEMBER = "member"
    EXPORT = "export"
    INVITATION = "invitation"
    API_KEY = "API key"
    PRODUCT = "product"
    DELETED_PRODUCT = "a product that was deleted"
    VARIANT = "variant"
    MEDIA = "picture"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """One line."""

    door: Door
    permission: Permission | None = None
    own: Own | None = None
    idempotent: bool = False
    """Takes an ``Idempotency-Key``."""
    in_person: bool = False
    """Not for an API key, though it had the permission."""


def anyone(*, idempotent: bool = False) -> Policy:
    return Policy(door=Door.ANYONE, idempotent=idempotent)


def provider() -> Policy:
    return Policy(door=Door.PROVIDER)


def link() -> Policy:
    return Policy(door=Door.LINK)


def signed_in(*, own: Own | None = None, idempotent: bool = False) -> Policy:
    return Policy(door=Door.SIGNED_IN, own=own, idempotent=idempotent)


def oneself(*, own: Own | None = None, idempotent: bool = False) -> Policy:
    return Policy(door=Door.ONESELF, own=own, idempotent=idempotent)


def cart(*, own: Own | None = None, idempotent: bool = False) -> Policy:
    return Policy(door=Door.CART, own=own, idempotent=idempotent)


def order(*, own: Own = Own.ORDER, idempotent: bool = False) -> Policy:
    return Policy(door=Door.ORDER, own=own, idempotent=idempotent)


def staff(permission: Permission, *, idempotent: bool = False, in_person: bool = False) -> Policy:
    return Policy(
        door=Door.STAFF, permission=permission, idempotent=idempotent, in_person=in_person
    )


def vendor(permission: Permission, *, own: Own | None = None, idempotent: bool = False) -> Policy:
    return Policy(door=Door.VENDOR, permission=permission, own=own, idempotent=idempotent)


def seller(permission: Permission, *, own: Own | None = None, idempotent: bool = False) -> Policy:
    return Policy(door=Door.SELLER, permission=permission, own=own, idempotent=idempotent)
