"""What keeps the tables of the PostgreSQL backend: state, rebuilds, and how they are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import TextClause, text

SLOTS: Mapping[str, str] = {"a": "b", "b": "a"}
"""The tables of documents, each with the other one."""

HOLD = text("SELECT live, rebuild, swapped FROM search_state FOR SHARE")
KEEP = text("SELECT live, rebuild, swapped FROM search_state FOR UPDATE")
BEGIN = text("UPDATE search_state SET rebuild = :rebuild, updated_at = now()")
ABANDON = text("UPDATE search_state SET rebuild = NULL WHERE rebuild = :rebuild")
SWAP = text("""
UPDATE search_state SET live = :live, swapped = rebuild, rebuild = NULL, updated_at = now()
""")
PRUNE: Mapping[str, Sequence[TextClause]] = {
    slot: [
        text(f"ANALYZE search_documents_{slot}"),
        text(f"""
WITH counted AS MATERIALIZED (
    SELECT word AS lexeme, ndoc FROM ts_stat('SELECT terms FROM search_documents_{slot}')
), unused AS (
    DELETE FROM search_words w WHERE NOT EXISTS (SELECT 1 FROM counted WHERE lexeme = w.lexeme)
)
UPDATE search_words w SET documents = c.ndoc FROM counted c
WHERE c.lexeme = w.lexeme AND c.ndoc <> w.documents
"""),
        text("""
DELETE FROM search_shelves s WHERE NOT EXISTS (
    SELECT 1 FROM search_documents_a WHERE shelf = s.number) AND NOT EXISTS (
    SELECT 1 FROM search_documents_b WHERE shelf = s.number)
"""),
        text("""
DELETE FROM search_names n WHERE NOT EXISTS (SELECT 1 FROM search_shelves s
    WHERE s.vendor_id = n.id OR s.category_ids @> ARRAY[CAST(n.id AS text)])
"""),
        text("ANALYZE search_words"),
    ]
    for slot in SLOTS
}
PING = text("SELECT live FROM search_state")
COUNT = text("""
SELECT CASE live WHEN 'a' THEN (SELECT count(*) FROM search_documents_a)
       ELSE (SELECT count(*) FROM search_documents_b) END AS products FROM search_state
""")
CHECKSUMS = text(
    " UNION ALL ".join(
        f"""(SELECT product_id, checksum FROM search_documents_{slot}
        WHERE (SELECT live FROM search_state) = '{slot}'
          AND (CAST(:after AS text) IS NULL OR product_id > :after)
        ORDER BY product_id LIMIT :limit)"""
        for slot in SLOTS
    )
)


DELETE = {
    slot: text(f"""
DELETE FROM search_documents_{slot} WHERE number IN (
    SELECT number FROM search_documents_{slot} WHERE product_id = ANY(CAST(:ids AS text[]))
    ORDER BY product_id FOR UPDATE)
""")
    for slot in SLOTS
}
EMPTY = {slot: text(f"TRUNCATE search_documents_{slot}") for slot in SLOTS}
