"""What keeps readers of the catalogue right: events of the outbox, followed for ever."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

from temporalio import activity


class Consumer(StrEnum):
    """Who follows; its place in the outbox has this name."""

    SEARCH = "search"
    """Brings changes into the index."""
    CACHE = "cache"
    """Makes the API forget answers that a change has made old."""


@dataclass(frozen=True, kw_only=True)
class CatalogueSync:
    consumer: Consumer


@dataclass(frozen=True, kw_only=True)
class FollowCatalogue:
    """Follow for ``seconds``, then come back at the next moment with nothing left to do."""

    consumer: Consumer
    seconds: int


@dataclass(frozen=True, kw_only=True)
class FollowedUntil:
    """The place in the outbox that the consumer has come to."""

    transaction_id: int
    position: int


class CatalogueSyncActivities(ABC):
    @activity.defn
    @abstractmethod
    async def follow_catalogue(self, step: FollowCatalogue) -> FollowedUntil:
        """Apply events in order and in batches; a batch that was half done is done again."""
