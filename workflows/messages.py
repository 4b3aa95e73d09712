"""Messages that several workflows understand."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.events import Actor


@dataclass(frozen=True, kw_only=True)
class CancelRequest:
    """Who wants an order canceled, and why."""

    actor: str = Actor.SYSTEM
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Who wakes a parked step, and why."""

    actor: str
    reason: str = ""
