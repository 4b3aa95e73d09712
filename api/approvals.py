"""What staff say of vendors' products."""

from __future__ import annotations

from typing import Any

from api.preconditions import require_match
from api.product_changes import written
from api.sellers import Document, vendor_of
from core.domain.products import Approval, ProductStatus, moved_approval
from core.resources import Resources
from core.security import Principal
from models.repositories import products


async def decide(
    resources: Resources,
    product_id: str,
    approval: Approval,
    *,
    who: Principal,
    if_match: str | None,
    reason: str = "",
) -> Document:
    """Ask staff to look at a product, or say as staff what they found.

    What is rejected is not on sale any more. An answer that was given already changes nothing.

    Raises:
        NotFoundError: there is no such product, or not the caller's.
        PreconditionFailedError: it is not the version that the caller saw.
        InvalidStateError: nobody has asked, or it is approved already.
    """
    async with resources.database.transaction() as session:
        product = await products.lock(session, product_id, vendor_id=vendor_of(who))
        require_match(if_match, product.version)
        if product.approval != approval:
            changes: dict[str, Any] = {
                "approval": moved_approval(Approval(product.approval), approval),
                "approval_reason": reason,
            }
            if approval is not Approval.APPROVED and product.status == ProductStatus.PUBLISHED:
                changes["status"] = ProductStatus.DRAFT
            action = f"product.approval_{approval}"
            await written(session, product, changes, action=action, actor=who.actor, reason=reason)
        return await products.read(session, product_id)
