"""Which products a change of the catalogue concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import text

from core.database import Database
from core.domain.catalogue_events import CatalogueEvent
from models.repositories.outbox_reader import CatalogueChange

# UNION keeps a category that is reached twice, or a circle, once.
_CONCERNED = text("""
WITH RECURSIVE below AS (
    SELECT id FROM categories WHERE id = ANY(CAST(:categories AS text[]))
    UNION
    SELECT c.id FROM categories c JOIN below b ON c.parent_id = b.id
)
SELECT id FROM products WHERE id = ANY(CAST(:products AS text[]))
UNION SELECT id FROM products WHERE vendor_id = ANY(CAST(:vendors AS text[]))
UNION SELECT product_id FROM product_categories WHERE category_id IN (SELECT id FROM below)
UNION SELECT product_id FROM variants WHERE sku = ANY(CAST(:skus AS text[]))
ORDER BY 1
""")


async def concerned_products(
    database: Database, changes: Iterable[CatalogueChange]
) -> Sequence[str]:
    """Return the ids of the products that the changes concern, each once, ascending.

    A category concerns the products of all categories below it, which show its name.
    """
    subjects: dict[CatalogueEvent, set[str]] = {event: set() for event in CatalogueEvent}
    for change in changes:
        subjects[change.type].add(change.subject)
    rows = await database.statement(
        _CONCERNED,
        {
            "products": sorted(subjects[CatalogueEvent.PRODUCT_CHANGED]),
            "categories": sorted(subjects[CatalogueEvent.CATEGORY_CHANGED]),
            "vendors": sorted(subjects[CatalogueEvent.VENDOR_CHANGED]),
            "skus": sorted(subjects[CatalogueEvent.AVAILABILITY_CHANGED]),
        },
    )
    return [row["id"] for row in rows]
