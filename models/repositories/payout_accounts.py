"""Where a vendor's settlements are paid to."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.database import Database
from core.domain.errors import NotFoundError
from models.repositories import audit
from models.vendors import Vendor

_KNOWN = text("SELECT 1 FROM vendors WHERE id = :id")


async def knows(database: Database, vendor_id: str) -> bool:
    """Whether there is such a vendor."""
    return bool(await database.statement(_KNOWN, {"id": vendor_id}))


async def put(
    session: AsyncSession, vendor_id: str, *, provider: str, account: str, actor: str, reason: str
) -> Vendor:
    """Set a vendor's account at a provider; the audit log keeps what it was before.

    Raises:
        NotFoundError: there is no such vendor.
    """
    vendor = await session.get(Vendor, vendor_id, with_for_update={"key_share": True})
    if vendor is None:
        raise NotFoundError("there is no such vendor")
    before = {"provider": vendor.payout_provider, "account": vendor.payout_account}
    after = {"provider": provider, "account": account}
    if before != after:
        vendor.payout_provider, vendor.payout_account = provider, account
        await audit.record(
            session,
            actor=actor,
            action="vendor.payout_account",
            target=vendor_id,
            reason=reason,
            before=before,
            after=after,
        )
    return vendor
