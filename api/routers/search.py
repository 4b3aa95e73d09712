"""Finding products by words, prices and places."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from api.auth import Anyone
from api.caching import cacheable
from api.cursors import Cursors
from api.dependencies import Cursor, CursorsDep, Limit, Res, SearchDep
from api.json_route import router, to_json
from api.openapi import problems
from api.read_cache import kept
from api.schemas.base import CURRENCY, MAX_INTEGER, NO_CONTROLS
from api.schemas.search import SearchPage, Suggestions
from core.domain.errors import FieldError, InvalidRequestError
from core.domain.ids import Prefix, is_id
from core.read_tags import PRODUCTS, SEARCH, SHOP
from core.resources import Resources
from models.repositories import catalogue
from models.repositories.search_scopes import id_of_slug
from search.queries import DEEPEST, Facet, SearchQuery, SearchResult, Sort

api = router("search")

_NOT_CHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Not changed"}}
_MAX_TEXT = 200
_SIGNED_PRICES = {"price": Sort.PRICE_ASC, "-price": Sort.PRICE_DESC}
_SCOPE = ("text", "min_price", "max_price", "currency", "in_stock", "sort")
_FACETS = r"^([a-z]+(,[a-z]+)*)?$"
_NAMED = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$"

Words = Annotated[
    str,
    Query(
        max_length=_MAX_TEXT,
        pattern=NO_CONTROLS,
        description="Words as people type them: no operators. Empty finds everything",
        examples=["linen shirt"],
    ),
]
Narrowed = Annotated[str | None, Query(pattern=_NAMED, description="An id or a slug")]
Price = Annotated[
    int | None, Query(ge=0, le=MAX_INTEGER, description="Minor units of `currency`, included")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A search as it stands in an address; its category and vendor are ids or slugs."""

    query: SearchQuery
    category: str | None
    vendor: str | None


async def _asked(
    *,
    q: Words = "",
    category: Narrowed = None,
    vendor: Narrowed = None,
    min_price: Price = None,
    max_price: Price = None,
    currency: Annotated[str, Query(pattern=CURRENCY)] = "USD",
    in_stock: bool | None = None,
    sort: Annotated[
        str, Query(description="`relevance`, `price_asc`, `price_desc` or `newest`")
    ] = Sort.RELEVANCE.value,
    facets: Annotated[
        str, Query(pattern=_FACETS, description="Which to count, with commas between them")
    ] = "category,vendor",
) -> Asked:
    if min_price is not None and max_price is not None and min_price > max_price:
        raise _refused("min_price", "must not be above max_price")
    query = SearchQuery(
        text=q,
        min_price=min_price,
        max_price=max_price,
        currency=currency,
        in_stock=in_stock,
        sort=_sort(sort),
        facets=_facets(facets),
    )
    return Asked(query=query, category=category, vendor=vendor)


@api.get("/search", response_model=SearchPage, responses=problems("invalid-cursor") | _NOT_CHANGED)
async def search(
    *,
    request: Request,
    _: Anyone,
    resources: Res,
    index: SearchDep,
    cursors: CursorsDep,
    asked: Annotated[Asked, Depends(_asked)],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response:
    """Find published products; a category includes all below it.

    Typos are forgiven in words of five letters and more, and the last word may be unfinished. If
    no product has all the words, those with the most of them are found. Pages end after 1,000
    products.
    """
    started = time.perf_counter()
    scope = {"list": "search", "category": asked.category, "vendor": asked.vendor} | {
        name: getattr(asked.query, name) for name in _SCOPE
    }
    offset = int(cursors.open(cursor, scope=scope) or 0)
    query = replace(
        await _narrowed(resources, asked), offset=offset, limit=min(limit, DEEPEST - offset)
    )

    async def load() -> bytes:
        found = await index.search(query)
        document = {
            "data": await catalogue.products_by_id(
                resources.database, found.product_ids, query.currency
            ),
            "facets": {facet.value: counts for facet, counts in found.facets.items()},
            "estimated_total": found.estimated_total,
            "next_cursor": _next(cursors, scope, query, found),
            "took_ms": round((time.perf_counter() - started) * 1000),
        }
        return to_json(document)

    tags = (SEARCH, PRODUCTS, SHOP)
    question = scope | asdict(query)
    return cacheable(request, await kept(request, resources, scope=question, tags=tags, load=load))


@api.get("/search/suggest", response_model=Suggestions, responses=_NOT_CHANGED)
async def suggest(
    *,
    request: Request,
    _: Anyone,
    resources: Res,
    index: SearchDep,
    q: Words = "",
    limit: Annotated[int, Query(ge=1, le=20)] = 10,
) -> Response:
    """Complete what somebody types to names of products, categories and vendors."""

    async def load() -> bytes:
        found = await index.suggest(q, limit=limit)
        data = [{"text": each.text, "kind": each.kind, "id": each.id} for each in found]
        return to_json({"data": data})

    question = {"suggest": q, "limit": limit}
    body = await kept(request, resources, scope=question, tags=(SEARCH, SHOP), load=load)
    return cacheable(request, body)


def _sort(value: str) -> Sort:
    try:
        return _SIGNED_PRICES.get(value) or Sort(value)
    except ValueError:
        allowed = ", ".join(Sort)
        raise _refused("sort", f"must be one of {allowed}") from None


def _facets(value: str) -> tuple[Facet, ...]:
    try:
        return tuple(dict.fromkeys(Facet(name) for name in value.split(",") if name))
    except ValueError:
        allowed = ", ".join(Facet)
        raise _refused("facets", f"must be of {allowed}") from None


def _refused(parameter: str, detail: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError(pointer=f"/query/{parameter}", detail=detail)])


async def _narrowed(resources: Resources, asked: Asked) -> SearchQuery:
    """Return the query with ids in the place of slugs; an unknown slug is found in no product."""
    category, vendor = asked.category, asked.vendor
    if category is not None and not is_id(Prefix.CATEGORY, category):
        category = await id_of_slug(resources.database, "category", category) or category
    if vendor is not None and not is_id(Prefix.VENDOR, vendor):
        vendor = await id_of_slug(resources.database, "vendor", vendor) or vendor
    return replace(asked.query, category_id=category, vendor_id=vendor)


def _next(
    cursors: Cursors, scope: Mapping[str, object], query: SearchQuery, found: SearchResult
) -> str | None:
    end = query.offset + query.limit
    if end >= min(found.estimated_total, DEEPEST):
        return None
    return cursors.seal(str(end), scope=scope)
