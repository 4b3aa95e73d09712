"""A dispute's moves, its shares and its reminders; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from core.domain.money import split
from core.domain.statuses import DisputeStatus

DISPUTE_MOVES: Mapping[DisputeStatus, frozenset[DisputeStatus]] = {
    DisputeStatus.NEEDS_RESPONSE: frozenset(
        {DisputeStatus.UNDER_REVIEW, DisputeStatus.WON, DisputeStatus.LOST}
    ),
    # Back to the beginning when an inquiry becomes a dispute: the bank asks once more.
    DisputeStatus.UNDER_REVIEW: frozenset(
        {DisputeStatus.NEEDS_RESPONSE, DisputeStatus.WON, DisputeStatus.LOST}
    ),
    DisputeStatus.WON: frozenset(),
    DisputeStatus.LOST: frozenset(),
}

OPEN_DISPUTE = (DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW)
"""Not decided yet."""


def shares(amount: int, *, taken: int, parts: Mapping[str, int]) -> dict[str, int]:
    """Return what each vendor bears of a disputed amount, in minor units; none bears nothing.

    In proportion to the vendors' parts in what the payment has left, by the largest remainder. The
    platform bears the rest: its own part, and whatever the bank takes beyond what is left.

    Args:
        amount: what the bank has taken back.
        taken: what the payment took, less what was given back and disputed before.
        parts: what vendors are owed of that.
    """
    owed = {vendor: part for vendor, part in sorted(parts.items()) if part > 0}
    platform = max(taken - sum(owed.values()), 0)
    whole = sum(owed.values()) + platform
    if not owed:
        return {}
    borne = split(min(amount, whole), [*owed.values(), platform])
    return {vendor: share for vendor, share in zip(owed, borne, strict=False) if share}


def reminder_at(due_at: datetime, now: datetime, before: Iterable[int]) -> int | None:
    """Return the last reminder that is due, in seconds before the deadline; None before the first.

    Args:
        due_at: the deadline (UTC).
        now: the present moment (UTC).
        before: when to remind, in seconds before the deadline.
    """
    begun = [seconds for seconds in before if now >= due_at - timedelta(seconds=seconds)]
    return min(begun, default=None)


def next_moment(due_at: datetime, now: datetime, before: Iterable[int]) -> datetime | None:
    """Return the next reminder, or the deadline itself; None when it is over."""
    moments = [due_at - timedelta(seconds=seconds) for seconds in (*before, 0)]
    return min((moment for moment in moments if moment > now), default=None)
