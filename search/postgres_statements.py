"""What the PostgreSQL backend asks its tables."""

from __future__ import annotations

from functools import cache

from sqlalchemy import TextClause, text

from search.queries import DEEPEST, Facet, SearchQuery, Sort

RANKED = 300
"""Of more products than this only the first are put in order of relevance among themselves."""
FACET_VALUES = 100
"""The most frequent are counted, as many as Meilisearch does by default."""
_SIMILAR = 40
_COMPLETIONS = 30
_COMPLETIONS_OF_TWO = 10
"""Two letters begin too many words for all of them to be meant."""
_WEIGHTS = "'{0.05, 0.2, 0.5, 1.0}'"
"""Of a word in the description, the vendor, what describes the product, and its name."""

# ``mend`` are the words that may be misspelled; those in use are mended only on demand.
VOCABULARY = text(f"""
WITH asked AS MATERIALIZED (
    SELECT word, (ts_lexize('perdure_stem', unaccent(word)))[1] AS lexeme
    FROM unnest(CAST(:words AS text[])) AS word
), known AS MATERIALIZED (
    SELECT word, lexeme FROM asked a
    WHERE EXISTS (SELECT 1 FROM search_words w WHERE w.lexeme = a.lexeme)
), completed AS MATERIALIZED (
    SELECT lexeme, max(documents) AS documents FROM search_words
    WHERE CAST(:beginning AS text) <> ''
      AND word COLLATE "C" >= :beginning AND word COLLATE "C" < :behind
    GROUP BY lexeme ORDER BY documents DESC, lexeme
    LIMIT CASE WHEN length(:beginning) < 3 THEN {_COMPLETIONS_OF_TWO} ELSE {_COMPLETIONS} END
)
SELECT (SELECT live FROM search_state) AS live, json_build_object(
    'lexemes', (SELECT json_object_agg(word, lexeme) FROM known),
    'completions', (SELECT json_agg(lexeme) FROM completed),
    'similar', (SELECT json_object_agg(m.word, (
            SELECT json_agg(json_build_array(s.word, s.lexeme))
            FROM perdure_similar_words(m.word, m.longer, {_SIMILAR}) s))
        FROM unnest(CAST(:mend AS text[]), CAST(:longer AS integer[])) AS m(word, longer)
        WHERE :mend_known OR (NOT EXISTS (SELECT 1 FROM known k WHERE k.word = m.word)
            AND (m.longer <= 2 OR NOT EXISTS (SELECT 1 FROM completed))))
)::text AS vocabulary
""")

_NEWEST = "d.created_at"
_LOWEST = "d.lowest[array_position(d.currencies, CAST(:currency AS text))]"
_HIGHEST = "d.highest[array_position(d.currencies, CAST(:currency AS text))]"
# With an end of the prices in the range one of them is; only around it each has to be looked at.
_IN_RANGE = f"""{_LOWEST} <= :max_price AND {_HIGHEST} >= :min_price
    AND ({_LOWEST} >= :min_price OR {_HIGHEST} <= :max_price OR EXISTS (
        SELECT 1 FROM jsonb_array_elements(d.prices -> :currency) p
        WHERE CAST(p AS bigint) BETWEEN :min_price AND :max_price))"""
_FACETS = {
    Facet.VENDOR: "s.vendor_id AS value",
    Facet.CATEGORY: "unnest(s.category_ids) AS value",
}
_NAMED = 500
"""Of more names than this nobody misses one: the next letter tells them apart."""
_SUGGEST_ONE = """
(SELECT name, 'product' AS kind, product_id AS id, 0 AS late
 FROM search_documents_{slot} WHERE (SELECT live FROM search_state) = '{slot}'
   AND name_key COLLATE "C" >= :beginning AND name_key COLLATE "C" < :behind
 ORDER BY name_key LIMIT :limit)
UNION ALL
(SELECT name, 'product', product_id, 2 FROM (
    SELECT name, product_id
    FROM search_documents_{slot} WHERE (SELECT live FROM search_state) = '{slot}'
      AND CAST(:named AS text) <> '' AND terms @@ CAST(:named AS tsquery)
    LIMIT {most}) named
 ORDER BY length(name), name LIMIT :limit)
UNION ALL
(SELECT n.name, n.kind, n.id, 1
 FROM search_names n WHERE (SELECT live FROM search_state) = '{slot}'
   AND n.key LIKE :inside
   AND EXISTS (SELECT 1 FROM search_shelves s
       WHERE CASE n.kind WHEN 'vendor' THEN s.vendor_id = n.id
                         ELSE s.category_ids @> ARRAY[CAST(n.id AS text)] END
         AND (SELECT true FROM search_documents_{slot} d WHERE d.shelf = s.number LIMIT 1))
 ORDER BY length(n.name), n.name LIMIT :limit)
"""
SUGGEST = text(f"""
SELECT name, kind, id FROM (
    SELECT DISTINCT ON (kind, lower(name)) name, kind, id, late FROM (
        {" UNION ALL ".join(_SUGGEST_ONE.format(slot=slot, most=_NAMED) for slot in ("a", "b"))}
    ) found ORDER BY kind, lower(name), late, id
) once ORDER BY late, length(name), name, kind LIMIT :limit
""")


