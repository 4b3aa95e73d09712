"""Messages of accounts: by their ids alone, for they are full of personal data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class AccountMessageRef:
    """Which message; ``tries`` is how often an earlier run has waited with it."""

    message_id: str
    tries: int = 0


class MessageOutcome(StrEnum):
    SENT = "sent"
    FAILED = "failed"
    """Refused for good, or its time ended before it could be sent."""
    NOT_NEEDED = "not_needed"
    """A newer one took its place, or its person is erased."""


class AccountMessageActivities(ABC):
    @activity.defn
    @abstractmethod
    async def send_account_message(self, step: AccountMessageRef) -> MessageOutcome:
        """Send it, unless it was sent; raises when it could not be sent now."""
