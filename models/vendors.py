"""Those who sell."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from models import columns


class FulfillmentMode(StrEnum):
    """Who moves a vendor's parcels."""

    AUTOMATIC = "automatic"
    """The platform books and hands over by itself, as a warehouse of its own would."""
    MANUAL = "manual"
    """The vendor accepts, packs and hands over, each by a deadline."""


class VendorStatus(StrEnum):
    PENDING = "pending"
    """Applied, and waits for staff: it sells nothing yet."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Its products are not on sale; its orders go on."""


class Vendor(SQLModel, table=True):
    __tablename__ = "vendors"
    __table_args__ = (
        columns.one_of("fulfillment", FulfillmentMode),
        columns.one_of("status", VendorStatus),
    )

    id: str = Field(primary_key=True)
    name: str
    slug: str = Field(unique=True)
    fulfillment: str = Field(
        default=FulfillmentMode.AUTOMATIC,
        sa_column_kwargs={"server_default": FulfillmentMode.AUTOMATIC.value},
    )
    payout_provider: str | None = None
    """Which provider pays its settlements."""
    payout_account: str | None = None
    """The provider's id of the account that is paid: a connected account, a recipient."""
    status: str = Field(
        default=VendorStatus.ACTIVE, sa_column_kwargs={"server_default": VendorStatus.ACTIVE.value}
    )
    products_need_approval: bool = columns.flag()
    """Staff look at a product before it is published."""
    version: int = columns.count()
    created_at: datetime = columns.created_at()
    updated_at: datetime = columns.created_at()
