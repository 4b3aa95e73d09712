"""Products before there is a database: their states, their options, the words in their address."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from core.domain.errors import FieldError, InvalidStateError

MAX_SLUG_LENGTH = 80
_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")


class ProductStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Approval(StrEnum):
    """What staff say of a vendor's product that needs their approval."""

    NOT_REQUESTED = "not_requested"
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


PRODUCT_MOVES: Mapping[ProductStatus, frozenset[ProductStatus]] = {
    ProductStatus.DRAFT: frozenset({ProductStatus.PUBLISHED, ProductStatus.ARCHIVED}),
    ProductStatus.PUBLISHED: frozenset({ProductStatus.DRAFT, ProductStatus.ARCHIVED}),
    ProductStatus.ARCHIVED: frozenset({ProductStatus.DRAFT, ProductStatus.PUBLISHED}),
}

APPROVAL_MOVES: Mapping[Approval, frozenset[Approval]] = {
    Approval.NOT_REQUESTED: frozenset({Approval.REQUESTED, Approval.APPROVED}),
    Approval.REQUESTED: frozenset({Approval.APPROVED, Approval.REJECTED}),
    Approval.APPROVED: frozenset({Approval.REQUESTED, Approval.REJECTED}),
    Approval.REJECTED: frozenset({Approval.REQUESTED, Approval.APPROVED}),
}


def moved_approval(present: Approval, wanted: Approval) -> Approval:
    """Return ``wanted``.

    Raises:
        InvalidStateError: there is no such move from ``present``.
    """
    if wanted not in APPROVAL_MOVES[present]:
        raise InvalidStateError(
            present=present, wanted=wanted, allowed=sorted(APPROVAL_MOVES[present])
        )
    return wanted


def moved_product(
    present: ProductStatus,
    wanted: ProductStatus,
    *,
    approval: Approval,
    needs_approval: bool,
    by_vendor: bool,
) -> ProductStatus:
    """Return ``wanted``; the state that a product has already is no move.

    Args:
        present: the state it is in.
        wanted: the state it shall be in.
        approval: what staff said of it.
        needs_approval: whether its vendor publishes only what staff said yes to.
        by_vendor: whether its vendor moves it; who of staff publishes it approves it.

    Raises:
        InvalidStateError: there is no such move, or staff have not approved it.
    """
    if wanted is present:
        return wanted
    allowed = set(PRODUCT_MOVES[present])
    if by_vendor and waits_for_staff(approval, needs_approval=needs_approval):
        allowed.discard(ProductStatus.PUBLISHED)
    if wanted not in allowed:
        raise InvalidStateError(present=present, wanted=wanted, allowed=sorted(allowed))
    return wanted


def waits_for_staff(approval: Approval, *, needs_approval: bool) -> bool:
    """Tell whether a product cannot be published before staff say yes.

    That is so too where they were asked, or said no, while they need not be asked any more.
    """
    if needs_approval:
        return approval is not Approval.APPROVED
    return approval in {Approval.REQUESTED, Approval.REJECTED}


def slug_of(name: str) -> str:
    """Return the words of a name as they stand in an address; empty when none is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_SLUGS.sub("-", plain).strip("-")[:MAX_SLUG_LENGTH].rstrip("-")


def option_faults(options: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Point to options that are there twice, and to values that are there twice in one."""
    faults: list[FieldError] = []
    names = [option["name"] for option in options]
    for number, option in enumerate(options):
        if option["name"] in names[:number]:
            detail = "this option is there already"
            faults.append(FieldError(pointer=f"/options/{number}/name", detail=detail))
        values = option["values"]
        faults += [
            FieldError(
                pointer=f"/options/{number}/values/{place}", detail="this value is there already"
            )
            for place, value in enumerate(values)
            if value in values[:place]
        ]
    return faults


def attribute_faults(
    options: Sequence[Mapping[str, Any]], attributes: Mapping[str, Any]
) -> list[FieldError]:
    """Point to what a variant lacks: a value of each option, out of those that the product has.

    It may have other attributes beside.
    """
    faults: list[FieldError] = []
    for option in options:
        name, values = option["name"], option["values"]
        if name not in attributes:
            pointer, detail = "/attributes", f"a value of the option {name} is missing"
        elif attributes[name] not in values:
            pointer = f"/attributes/{_escaped(name)}"
            detail = f"not a value of this option: {', '.join(values)}"
        else:
            continue
        faults.append(FieldError(pointer=pointer, detail=detail))
    return faults


def choice(options: Sequence[Mapping[str, Any]], attributes: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells a variant from the others of its product: its values of the options."""
    return tuple(attributes.get(option["name"]) for option in options)


def _escaped(name: str) -> str:
    """Return a name as it stands in a JSON pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")
