"""What people of staff, members of vendors and API keys may do: one vocabulary for all of them.

A permission of staff also counts as a scope of an API key. Members of a vendor have what their rank
gives them; owners have all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """``:read`` lets look, ``:write`` lets look and change."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    """Cancel, edit, hold, resolve, returns, parcels."""
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    CATALOGUE_READ = "catalogue:read"
    CATALOGUE_WRITE = "catalogue:write"
    """Products, categories, media, imports, the approval of vendors' products."""
    TERMS_READ = "terms:read"
    TERMS_WRITE = "terms:write"
    """Promotions, taxes, shipping, commissions, rules of review."""
    MONEY_READ = "money:read"
    MONEY_WRITE = "money:write"
    """Refunds, disputes, settlements, reconciliation."""
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    """Accounts, their permissions, vendors and their members, API keys."""
    IMPERSONATE = "people:impersonate"
    AUDIT_READ = "audit:read"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    """Feature flags, rebuilds of the index."""


class VendorRank(StrEnum):
    """Who somebody is at their vendor."""

    OWNER = "owner"
    CLERK = "clerk"


EVERYTHING = frozenset(Permission)

RANKS: Mapping[VendorRank, frozenset[Permission]] = {
    VendorRank.OWNER: frozenset(
        {
            Permission.ORDERS_READ,
            Permission.ORDERS_WRITE,
            Permission.STOCK_READ,
            Permission.CATALOGUE_READ,
            Permission.CATALOGUE_WRITE,
            Permission.MONEY_READ,
            Permission.MONEY_WRITE,
            Permission.PEOPLE_READ,
            Permission.PEOPLE_WRITE,
        }
    ),
    VendorRank.CLERK: frozenset(
        {
            Permission.ORDERS_READ,
            Permission.ORDERS_WRITE,
            Permission.STOCK_READ,
            Permission.CATALOGUE_READ,
            Permission.CATALOGUE_WRITE,
        }
    ),
}
"""What a member of a vendor may do with what is the vendor's own."""


def allows(granted: frozenset[Permission], wanted: Permission) -> bool:
    """Tell whether ``granted`` contains ``wanted``, or the right to write what is to be read."""
    if wanted in granted:
        return True
    area, _, deed = wanted.partition(":")
    return deed == "read" and f"{area}:write" in granted
