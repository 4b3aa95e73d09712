"""What must be true of what is sold."""

from __future__ import annotations

from models.repositories.invariants.invariant import Invariant

CATALOGUE = (
    Invariant(
        name="version_is_the_last_event",
        number=8,
        promise="the version of a product, category or vendor is the number of its last event",
        sql="""
            SELECT changed.id, changed.version, told.last FROM (
                SELECT id, version FROM products UNION ALL SELECT id, version FROM categories
                UNION ALL SELECT id, version FROM vendors) changed
            JOIN (
                SELECT aggregate_id, max(sequence) AS last FROM outbox
                WHERE type IN ('product.changed', 'category.changed', 'vendor.changed')
                GROUP BY aggregate_id) told ON told.aggregate_id = changed.id
            WHERE told.last <> changed.version""",
    ),
    Invariant(
        name="one_price_at_a_time",
        number=8,
        promise="a variant has one price in a currency at any moment",
        sql="""
            SELECT one.id, other.id AS other_id
            FROM price_periods one JOIN price_periods other
                ON other.variant_id = one.variant_id AND other.currency = one.currency
                AND other.id > one.id
                AND tstzrange(other.starts_at, other.ends_at)
                    && tstzrange(one.starts_at, one.ends_at)""",
    ),
    Invariant(
        name="period_has_its_price",
        number=8,
        promise="a price that holds for a time has one in its currency to go back to",
        sql="""
            SELECT t.id FROM price_periods t
            LEFT JOIN variant_prices p ON p.variant_id = t.variant_id AND p.currency = t.currency
            WHERE (t.ends_at IS NULL OR t.ends_at > now()) AND p.variant_id IS NULL""",
    ),
    Invariant(
        name="on_sale_as_approved",
        number=8,
        promise="what staff have not looked at yet, or have rejected, is not published",
        sql="""
            SELECT id, approval FROM products
            WHERE status = 'published' AND approval IN ('requested', 'rejected')""",
    ),
    Invariant(
        name="categories_are_a_tree",
        number=8,
        promise="no category is below itself, or below one that is deleted",
        sql="""
            WITH RECURSIVE up AS (
                SELECT id, parent_id FROM categories
                UNION
                SELECT up.id, parent.parent_id FROM up JOIN categories parent
                    ON parent.id = up.parent_id
            )
            SELECT id FROM up WHERE parent_id = id
            UNION
            SELECT c.id FROM categories c JOIN categories parent ON parent.id = c.parent_id
            WHERE c.deleted_at IS NULL AND parent.deleted_at IS NOT NULL""",
    ),
)
