"""How much of what people expect is among the first ten."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from search.index import SearchIndex
from search.queries import SearchQuery
from tests.search_backends import FINDING
from tests.search_quality.catalogue import documents, labelled_queries

SHOWN = 10
WANTED = 0.95
FIRST_WANTED = 0.95


@pytest.fixture(params=sorted(FINDING))
async def finder(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[SearchIndex]:
    async with FINDING[request.param](database_url) as opened:
        await opened.apply_settings()
        rebuild = await opened.begin()
        await opened.fill(rebuild, documents())
        await opened.swap(rebuild)
        yield opened


def test_the_set_is_large_and_every_query_has_an_answer() -> None:
    queries = labelled_queries()

    assert len(documents()) >= 300
    assert len({query.text for query in queries}) >= 60
    assert [query.text for query in queries if not 0 < len(query.relevant) <= SHOWN] == []
    assert {query.kind for query in queries} >= {"typo", "plural", "accent", "synonym", "partial"}


async def test_recall_at_ten_and_first_answers(finder: SearchIndex) -> None:
    recalls, firsts, missed = [], [], []
    for query in labelled_queries():
        found = (await finder.search(SearchQuery(text=query.text, limit=SHOWN))).product_ids
        recalls.append(len(query.relevant.intersection(found)) / len(query.relevant))
        firsts.append(bool(found) and found[0] in query.relevant)
        if recalls[-1] < 1:
            missed.append((query.kind, query.text, round(recalls[-1], 2)))

    assert sum(recalls) / len(recalls) >= WANTED, missed
    assert sum(firsts) / len(firsts) >= FIRST_WANTED
