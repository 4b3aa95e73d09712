"""How fast a search is in PostgreSQL: 100,000 variants, one client.

Run as ``python -m tests.benchmarks.search_speed <database url> [products] [variants of each]`` on a
database of its own; rows that an earlier run has left are used again. A search is timed as the
API makes it: the index is asked, and the products that it finds are read.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from pydantic import SecretStr

from core.database import Database
from core.domain.ids import Prefix, dated_id
from core.settings import PostgresSettings
from models.migrations import upgrade
from models.repositories.catalogue import products_by_id
from search.documents import ProductDocument, product_ids_on_sale, read_documents
from search.postgres import PostgresIndex
from search.queries import Facet, SearchQuery, Sort
from tests.search_quality.catalogue import documents, labelled_queries

PRODUCTS = 25_000
VARIANTS = 4
VOCABULARY = 20_000
BATCH = 1_000
ROUNDS = 4
COLORS = ("Black", "White", "Navy", "Red", "Olive", "Sand", "Grey", "Teal")
SIZES = ("S", "M", "L", "XL")
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
WAREHOUSE = dated_id(Prefix.WAREHOUSE, 0, "benchmark")
TABLES = {
    "vendors": ("id", "name", "slug"),
    "categories": ("id", "name", "slug"),
    "warehouses": ("id", "name", "country", "priority"),
    "products": ("id", "vendor_id", "name", "slug", "description", "status", "created_at"),
    "product_categories": ("product_id", "category_id"),
    "variants": ("id", "product_id", "sku", "title", "attributes", "status", "position"),
    "variant_prices": ("variant_id", "currency", "amount"),
    "stock": ("warehouse_id", "sku", "on_hand"),
}


def made_up_words(rng: random.Random) -> tuple[Sequence[str], Sequence[float]]:
    """Words of an invented language, and how common each is: a few are everywhere (Zipf's law)."""
    syllables = [a + b for a in "bcdfghjklmnprstvw" for b in "aeiou"]
    words = sorted(
        {"".join(rng.choices(syllables, k=rng.randint(2, 5))) for _ in range(VOCABULARY)}
    )
    rng.shuffle(words)
    return words, list(itertools.accumulate(1 / (n + 2) ** 0.9 for n in range(len(words))))


def rows(products: int, variants: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Give the rows of the shop as (table, row): the quality set's products in many makes."""
    rng = random.Random(20261123)  # noqa: S311  # the same shop every time
    words, weights = made_up_words(rng)
    models = documents()
    yield from fixtures(models)
    for n in range(products):
        model = models[n % len(models)]
        product_id = dated_id(Prefix.PRODUCT, n, "benchmark")
        make = f"{words[rng.randrange(200)]} {words[rng.randrange(200)]}".title()
        description = " ".join(rng.choices(words, cum_weights=weights, k=40))
        text = f"{model.description} {description}"
        named = (product_id, model.vendor_id, f"{model.name} {make}", f"benchmark-{n}")
        yield "products", (*named, text, "published", FIRST_DAY + timedelta(seconds=n))
        for category_id in model.category_ids:
            yield "product_categories", (product_id, category_id)
        for v in range(variants):
            color, size = rng.choice(COLORS), SIZES[v % len(SIZES)]
            variant_id = dated_id(Prefix.VARIANT, n, "benchmark", v)
            sku = f"BM-{n}-{v}"
            attributes = f'{{"color": "{color}", "size": "{size}"}}'
            title = f"{color}, {size}"
            yield "variants", (variant_id, product_id, sku, title, attributes, "active", v)
            for currency in ("USD", "EUR"):
                yield "variant_prices", (variant_id, currency, rng.randint(500, 50_000))
            yield "stock", (WAREHOUSE, sku, rng.choice((0, 5)))


def fixtures(models: Sequence[ProductDocument]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield "warehouses", (WAREHOUSE, "Main", "US", 0)
    yield from sorted(
        {("vendors", (each.vendor_id, each.vendor_name, each.vendor_id)) for each in models}
        | {
            ("categories", (id_, name, id_))
            for each in models
            for id_, name in zip(each.category_ids, each.category_names, strict=True)
        }
    )


async def fill_shop(url: str, products: int, variants: int) -> None:
    connection = await asyncpg.connect(url)
    if await connection.fetchval("SELECT count(*) FROM products") != products:
        by_table: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TABLES}
        for table, row in rows(products, variants):
            by_table[table].append(row)
        async with connection.transaction():
            for table, records in by_table.items():
                await connection.copy_records_to_table(
                    table, records=records, columns=TABLES[table]
                )
        await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def rebuild(database: Database, index: PostgresIndex) -> None:
    started = time.perf_counter()
    handle, after = await index.begin(), None
    while ids := await product_ids_on_sale(database, after=after, limit=BATCH):
        await index.fill(handle, await read_documents(database, ids))
        after = ids[-1]
    await index.swap(handle)
    seconds = time.perf_counter() - started
    sys.stdout.write(f"{await index.count()} products indexed in {seconds:.1f} s\n")


def searches() -> dict[str, list[SearchQuery]]:
    """What is timed, by kind; every search counts both facets."""
    facets = (Facet.CATEGORY, Facet.VENDOR)
    by_kind: dict[str, list[SearchQuery]] = {}
    for labelled in labelled_queries():
        by_kind.setdefault(labelled.kind, []).append(SearchQuery(text=labelled.text, facets=facets))
    home = next(each for each in documents() if each.category_names == ("Garden",))
    common = ("shirt", "lamp", "black", "set", "leather", "ho", "s", "red wool", "steel", "m")
    by_kind["common words"] = [SearchQuery(text=text, facets=facets) for text in common]
    by_kind["browsing"] = [
        SearchQuery(facets=facets),
        SearchQuery(facets=facets, category_id=home.category_ids[0]),
        SearchQuery(facets=facets, vendor_id=home.vendor_id, in_stock=True),
    ]
    by_kind["filters and orders"] = [
        SearchQuery(text=text, facets=facets, **filters)
        for text in ("shirt", "lamp", "wool", "")
        for filters in (
            {"sort": Sort.PRICE_ASC},
            {"min_price": 1000, "max_price": 9000},
            {"in_stock": True, "sort": Sort.NEWEST},
        )
    ]
    by_kind["deep pages"] = [
        SearchQuery(text=text, facets=facets, offset=offset)
        for text in ("shirt", "black")
        for offset in (280, 960)
    ]
    return by_kind


async def timed(call: Callable[[], Awaitable[Any]]) -> float:
    started = time.perf_counter()
    await call()
    return (time.perf_counter() - started) * 1000


def tell(kind: str, taken: list[float]) -> None:
    ordered = sorted(taken)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    median = statistics.median(ordered)
    sys.stdout.write(f"{kind:20} {len(ordered):5} median {median:6.1f} ms  p95 {p95:6.1f} ms\n")


async def main(url: str, products: int, variants: int) -> None:
    await asyncio.to_thread(upgrade, url)
    await fill_shop(url, products, variants)
    database = Database.open(PostgresSettings(url=SecretStr(url), pool_size=1))
    index = PostgresIndex(database)
    if await index.count() != products:
        await rebuild(database, index)

    async def search(query: SearchQuery) -> None:
        found = await index.search(query)
        await products_by_id(database, found.product_ids, query.currency)

    everything = []
    for kind, queries in searches().items():
        for query in queries:
            await search(query)
        taken = [
            await timed(lambda query=query: search(query))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            for query in queries * ROUNDS
        ]
        tell(kind, taken)
        everything += taken
    words = [labelled.text for labelled in labelled_queries()]
    beginnings = [word[:length] for word in words for length in (1, 2, 3, 5)]
    tell(
        "suggestions",
        [await timed(lambda text=text: index.suggest(text, limit=10)) for text in beginnings],  # type: ignore[misc]  # as above
    )
    tell("all searches", everything)
    await database.close()


if __name__ == "__main__":
    asyncio.run(
        main(
            sys.argv[1],
            int(sys.argv[2]) if len(sys.argv) > 2 else PRODUCTS,
            int(sys.argv[3]) if len(sys.argv) > 3 else VARIANTS,
        )
    )
