"""What staff tell banks: drafted by the API, recorded once it is sent; never outside the row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from core.domain.errors import InvalidStateError
from core.domain.events import OrderEvent, TimelineEntry
from core.domain.statuses import DisputeStatus
from models.disputes import Dispute
from models.orders import Order
from models.repositories import audit, disputes, orders, timeline

_TOLD = text("""
SELECT EXISTS (SELECT FROM order_timeline
WHERE order_id = :order_id AND type = :type AND title = :title AND detail = :detail)
""")


async def draft_evidence(
    session: AsyncSession, dispute_id: str, *, submission_id: str, fields: dict[str, Any]
) -> Dispute:
    """Keep what the bank is to be told, until its submission is carried out.

    Raises:
        NotFoundError: there is no such dispute.
        InvalidStateError: nothing is asked for any more.
    """
    order_id = (await disputes.get(session, dispute_id)).order_id
    await orders.lock(session, order_id)
    dispute = await disputes.get(session, dispute_id)
    if not wants_evidence(dispute):
        raise InvalidStateError(
            present=f"{dispute.status}, evidence submitted"
            if dispute.evidence_submitted_at
            else dispute.status,
            wanted="a submission of evidence",
        )
    known = dispute.evidence or {}
    drafts = {**known.get("drafts", {}), submission_id: fields}
    dispute.evidence = {"submitted": known.get("submitted"), "drafts": drafts}
    await session.flush()
    return dispute


async def drop_draft(session: AsyncSession, dispute_id: str, submission_id: str) -> None:
    """Forget what the bank is not told after all; what is submitted stays."""
    await orders.lock(session, (await disputes.get(session, dispute_id)).order_id)
    dispute = await disputes.get(session, dispute_id)
    known = dispute.evidence or {}
    drafts = {name: one for name, one in known.get("drafts", {}).items() if name != submission_id}
    dispute.evidence = {"submitted": known.get("submitted"), "drafts": drafts}
    await session.flush()


async def record_submission(
    session: AsyncSession, order: Order, dispute: Dispute, *, submission_id: str, actor: str
) -> None:
    """Record that the provider has a submission; once."""
    drafts = (dispute.evidence or {}).get("drafts", {})
    if dispute.evidence_submitted_at is not None or submission_id not in drafts:
        return
    dispute.evidence = {"submitted": drafts[submission_id], "drafts": {}}
    dispute.evidence_submitted_at = orders.now()
    dispute.submitted_by = actor
    disputes.touch(dispute)
    await session.flush()
    await session.refresh(dispute)
    await audit.record(
        session,
        actor=actor,
        action="dispute.evidence_submitted",
        target=dispute.id,
        reason="",
        after={"submission_id": submission_id},
    )
    entry = TimelineEntry(
        type=OrderEvent.DISPUTE_EVIDENCE_SUBMITTED,
        title="Evidence was submitted to the bank",
        detail=dispute.provider_dispute_id,
        actor=actor,
    )
    await timeline.append(session, order.id, [entry])


async def record_acceptance(
    session: AsyncSession, order: Order, dispute: Dispute, *, actor: str, reason: str
) -> None:
    """Record that a person gives an open dispute up; once."""
    action = "dispute.accepted"
    if await audit.knows(session, target=dispute.id, action=action):
        return
    await audit.record(
        session,
        actor=actor,
        action=action,
        target=dispute.id,
        reason=reason,
        before={"status": dispute.status},
    )
    entry = TimelineEntry(
        type=OrderEvent.DISPUTE_ACCEPTED,
        title="The dispute is not contested",
        detail=dispute.provider_dispute_id,
        actor=actor,
    )
    await timeline.append(session, order.id, [entry])


async def tell_once(session: AsyncSession, order: Order, entry: TimelineEntry) -> None:
    """Add an entry to a locked order's timeline unless the same one is there."""
    known = await session.execute(
        _TOLD,
        {
            "order_id": order.id,
            "type": entry.type,
            "title": entry.title,
            "detail": entry.detail,
        },
    )
    if not known.scalar_one():
        await timeline.append(session, order.id, [entry])


def wants_evidence(dispute: Dispute) -> bool:
    """Whether the bank waits for our side of it."""
    return dispute.status == DisputeStatus.NEEDS_RESPONSE and dispute.evidence_submitted_at is None
