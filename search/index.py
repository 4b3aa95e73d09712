"""The one thing that searches: what every backend can do, in the words of the shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from search.documents import ProductDocument
from search.queries import SearchQuery, SearchResult, Suggestion


class SearchIndex(Protocol):
    """An index of products.

    Changes are idempotent and searchable when the call returns (a backend with a queue awaits its
    task). All methods raise ``UnavailableError`` when the backend does not answer, or fails for a
    reason of its own: the same call may succeed later.

    A rebuild has a handle: ``begin``, ``fill`` as often as needed, ``swap``. Readers see the old
    index until the swap and the new one from then on, never a part of it. ``upsert`` and ``delete``
    go to what is read and to a rebuild that is under way. Still a ``fill`` may write an older state
    over a newer one: whoever rebuilds replays the changes since ``begin`` after the swap.
    """

    @property
    def name(self) -> str:
        """The backend, for people and metrics."""
        ...

    async def search(self, query: SearchQuery) -> SearchResult:
        """Return one page of products, best first, the total and the facets that were asked for."""
        ...

    async def suggest(self, text: str, *, limit: int) -> Sequence[Suggestion]:
        """Return names of products, categories and vendors with a word that begins so."""
        ...

    async def upsert(self, documents: Sequence[ProductDocument]) -> None:
        """Write documents whole, each in place of the one of the same product."""
        ...

    async def delete(self, product_ids: Sequence[str]) -> None:
        """Take products out; unknown ids are no error."""
        ...

    async def apply_settings(self) -> None:
        """Bring the backend's settings to those of this release; harmless when they are so."""
        ...

    async def begin(self) -> str:
        """Begin a rebuild from nothing and return its handle; an unfinished one is given up."""
        ...

    async def fill(self, rebuild: str, documents: Sequence[ProductDocument]) -> None:
        """Write documents into the rebuild.

        Raises:
            InvalidStateError: the rebuild was given up, or is finished.
        """
        ...

    async def swap(self, rebuild: str) -> None:
        """Let readers see the rebuild, at once and for good; a second call changes nothing.

        Raises:
            InvalidStateError: the rebuild was given up.
        """
        ...

    async def abandon(self, rebuild: str) -> None:
        """Give the rebuild up; readers notice nothing. Harmless when it is gone."""
        ...

    async def count(self) -> int:
        """Return how many products can be found."""
        ...

    async def checksums(self, *, after: str | None, limit: int) -> Mapping[str, str]:
        """Return ``ProductDocument.checksum`` by product id, in the order of ids, after one."""
        ...

    async def ping(self) -> None:
        """Return when the backend answers."""
        ...

    async def close(self) -> None: ...
