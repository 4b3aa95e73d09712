"""The search index as a whole: rebuilt while it is read, compared with the catalogue, mended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from temporalio import activity


@dataclass(frozen=True, kw_only=True)
class Reindex:
    """Why, for whoever looks at the workflow."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """A rebuild under way: the backend's handle."""

    handle: str


@dataclass(frozen=True, kw_only=True)
class FillRebuild:
    """Write products into a rebuild, those after one; ``filled`` were written before."""

    rebuild: Rebuild
    after: str | None = None
    filled: int = 0


@dataclass(frozen=True, kw_only=True)
class Filled:
    """``after`` is the last product written; None when no more are on sale."""

    after: str | None
    filled: int


@dataclass(frozen=True, kw_only=True)
class ReindexProgress:
    """How far a rebuild is; ``total`` is what is on sale when it began."""

    phase: str
    filled: int
    total: int


@dataclass(frozen=True, kw_only=True)
class RebuildPlan:
    rebuild: Rebuild
    total: int


@dataclass(frozen=True, kw_only=True)
class Swapped:
    """Readers see the new index, with so many products."""

    products: int


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """Tidy up behind those who follow the catalogue; with ``compare`` also mend the index."""

    compare: bool = False


@dataclass(frozen=True, kw_only=True)
class CompareIndex:
    """Without ``mend`` the differences are only counted."""

    mend: bool = True


@dataclass(frozen=True, kw_only=True)
class KeepUp:
    """How many old events go in one statement."""

    prune_at_once: int = 10_000


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What differed between the catalogue and the index.

    ``missing`` products were not found, ``stale`` ones not as they are, ``surplus`` ones are not on
    sale any more.
    """

    products: int
    missing: int
    stale: int
    surplus: int


@dataclass(frozen=True, kw_only=True)
class KeptUp:
    """What the upkeep did; ``restarted`` are followers that did not run."""

    pruned: int
    restarted: int


class IndexActivities(ABC):
    @activity.defn
    @abstractmethod
    async def begin_rebuild(self, step: Reindex) -> RebuildPlan:
        """Begin a new index beside the one that is read; an unfinished one is given up."""

    @activity.defn
    @abstractmethod
    async def fill_rebuild(self, step: FillRebuild) -> Filled:
        """Write some thousand products; a second run writes the same again."""

    @activity.defn
    @abstractmethod
    async def swap_rebuild(self, step: Rebuild) -> Swapped:
        """Let readers see the new index, and bring in what changed meanwhile."""

    @activity.defn
    @abstractmethod
    async def abandon_rebuild(self, step: Rebuild) -> None:
        """Give it up; readers notice nothing."""

    @activity.defn
    @abstractmethod
    async def compare_index(self, step: CompareIndex) -> Compared:
        """Find where index and catalogue differ, and mend it."""

    @activity.defn
    @abstractmethod
    async def keep_up(self, step: KeepUp) -> KeptUp:
        """Delete events that everybody has seen; start followers that do not run."""
