"""The inbox of providers' events: each stored once, before the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models import columns


class WebhookEvent(SQLModel, table=True):
    __tablename__ = "webhook_events"
    __table_args__ = (
        Index(
            "ix_webhook_events_unprocessed",
            "received_at",
            postgresql_where=text("processed_at IS NULL"),
        ),
    )

    provider: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    type: str
    object_id: str
    """The provider's id of what the event is about."""
    reference: str | None = None
    """Our own id that the provider carries along: an order, a shipment."""
    payload: dict[str, Any] = columns.document()
    received_at: datetime = columns.created_at()
    processed_at: datetime | None = columns.timestamp()
    outcome: str | None = None


class EventPoll(SQLModel, table=True):
    """How far a provider was asked for events that never arrived."""

    __tablename__ = "event_polls"

    provider: str = Field(primary_key=True)
    polled_until_at: datetime = columns.timestamp(nullable=False)
    filled: int = columns.count()
    """Events that only asking brought to light, ever."""
    updated_at: datetime = columns.created_at()
