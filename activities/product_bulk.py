"""The same change of many products, a hundred in one transaction."""

from __future__ import annotations

from activities.job_parts import Part, Stretch
from core.domain.catalogue_rows import Fault
from core.domain.jobs import ProductDeed
from core.domain.products import ProductStatus
from models.repositories import product_bulk

_PRODUCTS_AT_ONCE = 100
_STATES = {
    ProductDeed.PUBLISH: ProductStatus.PUBLISHED,
    ProductDeed.ARCHIVE: ProductStatus.ARCHIVED,
}


async def change_products(stretch: Stretch) -> bool:
    """Change the rest of a job's products, as far as a stretch goes."""
    ids = stretch.job.parameters["ids"]
    while stretch.position < len(ids):
        start = stretch.position
        batch = ids[start : start + _PRODUCTS_AT_ONCE]
        async with stretch.part(start + len(batch)) as part:
            refused = await _change(stretch, part, batch)
            part.faults = [
                Fault(line=start + number, field="id", detail=refused[id_], value=id_)
                for number, id_ in enumerate(batch, start=1)
                if id_ in refused
            ]
            part.failed_rows = len(part.faults)
            part.done_rows = len(batch) - len(part.faults)
        if stretch.is_over():
            return False
    return True


async def _change(stretch: Stretch, part: Part, ids: list[str]) -> dict[str, str]:
    job = stretch.job
    deed = ProductDeed(job.parameters["action"])
    who = {"actor": job.actor, "reason": job.parameters["reason"]}
    if deed in _STATES:
        return await product_bulk.move(
            part.session, ids, _STATES[deed], vendor_id=job.vendor_id, **who
        )
    return await product_bulk.change_prices(
        part.session, ids, **job.parameters["price"], vendor_id=job.vendor_id, **who
    )
