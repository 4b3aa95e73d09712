"""What staff and vendors do to a parcel goes to the audit log, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from models.repositories import audit
from models.shipments import Shipment

_PEOPLE = ("staff:", "vendor:")


async def write_down(
    session: AsyncSession,
    shipment: Shipment,
    *,
    actor: str,
    move: str,
    before: str,
    reason: str = "",
    more: Mapping[str, Any] | None = None,
) -> None:
    """Write down what staff or a vendor did; what the platform and carriers do is on the timeline.

    Args:
        session: the transaction of the step, which calls this only when it changes something.
        shipment: the parcel, as it is now.
        actor: who did it.
        move: what was done, as in ``shipment.accept``.
        before: the state that the parcel was in.
        reason: why, in the actor's words.
        more: what else is known of it; no personal data.
    """
    if actor.startswith(_PEOPLE):
        await session.flush()
        await audit.record(
            session,
            actor=actor,
            action=f"shipment.{move}",
            target=shipment.id,
            reason=reason,
            before={"status": before},
            after={"status": shipment.status, **(more or {})},
        )


async def write_down_once(
    session: AsyncSession, shipment: Shipment, *, actor: str, move: str
) -> None:
    """Write down a move that a parcel makes once and that changes no row by itself."""
    if not await audit.knows(session, target=shipment.id, action=f"shipment.{move}"):
        await write_down(session, shipment, actor=actor, move=move, before=shipment.status)
