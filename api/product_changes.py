"""What every change of a product obeys: the table of states, the approval of staff, the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.sellers import plain, vendor_of
from core.domain.products import Approval, ProductStatus, moved_product, waits_for_staff
from core.security import Principal
from models.catalogue import Product
from models.repositories import audit, products
from models.vendors import Vendor


def look_again(product: Product, vendor: Vendor, who: Principal) -> dict[str, Any]:
    """Return what becomes of a product whose vendor changes what staff have approved.

    It waits for them again, and is not on sale until then.
    """
    if vendor_of(who) is None or not vendor.products_need_approval:
        return {}
    published = product.status == ProductStatus.PUBLISHED
    if product.approval != Approval.APPROVED and not published:
        return {}
    changes: dict[str, Any] = {"approval": Approval.REQUESTED}
    if published:
        changes["status"] = ProductStatus.DRAFT
    return changes


def moved(
    product: Product,
    vendor: Vendor,
    status: ProductStatus,
    who: Principal,
    changed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the change to a state; staff who publish a product approve it."""
    if status == product.status:
        return {}
    approval = Approval((changed or {}).get("approval", product.approval))
    by_staff = vendor_of(who) is None
    moved_product(
        ProductStatus(product.status),
        status,
        approval=approval,
        needs_approval=vendor.products_need_approval,
        by_vendor=not by_staff,
    )
    changes: dict[str, Any] = {"status": status}
    waits = waits_for_staff(approval, needs_approval=vendor.products_need_approval)
    if by_staff and waits and status is ProductStatus.PUBLISHED:
        changes["approval"] = Approval.APPROVED
    return changes


async def written(
    session: AsyncSession,
    product: Product,
    changes: Mapping[str, Any],
    *,
    action: str,
    actor: str,
    reason: str = "",
    target: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write a change of a product that is locked, and who made it.

    Without ``changes`` something that belongs to it has changed: ``before`` and ``after`` say what.
    """
    if before is None:
        before = {name: getattr(product, name) for name in changes}
    await products.save(session, product, changes)
    await audit.record(
        session,
        actor=actor,
        action=action,
        target=target or product.id,
        reason=reason,
        before=plain(before),
        after=plain(changes if after is None else {**after, **changes}),
    )
