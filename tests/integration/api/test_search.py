from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.ids import Prefix, new_id
from models import Category, ProductCategory
from search.documents import read_documents
from search.postgres import PostgresIndex
from tests.integration.api.conftest import World

WORD = "quokkalamp"
"""No other test sells one."""


@dataclass(frozen=True, kw_only=True)
class Lamps:
    """Three products, the second dearer than the first and so on; the last one is sold out."""

    product_ids: list[str]
    category_id: str
    vendor_ids: list[str]


@pytest.fixture(scope="session")
async def lamps(world: World) -> Lamps:
    category_id = new_id(Prefix.CATEGORY)
    shelves = [await world.shop.stock_up(units) for units in (3, 2, 0)]
    skus = [shelf.sku for shelf in shelves]
    async with world.database.transaction() as session:
        session.add(Category(id=category_id, name="Night lights", slug=f"night-{WORD}"))
        rows = await session.execute(
            text("""
            UPDATE products p SET name = :word || ' ' || v.n FROM (
                SELECT v.product_id, v.id, array_position(CAST(:skus AS text[]), v.sku) AS n
                FROM variants v WHERE v.sku = ANY(CAST(:skus AS text[]))) v
            WHERE p.id = v.product_id RETURNING p.id, v.n, v.id AS variant_id
            """),
            {"word": WORD, "skus": skus},
        )
        found = sorted(rows.mappings().all(), key=lambda row: row["n"])
        for row in found:
            session.add(ProductCategory(product_id=row["id"], category_id=category_id))
            await session.execute(
                text("UPDATE variant_prices SET amount = 1000 * :n WHERE variant_id = :id"),
                {"n": row["n"], "id": row["variant_id"]},
            )
    lamps = Lamps(
        product_ids=[row["id"] for row in found],
        category_id=category_id,
        vendor_ids=[shelf.vendor_id for shelf in shelves],
    )
    await index_all(world, lamps.product_ids)
    return lamps


async def index_all(world: World, product_ids: list[str]) -> None:
    index = PostgresIndex(world.database)
    documents = await read_documents(world.database, product_ids)
    await index.upsert(documents)
    on_sale = {document.id for document in documents}
    await index.delete([each for each in product_ids if each not in on_sale])


async def search(world: World, **parameters: Any) -> dict[str, Any]:
    response = await world.client.get("/v1/search", params={"q": WORD, **parameters})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [product["id"] for product in body["data"]]


async def test_what_is_found_is_whole_products_with_counts(world: World, lamps: Lamps) -> None:
    body = await search(world, sort="price_asc")

    whole = await world.client.get(f"/v1/products/{lamps.product_ids[0]}")
    assert body["data"][0] == whole.json()
    assert {name: body[name] for name in ("facets", "estimated_total", "next_cursor")} == {
        "facets": {
            "category": {lamps.category_id: 3},
            "vendor": dict.fromkeys(lamps.vendor_ids, 1),
        },
        "estimated_total": 3,
        "next_cursor": None,
    }
    assert 0 <= body["took_ms"] < 5_000


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"sort": "price_asc"}, [0, 1, 2]),
        ({"sort": "price"}, [0, 1, 2]),
        ({"sort": "price_desc"}, [2, 1, 0]),
        ({"sort": "-price", "in_stock": "true"}, [1, 0]),
        ({"in_stock": "false"}, [2]),
        ({"min_price": 2000, "sort": "price_asc"}, [1, 2]),
        ({"max_price": 2000, "sort": "price_asc"}, [0, 1]),
        ({"min_price": 1001, "max_price": 2999}, [1]),
        ({"min_price": 1, "currency": "EUR"}, []),
        ({"q": f"{WORD} 2"}, [1]),
        ({"q": "qoukkalamp 3"}, [2]),
        ({"category": f"night-{WORD}", "q": "", "sort": "price_asc"}, [0, 1, 2]),
        ({"category": "no-such-category"}, []),
        ({"vendor": "no-such-vendor"}, []),
    ],
)
async def test_filters_and_order_hold_together(
    world: World, lamps: Lamps, parameters: dict[str, Any], found: list[int]
) -> None:
    body = await search(world, **parameters)

    assert ids(body) == [lamps.product_ids[n] for n in found]
    assert body["estimated_total"] == len(found)


