"""What keeps the platform tidy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class Housekeeping:
    """How long to keep what nobody needs any more, in days."""

    idempotency_keys_days: int = 7
    sessions_days: int = 7
    carts_days: int = 30
    """Past their end, whatever became of them."""
    messages_days: int = 7
    """Of accounts, past their end: they are full of personal data."""


@dataclass(frozen=True, kw_only=True)
class Tidied:
    """How many rows went, and how many events were given to their workflows again."""

    idempotency_keys: int
    sessions: int
    redriven_events: int
    served_orders: int = 0
    """Orders that waited for stock and got some."""
    stock_alerts: int = 0
    """Variants whose stock has fallen below its threshold, or risen above it again."""
    carts: int = 0
    restarted: int = 0
    """Refunds, drafts, returns, jobs, media, erasures and messages whose workflow did not run."""
    messages: int = 0
    prices: int = 0
    """Products of which a price began or ended to hold by itself."""
    job_files: int = 0
    """Jobs whose files were kept long enough."""


class HousekeepingActivities(ABC):
    @activity.defn
    @abstractmethod
    async def tidy(self, step: Housekeeping) -> Tidied:
        """Delete what is past its time; start what an outage left in the inbox or unstarted.

        Give free stock to the orders that wait for it, and tell who is concerned.
        """
