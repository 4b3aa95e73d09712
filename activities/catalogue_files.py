"""A list of products as a file: counted as a whole first, then read in parts of whole products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from activities.csv_files import open_text, read_records, refused
from core.domain.catalogue_columns import Column, Columns, read_header
from core.domain.catalogue_import import MAX_VARIANTS
from core.domain.catalogue_rows import CatalogueRow, Fault, read_row
from core.domain.csv_cells import unshielded


@dataclass(kw_only=True)
class FilePart:
    """Some rows of a list; ``position`` counts the rows up to its end.

    ``groups`` are the rows of each product, ``faults`` those of rows that are in no group.
    """

    position: int
    groups: list[list[CatalogueRow]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    failed_rows: int = 0


def count_rows(path: Path, *, max_rows: int) -> int:
    """Read a whole list once; return how many rows it has.

    Raises:
        InvalidRequestError: not UTF-8, not CSV, another header, or too many rows.
    """
    rows = 0
    with open_text(path) as stream:
        _, records = _opened(stream)
        for _ in records:
            rows += 1
            if rows > max_rows:
                raise refused("", f"more than {max_rows} rows: send several lists")
    if rows == 0:
        raise refused("", "the list has no rows")
    return rows


def parts_of(path: Path, *, after: int, rows: int) -> Iterator[FilePart]:
    """Read parts of about ``rows`` rows, beginning behind the first ``after``.

    The rows before are passed by, but what they name is remembered: each SKU may be there once,
    and the rows of a product stand together.
    """
    with open_text(path) as stream:
        columns, records = _opened(stream)
        seen = _Seen(columns)
        part = FilePart(position=after)
        size = 0
        for number, (line, cells) in enumerate(records, start=1):
            if number <= after:
                seen.note(line, cells)
                continue
            if size >= rows and seen.may_end_part(cells):
                yield part
                part, size = FilePart(position=part.position), 0
            _take(part, columns, seen, line, cells)
            seen.note(line, cells)
            part.position += 1
            size += 1
        if size:
            yield part


class _Seen:
    """Which products and SKUs have been there, and on which line first."""

    def __init__(self, columns: Columns) -> None:
        self._product_at = columns.plain[Column.PRODUCT]
        self._sku_at = columns.plain[Column.SKU]
        self._products: dict[str, int] = {}
        self._skus: dict[str, int] = {}
        self._last = ""
        self._rows_of_last = 0

    def may_end_part(self, cells: Sequence[str]) -> bool:
        """Tell whether a row belongs to no group that is open."""
        is_new = self._cell(cells, self._product_at) != self._last
        return is_new or self._rows_of_last >= MAX_VARIANTS

    def note(self, line: int, cells: Sequence[str]) -> None:
        """Remember a row."""
        product = self._cell(cells, self._product_at)
        if product != self._last:
            self._last, self._rows_of_last = product, 0
            self._products.setdefault(product, line)
        self._rows_of_last += 1
        self._skus.setdefault(self._cell(cells, self._sku_at), line)

    def fault_of(self, row: CatalogueRow) -> Fault | None:
        """Say what keeps a row out of its group."""
        slug, sku = row.product.slug, row.variant.sku
        if sku in self._skus:
            detail = f"this SKU is on line {self._skus[sku]} already"
            return Fault(line=row.line, field=Column.SKU, detail=detail, value=sku)
        if slug != self._last and slug in self._products:
            detail = f"rows of a product stand together: see line {self._products[slug]}"
            return Fault(line=row.line, field=Column.PRODUCT, detail=detail, value=slug)
        if slug == self._last and self._rows_of_last >= MAX_VARIANTS:
            detail = f"at most {MAX_VARIANTS} rows of one product"
            return Fault(line=row.line, field=Column.PRODUCT, detail=detail, value=slug)
        return None

    @staticmethod
    def _cell(cells: Sequence[str], position: int) -> str:
        return unshielded(cells[position]).strip() if position < len(cells) else ""


def _take(part: FilePart, columns: Columns, seen: _Seen, line: int, cells: Sequence[str]) -> None:
    row = read_row(columns, line, cells)
    faults = row if isinstance(row, list) else None
    if not isinstance(row, list):
        fault = seen.fault_of(row)
        faults = [fault] if fault else None
    if faults:
        part.faults += faults
        part.failed_rows += 1
    elif not isinstance(row, list):
        last = part.groups[-1] if part.groups else None
        if last is not None and last[0].product.slug == row.product.slug:
            last.append(row)
        else:
            part.groups.append([row])


def _opened(stream: TextIO) -> tuple[Columns, Iterator[tuple[int, list[str]]]]:
    """Read the header; return it and the records behind it."""
    records = read_records(stream)
    for _, cells in records:
        return read_header(cells), records
    raise refused("", "the list is empty")
