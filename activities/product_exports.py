"""Products to a list, one row for each variant; imported again it changes nothing.

A product is as it was when its page was read. A crash begins the file again: nobody sees half of
one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from activities.csv_files import CSV, CsvPieces
from activities.job_parts import JobStoppedError, Stretch
from core.domain.catalogue_columns import Column
from core.domain.catalogue_import import as_said
from core.domain.catalogue_rows import SEPARATOR
from core.domain.money import Money
from models.jobs import JobStatus
from models.repositories import jobs, product_exports
from models.repositories.product_exports import Shape, Wanted

_PRODUCTS_AT_ONCE = 200


async def export_products(stretch: Stretch) -> bool:
    """Write the list of a job, unless it is written."""
    job = stretch.job
    if job.output_key is not None:
        return True
    wanted = Wanted(**{**job.parameters["filter"], **_own(job.vendor_id)})
    shape = await product_exports.shape_of(stretch.database, wanted)
    async with stretch.database.transaction() as session:
        await jobs.count_rows(session, job.id, shape.rows)
    key = f"jobs/{job.id}/products.csv"
    await stretch.objects.put(key, _pieces(stretch, wanted, shape), content_type=CSV)
    async with stretch.database.transaction() as session:
        written = await jobs.find(session, job.id, lock=True)
        await jobs.keep_output(session, written, key, rows=stretch.position)
    return True


def _own(vendor_id: str | None) -> dict[str, str]:
    return {"vendor_id": vendor_id} if vendor_id else {}


async def _pieces(stretch: Stretch, wanted: Wanted, shape: Shape) -> AsyncIterator[bytes]:
    pieces = CsvPieces(_header(shape))
    after, stretch.position = "", 0
    while True:
        page = await product_exports.page_of(
            stretch.database, wanted, after=after, limit=_PRODUCTS_AT_ONCE
        )
        rows = [_row(shape, product, one) for product in page for one in product["variants"]]
        yield pieces.write(rows)
        stretch.position += len(rows)
        if len(page) < _PRODUCTS_AT_ONCE:
            return
        after = page[-1]["id"]
        await _tell(stretch)


async def _tell(stretch: Stretch) -> None:
    """Show how far the list is.

    Raises:
        JobStoppedError: nobody wants it any more.
    """
    async with stretch.database.transaction() as session:
        job = await jobs.find(session, stretch.job.id, lock=True)
        if job.status != JobStatus.RUNNING or job.cancel_requested_at is not None:
            raise JobStoppedError
        await jobs.show_position(session, job, stretch.position)


def _header(shape: Shape) -> list[str]:
    return [
        *(column.value for column in Column),
        *(f"option:{name}" for name in shape.options),
        *(f"variant:{name}" for name in shape.variant),
        *(f"attribute:{name}" for name in shape.attributes),
        *(f"price:{currency}" for currency in shape.currencies),
    ]


def _row(shape: Shape, product: Mapping[str, Any], variant: Mapping[str, Any]) -> list[str]:
    plain = {
        Column.PRODUCT: product["slug"],
        Column.VENDOR: product["vendor"],
        Column.NAME: product["name"],
        Column.DESCRIPTION: product["description"],
        Column.CATEGORIES: SEPARATOR.join(product["categories"]),
        Column.STATUS: product["status"],
        Column.SKU: variant["sku"],
        Column.TITLE: variant["title"],
        Column.VARIANT_STATUS: variant["status"],
        Column.WEIGHT_GRAMS: str(variant["weight_grams"]),
        Column.BACKORDER_POLICY: variant["backorder_policy"],
    }
    options = {option["name"] for option in product["options"]}
    of_variant = variant["attributes"]
    own = {name: value for name, value in of_variant.items() if name not in options}
    chosen = {name: value for name, value in of_variant.items() if name in options}
    return [
        *(plain[column] for column in Column),
        *_said(shape.options, chosen),
        *_said(shape.variant, own),
        *_said(shape.attributes, product["attributes"]),
        *(_price(variant["prices"], currency) for currency in shape.currencies),
    ]


def _said(names: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    return [as_said(values[name]) if name in values else "" for name in names]


def _price(prices: Mapping[str, int], currency: str) -> str:
    amount = prices.get(currency)
    return "" if amount is None else Money(amount=amount, currency=currency).decimal()