async def test_category_and_vendor_are_taken_by_id_and_by_slug(world: World, lamps: Lamps) -> None:
    vendor_id = lamps.vendor_ids[1]

    for vendor in (vendor_id, vendor_id.lower()):
        for category in (lamps.category_id, f"night-{WORD}"):
            body = await search(world, vendor=vendor, category=category, facets="vendor")
            assert ids(body) == [lamps.product_ids[1]]
            assert body["facets"] == {"vendor": {vendor_id: 1}}


async def test_pages_meet_every_product_once(world: World, lamps: Lamps) -> None:
    first = await search(world, sort="price_asc", limit=2, facets="")
    second = await search(world, sort="price_asc", limit=2, facets="", cursor=first["next_cursor"])

    assert ids(first) + ids(second) == lamps.product_ids
    assert (first["facets"], second["next_cursor"]) == ({}, None)


async def test_cursor_of_another_search_is_refused(world: World, lamps: Lamps) -> None:
    first = await search(world, limit=1)

    for query in ({"q": "other"}, {"q": WORD, "sort": "newest"}, {"q": WORD, "cursor": "x" * 40}):
        response = await world.client.get(
            "/v1/search", params={"limit": 1, "cursor": first["next_cursor"], **query}
        )
        assert response.status_code == 400
        assert response.json()["type"].endswith("/invalid-cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("q=a%00b", "/query/q"),
        ("q=%0D%0ASet-Cookie:x", "/query/q"),
        (f"q={'x' * 201}", "/query/q"),
        ("min_price=-1", "/query/min_price"),
        ("max_price=1e3", "/query/max_price"),
        ("max_price=9007199254740992", "/query/max_price"),
        ("min_price=2&max_price=1", "/query/min_price"),
        ("currency=usd", "/query/currency"),
        ("in_stock=perhaps", "/query/in_stock"),
        ("sort=rating", "/query/sort"),
        ("facets=category,brand", "/query/facets"),
        ("facets=category;drop", "/query/facets"),
        ("category=../x", "/query/category"),
        ("vendor=", "/query/vendor"),
        ("limit=101", "/query/limit"),
    ],
)
async def test_bad_parameter_is_refused_by_its_name(world: World, query: str, pointer: str) -> None:
    response = await world.client.get(f"/v1/search?{query}")

    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "typed",
    [
        "' OR 1=1 --",
        "a & b | !c <-> d:*A \\",
        "((((",
        "%_%",
        "x" * 200,
        " ".join("abcdefghij"[n % 10] * 5 for n in range(33)),
        "\u202equokka\u202c",
        "e\u0301\u0301\u0301\u0301",
        "\U0001f4a1",
        "\ufdfa",
        "\u0130\u0131\u00df\ufb03",
        "\ufffd",
        "日本語の本",
        "-1e5 0x1f 1.5.3 007",
    ],
)
async def test_anything_that_people_type_is_an_ordinary_search(
    world: World, lamps: Lamps, typed: str
) -> None:
    for path in ("/v1/search", "/v1/search/suggest"):
        response = await world.client.get(path, params={"q": typed})
        assert response.status_code == 200, response.text
    assert ids(await search(world)) != []


async def test_product_that_left_the_sale_is_not_shown_before_the_index_knows(
    world: World, lamps: Lamps
) -> None:
    change = text("UPDATE products SET status = :status WHERE id = :id")
    gone = {"id": lamps.product_ids[1]}
    await world.database.statement(change, {**gone, "status": "archived"})

    body = await search(world, sort="price_asc")
    await world.database.statement(change, {**gone, "status": "published"})

    assert ids(body) == [lamps.product_ids[0], lamps.product_ids[2]]


async def test_suggestions_complete_names(world: World, lamps: Lamps) -> None:
    products = await world.client.get("/v1/search/suggest", params={"q": "quokk", "limit": 2})
    categories = await world.client.get("/v1/search/suggest", params={"q": "night li"})
    nothing = await world.client.get("/v1/search/suggest", params={"q": ""})

    assert products.json() == {
        "data": [
            {"text": f"{WORD} {n}", "kind": "product", "id": lamps.product_ids[n - 1]}
            for n in (1, 2)
        ]
    }
    assert categories.json() == {
        "data": [{"text": "Night lights", "kind": "category", "id": lamps.category_id}]
    }
    assert nothing.json() == {"data": []}
