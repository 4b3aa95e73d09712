"""The one way in which the index is written: the present state of whole products."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from core import read_tags
from core.cache import CACHE_ERRORS
from core.database import Database
from core.tagged_cache import TaggedCache
from models.repositories.concerned_products import concerned_products
from models.repositories.outbox_reader import CatalogueChange
from search.documents import read_documents
from search.index import SearchIndex

CHUNK = 200
_ONE_WRITER = "search-index"
_log = structlog.get_logger(__name__)


class IndexChanges:
    """Brings changes into the index, and makes the API forget searches from before.

    Several may write at once: who follows, who mends, who rebuilds. A document is read and written
    in one turn, so that no older state is written over a newer one.
    """

    def __init__(self, database: Database, index: SearchIndex, reads: TaggedCache) -> None:
        self._database = database
        self._index = index
        self._reads = reads

    async def apply(self, changes: Sequence[CatalogueChange]) -> None:
        """Write every product that the changes concern.

        Raises:
            UnavailableError: the database or the index does not answer.
        """
        await self.write(await concerned_products(self._database, changes))
        await self.forget_searches()

    async def write(self, product_ids: Sequence[str]) -> None:
        """Write these products as they are now; what is not on sale is taken out."""
        for start in range(0, len(product_ids), CHUNK):
            chunk = product_ids[start : start + CHUNK]
            # The turn keeps a connection while others are used: few write, and the pool is larger.
            async with self._database.one_at_a_time(_ONE_WRITER):
                documents = await read_documents(self._database, chunk)
                if documents:
                    await self._index.upsert(documents)
                gone = sorted(set(chunk) - {document.id for document in documents})
                if gone:
                    await self._index.delete(gone)

    async def forget_searches(self) -> None:
        """Make the API forget what it found before; kept searches end by themselves otherwise."""
        try:
            await self._reads.invalidate([read_tags.SEARCH])
        except CACHE_ERRORS as error:
            _log.warning("searches are forgotten by their time", error=type(error).__name__)
