"""What every index keeps, filters, sorts and counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.domain.errors import InvalidStateError
from search.documents import ProductDocument
from search.index import SearchIndex
from search.queries import Facet, SearchQuery, Sort
from tests.search_documents import category_id, document, product_id, vendor_id

CHEAP = document("Cheap", price=1000, vendor="North", categories=("Home", "Lamps"), created_at=3)
WIDE = document(
    "Wide",
    prices={"USD": (500, 4000), "EUR": (2000,)},
    vendor="South",
    categories=("Home",),
    created_at=1,
)
DEAR = document("Dear", price=3000, vendor="North", in_stock=False, created_at=2)
UNPRICED = document("Unpriced", price=None, vendor="South", created_at=4)
ALL = (CHEAP, WIDE, DEAR, UNPRICED)


async def found(index: SearchIndex, **query: Any) -> list[str]:
    names = {each.id: each.name for each in ALL}
    result = await index.search(SearchQuery(**query))
    return [names[each] for each in result.product_ids]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"sort": Sort.NEWEST}, ["Unpriced", "Cheap", "Dear", "Wide"]),
        ({}, ["Unpriced", "Cheap", "Dear", "Wide"]),
        ({"sort": Sort.PRICE_ASC}, ["Wide", "Cheap", "Dear", "Unpriced"]),
        ({"sort": Sort.PRICE_DESC}, ["Dear", "Cheap", "Wide", "Unpriced"]),
        ({"sort": Sort.PRICE_ASC, "currency": "EUR", "limit": 1}, ["Wide"]),
        ({"in_stock": True}, ["Unpriced", "Cheap", "Wide"]),
        ({"in_stock": False}, ["Dear"]),
        ({"category_id": category_id("Home")}, ["Cheap", "Wide"]),
        ({"category_id": category_id("Lamps")}, ["Cheap"]),
        ({"category_id": category_id("None")}, []),
        ({"vendor_id": vendor_id("North")}, ["Cheap", "Dear"]),
        ({"vendor_id": vendor_id("North"), "category_id": category_id("Home")}, ["Cheap"]),
        ({"min_price": 3000}, ["Dear", "Wide"]),
        ({"max_price": 1000}, ["Cheap", "Wide"]),
        ({"min_price": 1001, "max_price": 2999}, []),
        ({"min_price": 0, "currency": "EUR"}, ["Wide"]),
        ({"min_price": 0, "currency": "JPY"}, []),
        ({"text": "dear", "in_stock": True, "vendor_id": vendor_id("North")}, []),
    ],
)
async def test_filters_hold_at_once_and_order_is_kept(
    index: SearchIndex, query: dict[str, Any], names: list[str]
) -> None:
    await index.upsert(ALL)

    assert await found(index, **query) == names


async def test_total_and_facets_count_what_the_filters_leave(index: SearchIndex) -> None:
    await index.upsert(ALL)

    result = await index.search(
        SearchQuery(facets=(Facet.CATEGORY, Facet.VENDOR), in_stock=True, limit=1)
    )
    nothing = await index.search(SearchQuery(facets=(Facet.VENDOR,), min_price=10**9))

    assert result.estimated_total == 3
    assert result.facets == {
        Facet.CATEGORY: {category_id("Home"): 2, category_id("Lamps"): 1, category_id("Things"): 1},
        Facet.VENDOR: {vendor_id("South"): 2, vendor_id("North"): 1},
    }
    assert (nothing.estimated_total, nothing.facets) == (0, {Facet.VENDOR: {}})


async def test_pages_meet_every_product_once(index: SearchIndex) -> None:
    documents = [document(f"Number {n}", created_at=7) for n in range(25)]
    await index.upsert(documents)

    for text in ("", "number"):
        pages = [
            (await index.search(SearchQuery(text=text, offset=offset, limit=10))).product_ids
            for offset in (0, 10, 20, 30)
        ]
        assert [len(page) for page in pages] == [10, 10, 5, 0]
        assert {each for page in pages for each in page} == {each.id for each in documents}


async def test_a_document_takes_the_place_of_the_one_before(index: SearchIndex) -> None:
    await index.upsert([CHEAP, WIDE])
    await index.upsert([replace(CHEAP, prices={"USD": (9000,)}, vendor_id=vendor_id("South"))])
    await index.upsert([replace(WIDE), replace(WIDE)])

    assert await index.count() == 2
    assert await found(index, min_price=9000) == ["Cheap"]
    assert await found(index, vendor_id=vendor_id("North")) == []


async def test_deleting_twice_or_what_is_not_there_changes_nothing_more(index: SearchIndex) -> None:
    await index.upsert([CHEAP, WIDE])

    for _ in range(2):
        await index.delete([CHEAP.id, product_id("never there")])
    await index.delete([])
    await index.upsert([])

    assert await found(index) == ["Wide"]
    assert await index.count() == 1


async def test_checksums_come_in_the_order_of_ids(index: SearchIndex) -> None:
    await index.upsert(ALL)
    expected = {each.id: each.checksum for each in sorted(ALL, key=lambda each: each.id)}

    first = await index.checksums(after=None, limit=3)
    rest = await index.checksums(after=list(first)[-1], limit=3)

    assert list((dict(first) | dict(rest)).items()) == list(expected.items())
    assert (len(first), len(rest)) == (3, 1)


async def test_a_rebuild_is_seen_whole_or_not_at_all(index: SearchIndex) -> None:
    await index.upsert([CHEAP, WIDE])

    rebuild = await index.begin()
    await index.fill(rebuild, [WIDE])
    await index.fill(rebuild, [DEAR])
    before = await found(index, sort=Sort.NEWEST)
    for _ in range(2):
        await index.swap(rebuild)

    assert before == ["Cheap", "Wide"]
    assert await found(index, sort=Sort.NEWEST) == ["Dear", "Wide"]
    assert await index.count() == 2


async def test_changes_during_a_rebuild_are_in_both(index: SearchIndex) -> None:
    await index.upsert([CHEAP, WIDE])
    rebuild = await index.begin()
    await index.fill(rebuild, [CHEAP, WIDE])

    await index.upsert([DEAR])
    await index.delete([CHEAP.id])
    before = await found(index, sort=Sort.NEWEST)
    await index.swap(rebuild)

    assert before == await found(index, sort=Sort.NEWEST) == ["Dear", "Wide"]


async def test_a_rebuild_that_was_given_up_is_never_seen(index: SearchIndex) -> None:
    await index.upsert([CHEAP])
    first = await index.begin()
    await index.fill(first, [WIDE])

    second = await index.begin()
    for late in (index.fill(first, [DEAR]), index.swap(first)):
        with pytest.raises(InvalidStateError):
            await late
    await index.fill(second, [DEAR])
    for _ in range(2):
        await index.abandon(second)
    with pytest.raises(InvalidStateError):
        await index.swap(second)
    await index.upsert([UNPRICED])

    assert await found(index, sort=Sort.NEWEST) == ["Unpriced", "Cheap"]


async def test_the_next_rebuild_begins_from_nothing(index: SearchIndex) -> None:
    for documents in ([CHEAP, WIDE], [DEAR], [UNPRICED]):
        rebuild = await index.begin()
        await index.fill(rebuild, documents)
        await index.swap(rebuild)

    assert await found(index) == ["Unpriced"]
    await index.ping()


def test_equal_products_have_equal_checksums_and_others_do_not() -> None:
    changed: list[ProductDocument] = [
        replace(CHEAP, name="Other"),
        replace(CHEAP, in_stock=False),
        replace(CHEAP, prices={"USD": (1001,)}),
        replace(CHEAP, skus=("A",)),
    ]

    assert replace(CHEAP).checksum == CHEAP.checksum
    assert len({each.checksum for each in (CHEAP, *changed)}) == 5