def search_statement(
    slot: str, query: SearchQuery, *, words: bool, alike: bool = False, loose: bool = False
) -> TextClause:
    """Return the statement of a search with these filters; few differ, so each is planned once.

    Args:
        slot: the table that is read.
        query: only which filters it has and how it sorts.
        words: whether there is anything but filters.
        alike: whether all that is found has the words as they were written.
        loose: whether some of the words may be missing.
    """
    return _search_statement(
        slot,
        filters=tuple(_filters(query)),
        order=_order(query.sort, words=words, alike=alike, loose=loose),
        facets=tuple(sorted(set(query.facets))),
        words=words,
        loose=loose,
    )


def _filters(query: SearchQuery) -> list[str]:
    found = []
    if query.category_id is not None or query.vendor_id is not None:
        by = ["true"]
        if query.category_id is not None:
            by.append("s.category_ids @> ARRAY[CAST(:category_id AS text)]")
        if query.vendor_id is not None:
            by.append("s.vendor_id = :vendor_id")
        found.append(
            f"d.shelf = ANY(ARRAY(SELECT s.number FROM search_shelves s WHERE {' AND '.join(by)}))"
        )
    if query.in_stock is not None:
        found.append("d.in_stock = :in_stock")
    if query.min_price is not None or query.max_price is not None:
        found.append(_IN_RANGE)
    return found


def _order(sort: Sort, *, words: bool, alike: bool, loose: bool) -> str:
    price = _LOWEST
    match sort:
        case Sort.PRICE_ASC:
            return f"coalesce(-{price}, {-(2**62)})"
        case Sort.PRICE_DESC:
            return f"coalesce({price}, -1)"
        case Sort.NEWEST:
            return _NEWEST
    if not words:
        return _NEWEST
    tier = 'CASE WHEN d.name_key = :key COLLATE "C" THEN 4 ELSE 0 END'
    if loose:
        return f"""{tier} + 8 * (SELECT count(*) FROM
            unnest(CAST(CAST(:each AS text[]) AS tsquery[])) q WHERE d.terms @@ q)"""
    named = f"{tier} + 2 * CAST(d.terms @@ CAST(:named AS tsquery) AS integer)"
    return named if alike else f"{named} + CAST(d.terms @@ CAST(:exact AS tsquery) AS integer)"


@cache
def _search_statement(
    slot: str,
    *,
    filters: tuple[str, ...],
    order: str,
    facets: tuple[Facet, ...],
    words: bool,
    loose: bool,
) -> TextClause:
    conditions = list(filters)
    if words:
        conditions.insert(0, "d.terms @@ CAST(:every AS tsquery)")
    if loose:
        conditions.append("""(SELECT count(*) FROM
            unnest(CAST(CAST(:each AS text[]) AS tsquery[])) q WHERE d.terms @@ q) >= :least""")
    ranked = words and "d.terms" in order
    rank = (
        f"ts_rank({_WEIGHTS}, d.terms, CAST(:wanted AS tsquery)) - 0.004 * d.name_words"
        if ranked
        else "0"
    )
    counts = "".join(
        f""", (SELECT json_object_agg(value, products) FROM (
            SELECT value, CAST(sum(n) AS bigint) AS products
            FROM (SELECT c.n, {_FACETS[facet]} FROM counted c
                  JOIN search_shelves s ON s.number = c.shelf) each_value
            GROUP BY value ORDER BY products DESC, value LIMIT {FACET_VALUES}) best
        ) AS {facet.value}"""
        for facet in facets
    )
    # Newest first needs no list of all: an index has the first, and another one the counts.
    once = "MATERIALIZED" if words or order != _NEWEST else "NOT MATERIALIZED"
    return text(f"""
WITH matched AS {once} (
    SELECT d.number, d.shelf, {order} AS tier, d.in_stock, d.created_at
    FROM search_documents_{slot} d WHERE {" AND ".join(conditions) or "true"}
), counted AS MATERIALIZED (
    SELECT shelf, count(*) AS n FROM matched GROUP BY shelf
), best AS MATERIALIZED (
    SELECT number, tier, row_number() OVER () AS place FROM (
        SELECT number, tier FROM matched
        ORDER BY tier DESC, in_stock DESC, created_at DESC, number DESC
        LIMIT least(greatest(CAST(:offset AS integer) + CAST(:limit AS integer), {RANKED}),
                    {DEEPEST})) first
), page AS (
    SELECT b.place, b.tier, d.product_id, d.rank FROM best b CROSS JOIN LATERAL (
        SELECT d.product_id, CASE WHEN b.place <= {RANKED} THEN {rank} END AS rank
        FROM search_documents_{slot} d WHERE d.number = b.number OFFSET 0) d
    ORDER BY b.place > {RANKED}, b.tier DESC, d.rank DESC, b.place
    OFFSET CAST(:offset AS integer) LIMIT CAST(:limit AS integer)
)
SELECT ARRAY(SELECT product_id FROM page
             ORDER BY place > {RANKED}, tier DESC, rank DESC, place) AS product_ids,
    (SELECT coalesce(sum(n), 0) FROM counted) AS total,
    (SELECT live FROM search_state) AS live{counts}
""")
