"""Products as their vendor and staff see them, on the addresses that customers read too."""

from __future__ import annotations

from typing import Any

from api.sellers import Document, vendor_of
from core.domain.permissions import Permission, allows
from core.resources import Resources
from core.security import Principal
from models.repositories import products
from models.users import Role


def is_seller(who: Principal | None) -> bool:
    """Tell whether somebody may look at products that are not on sale: at some, or at all."""
    if who is None or not allows(who.permissions, Permission.CATALOGUE_READ):
        return False
    return who.role == Role.STAFF or (who.role == Role.VENDOR and who.vendor_id is not None)


async def own_product(
    resources: Resources, who: Principal | None, product_id: str, *, currency: str
) -> Document | None:
    """Return a product to staff and to its vendor; None for everybody else."""
    if who is None or not is_seller(who):
        return None
    return await products.find(
        resources.database, product_id, vendor_id=vendor_of(who), currency=currency
    )


async def own_products(
    resources: Resources,
    who: Principal,
    *,
    vendor_id: str | None,
    **filters: Any,
) -> list[dict[str, Any]]:
    """Return products by id: staff see all vendors', vendors only their own."""
    own = vendor_of(who)
    if own is not None and vendor_id not in {None, own}:
        return []
    return await products.page_of(resources.database, vendor_id=own or vendor_id, **filters)
