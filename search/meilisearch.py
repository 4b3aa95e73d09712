"""The index in Meilisearch, behind its official client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any, Self

from meilisearch import Client
from meilisearch.models.task import TaskInfo

from core.domain.errors import InvalidStateError
from core.settings_search import MeilisearchSettings
from search.documents import ProductDocument
from search.meilisearch_calls import MeilisearchCalls
from search.meilisearch_documents import begins_inside, completed, plain, to_meilisearch
from search.meilisearch_queries import asked_for, facet_counts, quoted
from search.meilisearch_settings import INDEX_SETTINGS, PRIMARY_KEY, differs
from search.queries import SearchQuery, SearchResult, Suggestion, SuggestionKind

_MOST_INDEXES = 1_000
_SWAPS_REMEMBERED = 100
_NAMED = {
    "category_keys": SuggestionKind.CATEGORY,
    "vendor_keys": SuggestionKind.VENDOR,
}


class MeilisearchIndex:
    """A rebuild is an index of its own, ``{name}-rebuild-…``; its name is the handle."""

    name = "meilisearch"

    def __init__(self, calls: MeilisearchCalls, uid: str) -> None:
        self._calls = calls
        self._uid = uid
        self._is_set_up = False

    @classmethod
    def open(cls, settings: MeilisearchSettings) -> Self:
        return cls(MeilisearchCalls(settings), settings.index)

    async def search(self, query: SearchQuery) -> SearchResult:
        words, options = asked_for(query)
        answer = await self._calls.ask(
            lambda client: client.index(self._uid).search(words, options)
        )
        return SearchResult(
            product_ids=[hit["id"] for hit in answer["hits"]],
            estimated_total=answer["estimatedTotalHits"],
            facets=facet_counts(query, answer.get("facetDistribution") or {}),
        )

    async def suggest(self, text: str, *, limit: int) -> Sequence[Suggestion]:
        beginning = plain(text)
        if not beginning:
            return []
        found = await self._products_named(beginning, limit)
        for facet, kind in _NAMED.items():
            found += await self._completed(facet, kind, beginning)
        found.sort(key=lambda one: (not plain(one.text).startswith(beginning), len(one.text)))
        return found[:limit]

    async def upsert(self, documents: Sequence[ProductDocument]) -> None:
        if documents:
            await self._set_up_once()
            await self._write([self._uid, *await self._rebuilds()], documents)

    async def delete(self, product_ids: Sequence[str]) -> None:
        if not product_ids:
            return
        await self._set_up_once()
        listed = ", ".join(quoted(one) for one in product_ids)
        chosen = f"{PRIMARY_KEY} IN [{listed}]"
        uids = [self._uid, *await self._rebuilds()]
        await self._calls.do_all([_deletion(uid, chosen) for uid in uids])

    async def apply_settings(self) -> None:
        await self._make(self._uid)
        self._is_set_up = True

    async def begin(self) -> str:
        await self._set_up_once()
        for unfinished in await self._rebuilds():
            await self.abandon(unfinished)
        rebuild = f"{self._rebuild_prefix}{token_hex(8)}"
        await self._make(rebuild)
        return rebuild

    async def fill(self, rebuild: str, documents: Sequence[ProductDocument]) -> None:
        if not await self._is_there(rebuild):
            raise InvalidStateError(present="abandoned or swapped", wanted="fill")
        if documents:
            await self._write([rebuild], documents)

    async def swap(self, rebuild: str) -> None:
        swapping = await self._swap_of(rebuild)
        if swapping is not None:
            await self._calls.ended(swapping)
        elif not await self._is_there(rebuild):
            raise InvalidStateError(present="abandoned", wanted="swap")
        else:
            await self._calls.do(
                lambda client: client.swap_indexes([{"indexes": [self._uid, rebuild]}])
            )
        # Under the name of the rebuild there is now what was read before.
        await self.abandon(rebuild)

    async def abandon(self, rebuild: str) -> None:
        if await self._is_there(rebuild):
            await self._calls.do(lambda client: client.index(rebuild).delete())

    async def count(self) -> int:
        stats = await self._calls.ask(lambda client: client.index(self._uid).get_stats())
        return int(stats.number_of_documents)

    async def checksums(self, *, after: str | None, limit: int) -> Mapping[str, str]:
        page: dict[str, Any] = {
            "fields": [PRIMARY_KEY, "checksum"],
            "limit": limit,
            "sort": [f"{PRIMARY_KEY}:asc"],
        }
        if after is not None:
            page["filter"] = f"{PRIMARY_KEY} > {quoted(after)}"
        found = await self._calls.ask(lambda client: client.index(self._uid).get_documents(page))
        return {one.id: one.checksum for one in found.results}

    async def ping(self) -> None:
        await self._calls.ask(lambda client: client.health())

    async def close(self) -> None:
        """Nothing is kept open."""

    @property
    def _rebuild_prefix(self) -> str:
        return f"{self._uid}-rebuild-"

    async def _set_up_once(self) -> None:
        if not self._is_set_up:
            await self.apply_settings()

    async def _make(self, uid: str) -> None:
        """Make an index unless it is there, and give it our settings unless it has them."""
        if not await self._is_there(uid):
            await self._calls.do(
                lambda client: client.create_index(uid, {"primaryKey": PRIMARY_KEY})
            )
        present = await self._calls.ask(lambda client: client.index(uid).get_settings())
        if differs(present):
            await self._calls.do(
                lambda client: client.index(uid).update_settings({**INDEX_SETTINGS})
            )

    async def _is_there(self, uid: str) -> bool:
        return await self._calls.find(lambda client: client.get_raw_index(uid)) is not None

    async def _rebuilds(self) -> list[str]:
        listed: Any = await self._calls.ask(
            lambda client: client.get_raw_indexes({"limit": _MOST_INDEXES})
        )
        uids = [str(one["uid"]) for one in listed["results"]]
        return sorted(uid for uid in uids if uid.startswith(self._rebuild_prefix))

    async def _write(self, uids: Sequence[str], documents: Sequence[ProductDocument]) -> None:
        flat = [to_meilisearch(one) for one in {one.id: one for one in documents}.values()]
        await self._calls.do_all([_addition(uid, flat) for uid in uids])

    async def _swap_of(self, rebuild: str) -> int | None:
        """The task that swaps it, if one was begun: a swap that is repeated must not swap back."""

        def swaps(client: Client) -> int | None:
            tasks = client.get_tasks(
                {
                    "types": "indexSwap",
                    "statuses": "enqueued,processing,succeeded",
                    "limit": _SWAPS_REMEMBERED,
                }
            )
            for task in tasks.results:
                pairs = (task.details or {}).get("swaps", [])
                if any(rebuild in pair["indexes"] for pair in pairs):
                    return task.uid
            return None

        return await self._calls.ask(swaps)

    async def _products_named(self, beginning: str, limit: int) -> list[Suggestion]:
        options = {
            "attributesToSearchOn": ["name"],
            "attributesToRetrieve": [PRIMARY_KEY, "name"],
            "matchingStrategy": "all",
            "limit": 2 * limit,
        }
        answer = await self._calls.ask(
            lambda client: client.index(self._uid).search(beginning, options)
        )
        return [
            Suggestion(text=hit["name"], kind=SuggestionKind.PRODUCT, id=hit[PRIMARY_KEY])
            for hit in answer["hits"]
            if begins_inside(hit["name"], beginning)
        ]

    async def _completed(
        self, facet: str, kind: SuggestionKind, beginning: str
    ) -> list[Suggestion]:
        answer = await self._calls.ask(
            lambda client: client.index(self._uid).facet_search(facet, beginning)
        )
        found = {completed(hit["value"], beginning) for hit in answer["facetHits"]}
        return [
            Suggestion(text=one[0], kind=kind, id=one[1]) for one in sorted(filter(None, found))
        ]


def _addition(uid: str, documents: Sequence[Mapping[str, Any]]) -> Callable[[Client], TaskInfo]:
    return lambda client: client.index(uid).add_documents(documents, PRIMARY_KEY)


def _deletion(uid: str, chosen: str) -> Callable[[Client], TaskInfo]:
    return lambda client: client.index(uid).delete_documents(filter=chosen)
