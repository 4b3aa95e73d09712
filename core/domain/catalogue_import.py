"""What a list of products asks for, compared with what there is: what to write, and what is wrong.

The rows of one product stand together and are dealt with together. Its own columns are taken from
the first of them; where others repeat them they have to agree. A row with a fault is left out, a
fault in the product's own columns leaves out all of its rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from core.domain.catalogue_columns import Column
from core.domain.catalogue_plan import (
    Importer,
    Known,
    KnownVariant,
    KnownVendor,
    Options,
    Plan,
    PlannedProduct,
    PlannedVariant,
)
from core.domain.catalogue_rows import SHOWN, CatalogueRow, Fault, ProductCells, VariantCells
from core.domain.products import MAX_SLUG_LENGTH, choice

MAX_VARIANTS = 500
"""Rows of one product in one list."""

MAX_OPTIONS = 5
MAX_OPTION_VALUES = 100
_NEW_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OF_THE_PRODUCT = (
    Column.VENDOR,
    Column.NAME,
    Column.DESCRIPTION,
    Column.CATEGORIES,
    Column.STATUS,
)


def plan_import(groups: Sequence[Sequence[CatalogueRow]], known: Known, importer: Importer) -> Plan:
    """Compare groups of rows, each of one product, with what there is."""
    plan = Plan()
    for rows in groups:
        _Group(rows, known, importer).add_to(plan)
    return plan


class _Group:
    """The rows of one product."""

    def __init__(self, rows: Sequence[CatalogueRow], known: Known, importer: Importer) -> None:
        self._rows, self._known, self._importer = rows, known, importer
        self._first = rows[0]
        self._product = rows[0].product
        self._present = known.products.get(self._product.slug)
        self._known_variants = {one.sku: one for one in self._variants()}
        self._vendor: KnownVendor | None = None

    def add_to(self, plan: Plan) -> None:
        faults = [*self._faults_of_vendor(), *self._faults_of_product()]
        options = self._options()
        faults += self._faults_of_options(options)
        if faults:
            plan.faults += [*faults, *self._left_out()]
            plan.failed_rows += len(self._rows)
            return
        variants: list[PlannedVariant] = []
        chosen = self._chosen(options)
        for row in self._rows:
            of_row = [*row.faults, *self._faults_of_row(row, options, chosen)]
            if of_row:
                plan.faults += of_row
                plan.failed_rows += 1
            else:
                variants.append(self._planned(row.variant, len(variants)))
                plan.done_rows += 1
        if variants and self._vendor is not None:
            plan.products.append(self._planned_product(self._vendor, options, variants))

    def _left_out(self) -> Iterator[Fault]:
        """What else is wrong with the rows, and why those without a fault are left out."""
        yield from (fault for fault in self._first.faults if not _is_of_product(fault.field))
        detail = f"its product is left out: see line {self._first.line}"
        for row in self._rows[1:]:
            yield from row.faults
            yield Fault(line=row.line, field=Column.PRODUCT, detail=detail)

    def _faults_of_vendor(self) -> Iterator[Fault]:
        """Find whose product it is, or say why that cannot be."""
        wanted, own, present = self._product.vendor, self._importer.vendor, self._present
        named = self._known.vendors.get(wanted) if wanted else None
        if own is not None:
            if present is not None and present.vendor_id != own.id:
                yield self._fault(Column.PRODUCT, "this slug is taken", self._product.slug)
            elif wanted and named != own:
                yield self._fault(Column.VENDOR, "not this vendor", wanted)
            self._vendor = own
            return
        if wanted and named is None:
            yield self._fault(Column.VENDOR, "there is no such vendor", wanted)
        elif present is not None:
            self._vendor = KnownVendor(id=present.vendor_id, needs_approval=present.unapproved)
            if named and named.id != present.vendor_id:
                yield self._fault(Column.VENDOR, "the product is another vendor's", wanted or "")
        elif named is None:
            yield self._fault(Column.VENDOR, "required for a new product")
        else:
            self._vendor = named

    def _faults_of_product(self) -> Iterator[Fault]:
        cells, present = self._product, self._present
        yield from (fault for fault in self._first.faults if _is_of_product(fault.field))
        if len(self._rows) > MAX_VARIANTS:
            yield self._fault(Column.PRODUCT, f"at most {MAX_VARIANTS} rows of one product")
        if present is None and cells.name is None:
            named = any(fault.field == Column.NAME for fault in self._first.faults)
            if not named:
                yield self._fault(Column.NAME, "required for a new product")
        if present is None and not _is_new_slug(cells.slug):
            detail = (
                f"a new slug has at most {MAX_SLUG_LENGTH} letters and digits, single - between"
            )
            yield self._fault(Column.PRODUCT, detail, cells.slug)
        if present is not None and present.deleted:
            yield self._fault(Column.PRODUCT, "it is deleted: restore it first", cells.slug)
        for slug in cells.categories or ():
            if slug not in self._known.categories:
                yield self._fault(Column.CATEGORIES, "there is no such category", slug)
        if self._must_wait():
            yield self._fault(Column.STATUS, "staff have to approve it first", "published")

    def _must_wait(self) -> bool:
        """Tell whether a vendor wants to publish what staff have not said yes to."""
        own, present = self._importer.vendor, self._present
        if own is None or self._product.status != "published":
            return False
        if present is None:
            return own.needs_approval
        return present.unapproved and present.status != "published"

    def _options(self) -> list[dict[str, Any]]:
        """The options that the product has after this, each with all of its values, in order."""
        present = self._present.options if self._present else ()
        found = {one["name"]: dict.fromkeys(one["values"]) for one in present}
        for row in self._rows:
            if row.faults:
                continue
            for name, value in row.variant.options.items():
                found.setdefault(name, {})[value] = None
        return [{"name": name, "values": list(values)} for name, values in found.items()]

    def _faults_of_options(self, options: Options) -> Iterator[Fault]:
        if len(options) > MAX_OPTIONS:
            column = f"option:{options[MAX_OPTIONS]['name']}"
            yield self._fault(column, f"a product has at most {MAX_OPTIONS} options")
        listed = {row.variant.sku for row in self._rows}
        others = [one for one in self._variants() if one.active and one.sku not in listed]
        for option in options:
            if len(option["values"]) > MAX_OPTION_VALUES:
                column = f"option:{option['name']}"
                yield self._fault(column, f"at most {MAX_OPTION_VALUES} values of an option")
            without = [one.sku for one in others if option["name"] not in one.attributes]
            if without:
                detail = "variants that are not in this list have no such option"
                yield self._fault(f"option:{option['name']}", detail, without[0])

    def _chosen(self, options: Options) -> dict[tuple[Any, ...], str]:
        """Which SKU has which values of the options; this list's own come as its rows do."""
        listed = {row.variant.sku for row in self._rows}
        return {
            choice(options, one.attributes): one.sku
            for one in self._variants()
            if one.active and one.sku not in listed
        }

    def _faults_of_row(
        self, row: CatalogueRow, options: Options, chosen: dict[tuple[Any, ...], str]
    ) -> Iterator[Fault]:
        yield from self._differences(row)
        sku = row.variant.sku
        owner = self._known.products_of_skus.get(sku)
        if owner is not None and owner != self._product.slug:
            yield _fault_in(row, Column.SKU, "this SKU is another product's", sku)
        attributes = self._attributes(row.variant)
        for option in options:
            if option["name"] in row.variant.attributes:
                name = option["name"]
                yield _fault_in(row, f"variant:{name}", f"it is an option: use option:{name}")
        missing = [one["name"] for one in options if one["name"] not in attributes]
        for name in missing:
            yield _fault_in(row, f"option:{name}", "required: the product has this option")
        chosen_here = choice(options, attributes)
        if options and not missing and row.variant.status != "withdrawn":
            other = chosen.setdefault(chosen_here, sku)
            if other != sku:
                yield _fault_in(row, f"option:{options[0]['name']}", f"as those of {other}")

    def _differences(self, row: CatalogueRow) -> Iterator[Fault]:
        """What a row says of the product that its first row says otherwise."""
        for one in fields(ProductCells):
            said, first = getattr(row.product, one.name), getattr(self._product, one.name)
            if one.name == "attributes":
                names = [name for name, value in said.items() if first.get(name) != value]
                columns = [f"attribute:{name}" for name in names]
            else:
                columns = [one.name] if said is not None and said != first else []
            for column in columns:
                yield _fault_in(row, column, f"not what line {self._first.line} says")

    def _planned(self, cells: VariantCells, number: int) -> PlannedVariant:
        known = self._known_variants.get(cells.sku)
        attributes = self._attributes(cells)
        same = known is not None and dict(known.attributes) == attributes
        return PlannedVariant(
            cells=cells,
            attributes=None if same else attributes,
            position=None if known is not None else len(self._variants()) + number,
        )

    def _planned_product(
        self, vendor: KnownVendor, options: Options, variants: Sequence[PlannedVariant]
    ) -> PlannedProduct:
        present, cells = self._present, self._product
        before = present.attributes if present else {}
        listed = cells.categories
        return PlannedProduct(
            cells=cells,
            vendor_id=vendor.id,
            options=None if present and list(present.options) == list(options) else options,
            attributes=_merged(before, cells.attributes) if cells.attributes else None,
            category_ids=None
            if listed is None
            else [self._known.categories[slug] for slug in listed],
            variants=variants,
        )

    def _variants(self) -> Sequence[KnownVariant]:
        return self._present.variants if self._present else ()

    def _attributes(self, cells: VariantCells) -> dict[str, Any]:
        known = self._known_variants.get(cells.sku)
        return _merged(known.attributes if known else {}, {**cells.attributes, **cells.options})

    def _fault(self, column: str, detail: str, value: str = "") -> Fault:
        return _fault_in(self._first, column, detail, value)


def _merged(before: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    """Put what a list says over what there is; a number that reads the same stays a number."""
    return {
        **before,
        **{
            name: before[name] if name in before and as_said(before[name]) == value else value
            for name, value in said.items()
        },
    }


def as_said(value: object) -> str:
    """Return the value of an attribute as a list has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_new_slug(slug: str) -> bool:
    return len(slug) <= MAX_SLUG_LENGTH and _NEW_SLUG.fullmatch(slug) is not None


def _is_of_product(column: str) -> bool:
    return column in _OF_THE_PRODUCT or column.startswith("attribute:")


def _fault_in(row: CatalogueRow, column: str, detail: str, value: str = "") -> Fault:
    return Fault(line=row.line, field=str(column), detail=detail, value=value[:SHOWN])
