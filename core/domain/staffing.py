"""Who may give rights to whom: nobody gives, takes or steps over what they do not have."""

from __future__ import annotations

from collections.abc import Iterable

from core.domain.errors import ForbiddenError
from core.domain.permissions import Permission, allows

NEVER_OF_A_KEY = frozenset({Permission.PEOPLE_WRITE, Permission.IMPERSONATE})
"""A machine makes no accounts and no keys, and acts as nobody: what it has is all it gets."""


def covers(granted: frozenset[Permission], wanted: Iterable[Permission]) -> bool:
    """Tell whether somebody with ``granted`` may do all of ``wanted``."""
    return all(allows(granted, permission) for permission in wanted)


def require_above(granted: frozenset[Permission], theirs: Iterable[Permission]) -> None:
    """Refuse to touch the account of somebody who may do more.

    Raises:
        ForbiddenError: they have a permission that is not in ``granted``.
    """
    if not covers(granted, theirs):
        raise ForbiddenError("this account may do more than yours")


def require_grantable(granted: frozenset[Permission], wanted: Iterable[Permission]) -> None:
    """Refuse to give what one does not have.

    Raises:
        ForbiddenError: names what is missing.
    """
    missing = sorted(one for one in wanted if not allows(granted, one))
    if missing:
        raise ForbiddenError(f"you cannot give what you do not have: {', '.join(missing)}")
