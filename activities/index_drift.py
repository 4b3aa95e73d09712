"""Where the index is not what the catalogue says: found by walking through both in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from core.database import Database
from search.documents import product_ids_on_sale, read_documents
from search.index import SearchIndex

PAGE = 500


@dataclass(kw_only=True, slots=True)
class Drift:
    """Product ids by what is wrong with them; ``products`` were compared."""

    products: int = 0
    missing: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)

    @property
    def all_ids(self) -> list[str]:
        return sorted([*self.missing, *self.stale, *self.surplus])


async def find_drift(database: Database, index: SearchIndex) -> Drift:
    """Compare the checksum of every product on sale with the index's.

    A change on its way to the index may count; it does no harm to write it twice.
    """
    drift = Drift()
    indexed = _Indexed(index)
    async for page, last in _pages(database):
        drift.products += len(page)
        theirs = await indexed.up_to(last)
        for product_id, checksum in page.items():
            if product_id not in theirs:
                drift.missing.append(product_id)
            elif theirs[product_id] != checksum:
                drift.stale.append(product_id)
        drift.surplus += sorted(theirs.keys() - page.keys())
    return drift


async def _pages(database: Database) -> AsyncIterator[tuple[Mapping[str, str], str | None]]:
    """Checksums of what is on sale, page by page; the last page ends with None, for the end."""
    after: str | None = None
    while True:
        ids = await product_ids_on_sale(database, after=after, limit=PAGE)
        documents = await read_documents(database, ids) if ids else []
        after = ids[-1] if len(ids) == PAGE else None
        yield {document.id: document.checksum for document in documents}, after
        if after is None:
            return


class _Indexed:
    """The index's checksums, read once from its first product to its last."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index
        self._after: str | None = None
        self._ahead: dict[str, str] = {}
        self._ended = False

    async def up_to(self, last: str | None) -> Mapping[str, str]:
        """Return those not returned before, up to a product; up to the end without one."""
        while not self._ended and (last is None or not self._ahead or max(self._ahead) <= last):
            page = await self._index.checksums(after=self._after, limit=PAGE)
            self._ahead |= page
            self._ended = len(page) < PAGE
            self._after = max(page, default=self._after)
        taken = {one: sum_ for one, sum_ in self._ahead.items() if last is None or one <= last}
        self._ahead = {one: sum_ for one, sum_ in self._ahead.items() if one not in taken}
        return taken
