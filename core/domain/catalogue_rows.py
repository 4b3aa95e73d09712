"""One row of a list of products: what it says of its product and of its variant, or its faults.

An empty cell says nothing: what there is stays, and something new gets its default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.domain.backorders import BackorderPolicy
from core.domain.catalogue_columns import Column, Columns
from core.domain.csv_cells import unshielded
from core.domain.money import MAX_AMOUNT, decimals_of

SEPARATOR = "|"
"""Between the categories of a product."""

MAX_CATEGORIES = 20
MAX_LINE = 200
MAX_DESCRIPTION = 20_000
MAX_OPTION_VALUE = 64
MAX_VALUE = 500
MAX_WEIGHT = 100_000_000
SHOWN = 100
"""Characters of a cell that are repeated to whoever wrote it."""

_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,119}")
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WHOLE = re.compile(r"[0-9]{1,9}")
_PRICE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROLS_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
STATUSES = ("draft", "published", "archived")
VARIANT_STATUSES = ("active", "withdrawn")
_POLICIES = tuple(policy.value for policy in BackorderPolicy)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What is wrong with one cell; ``line`` counts from 1, the header's."""

    line: int
    field: str
    detail: str
    value: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProductCells:
    """What a row says of its product; None where it says nothing."""

    slug: str
    vendor: str | None = None
    name: str | None = None
    description: str | None = None
    categories: tuple[str, ...] | None = None
    status: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantCells:
    """What a row says of its variant; prices in minor units by currency."""

    sku: str
    title: str | None = None
    status: str | None = None
    weight_grams: int | None = None
    backorder_policy: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueRow:
    """A row that has a product and a SKU; ``faults`` are those of its other cells."""

    line: int
    product: ProductCells
    variant: VariantCells
    faults: tuple[Fault, ...] = ()


class _Reader:
    """Takes the cells of one row, and keeps what is wrong with them."""

    def __init__(self, columns: Columns, line: int, cells: Sequence[str]) -> None:
        self.faults: list[Fault] = []
        self._columns = columns
        self._line = line
        self._cells = cells

    def plain(self, column: Column, read: Callable[[str], Any]) -> Any:
        position = self._columns.plain.get(column)
        return None if position is None else self._cell(column, position, read)

    def each(
        self, prefix: str, positions: Mapping[str, int], read: Callable[[str, str], Any]
    ) -> dict[str, Any]:
        """Read the columns of a prefix, each by its name; those without a value are left out."""
        found = {
            name: self._cell(f"{prefix}:{name}", position, partial(read, name))
            for name, position in positions.items()
        }
        return {name: value for name, value in found.items() if value is not None}

    def _cell(self, name: str, position: int, read: Callable[[str], Any]) -> Any:
        cell = unshielded(self._cells[position]).strip()
        if not cell:
            return None
        try:
            return read(cell)
        except ValueError as fault:
            self.faults.append(
                Fault(line=self._line, field=name, detail=str(fault), value=cell[:SHOWN])
            )
            return None


def read_row(columns: Columns, line: int, cells: Sequence[str]) -> CatalogueRow | list[Fault]:
    """Read a row; without its product or its SKU there is no row, only what is wrong with it."""
    if len(cells) != columns.width:
        detail = f"{len(cells)} cells instead of {columns.width}"
        return [Fault(line=line, field="", detail=detail)]
    reader = _Reader(columns, line, cells)
    slug = reader.plain(Column.PRODUCT, _slug)
    sku = reader.plain(Column.SKU, _sku)
    if slug is None or sku is None:
        found = {fault.field for fault in reader.faults}
        missing = [
            Fault(line=line, field=name, detail="required")
            for name, value in ((Column.PRODUCT, slug), (Column.SKU, sku))
            if value is None and name not in found
        ]
        return [*reader.faults, *missing]
    product, variant = _product(reader, columns, slug), _variant(reader, columns, sku)
    return CatalogueRow(line=line, product=product, variant=variant, faults=tuple(reader.faults))


def _product(reader: _Reader, columns: Columns, slug: str) -> ProductCells:
    return ProductCells(
        slug=slug,
        vendor=reader.plain(Column.VENDOR, _slug),
        name=reader.plain(Column.NAME, _line_of_text),
        description=reader.plain(Column.DESCRIPTION, _text),
        categories=reader.plain(Column.CATEGORIES, _slugs),
        status=reader.plain(Column.STATUS, lambda cell: _one_of(STATUSES, cell)),
        attributes=reader.each("attribute", columns.attributes, _value),
    )


def _variant(reader: _Reader, columns: Columns, sku: str) -> VariantCells:
    return VariantCells(
        sku=sku,
        title=reader.plain(Column.TITLE, _line_of_text),
        status=reader.plain(Column.VARIANT_STATUS, lambda cell: _one_of(VARIANT_STATUSES, cell)),
        weight_grams=reader.plain(Column.WEIGHT_GRAMS, _weight),
        backorder_policy=reader.plain(
            Column.BACKORDER_POLICY, lambda cell: _one_of(_POLICIES, cell)
        ),
        options=reader.each("option", columns.options, _option),
        attributes=reader.each("variant", columns.variant, _value),
        prices=reader.each("price", columns.prices, _price),
    )


def _slug(cell: str) -> str:
    if not _SLUG.fullmatch(cell):
        raise ValueError("1 to 120 small letters, digits, - and _")
    return cell


def _slugs(cell: str) -> tuple[str, ...]:
    slugs = tuple(dict.fromkeys(_slug(part.strip()) for part in cell.split(SEPARATOR)))
    if len(slugs) > MAX_CATEGORIES:
        raise ValueError(f"at most {MAX_CATEGORIES} categories")
    return slugs


def _sku(cell: str) -> str:
    if not _SKU.fullmatch(cell):
        raise ValueError("1 to 64 letters, digits, . - and _")
    return cell


def _line_of_text(cell: str) -> str:
    return _line(cell, MAX_LINE)


def _option(_: str, cell: str) -> str:
    return _line(cell, MAX_OPTION_VALUE)


def _value(_: str, cell: str) -> str:
    return _line(cell, MAX_VALUE)


def _line(cell: str, most: int) -> str:
    if len(cell) > most or _CONTROLS.search(cell):
        raise ValueError(f"a line of at most {most} characters, none of them a control one")
    return cell


def _text(cell: str) -> str:
    if len(cell) > MAX_DESCRIPTION or _CONTROLS_IN_TEXT.search(cell):
        raise ValueError(f"at most {MAX_DESCRIPTION} characters, and no control characters")
    return cell


def _one_of(values: Sequence[str], cell: str) -> str:
    if cell not in values:
        raise ValueError(f"one of {', '.join(values)}")
    return cell


def _weight(cell: str) -> int:
    if not _WHOLE.fullmatch(cell) or int(cell) > MAX_WEIGHT:
        raise ValueError(f"a whole number of grams from 0 to {MAX_WEIGHT}")
    return int(cell)


def _price(currency: str, cell: str) -> int:
    decimals = decimals_of(currency)
    match = _PRICE.fullmatch(cell)
    if match is None or len(match[2] or "") > decimals:
        shape = f"a point and at most {decimals} more" if decimals else "without a point"
        raise ValueError(f"a price in {currency}: digits, {shape}")
    amount = int(match[1] + (match[2] or "").ljust(decimals, "0"))
    if amount > MAX_AMOUNT:
        raise ValueError("more than any price")
    return amount
