"""A shop of some hundred products, and what people would look for in it.

``products.tsv`` has a product a line, ``queries.tsv`` a search: what it tries (``kind``),
what is typed, and the products that a person would expect, by patterns of their slugs.
"""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.domain.ids import Prefix, dated_id
from search.documents import ProductDocument

_HERE = Path(__file__).parent
_FIRST_DAY = 1_767_225_600


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledQuery:
    kind: str
    text: str
    relevant: frozenset[str]
    """Ids of products."""


def product_id(slug: str) -> str:
    return dated_id(Prefix.PRODUCT, 0, slug)


def documents() -> Sequence[ProductDocument]:
    return [_document(number, row) for number, row in enumerate(_rows("products.tsv"))]


def labelled_queries() -> Sequence[LabelledQuery]:
    slugs = [row["slug"] for row in _rows("products.tsv")]
    return [
        LabelledQuery(
            kind=row["kind"],
            text=row["query"],
            relevant=frozenset(
                product_id(slug)
                for pattern in row["relevant"].split()
                for slug in fnmatch.filter(slugs, pattern)
            ),
        )
        for row in _rows("queries.tsv")
    ]


def _rows(name: str) -> Sequence[Mapping[str, str]]:
    with (_HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _document(number: int, row: Mapping[str, str]) -> ProductDocument:
    path = row["category"].split(" > ")
    places = sorted(
        (dated_id(Prefix.CATEGORY, 0, " > ".join(path[: depth + 1])), name)
        for depth, name in enumerate(path)
    )
    attributes = [pair.partition("=")[2] for pair in row["attributes"].split(";") if pair]
    title = row["name"].partition(", ")[2]
    price = int(row["price"])
    return ProductDocument(
        id=product_id(row["slug"]),
        name=row["name"],
        slug=row["slug"],
        description=row["description"],
        vendor_id=dated_id(Prefix.VENDOR, 0, row["vendor"]),
        vendor_name=row["vendor"],
        category_ids=tuple(id_ for id_, _ in places),
        category_names=tuple(name for _, name in places),
        skus=(row["slug"].upper(),),
        variant_titles=(title,) if title else (),
        attribute_values=tuple(sorted({*attributes, title} - {""})),
        prices={"USD": (price,)},
        in_stock=number % 7 != 0,
        created_at=_FIRST_DAY + number,
    )
