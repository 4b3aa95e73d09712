"""What there is of the products of a list, and what of them is to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.domain.catalogue_rows import Fault, ProductCells, VariantCells

Options = Sequence[Mapping[str, Any]]
"""``name`` and ``values`` of each, as the product has them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownVendor:
    id: str
    needs_approval: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownVariant:
    sku: str
    attributes: Mapping[str, Any]
    active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownProduct:
    """A product that is there; ``unapproved`` when staff have to say yes before it is published."""

    id: str
    vendor_id: str
    deleted: bool
    status: str
    unapproved: bool
    options: Options
    attributes: Mapping[str, Any]
    variants: Sequence[KnownVariant]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What there is of all that some rows name: by slug, the products of SKUs by SKU."""

    products: Mapping[str, KnownProduct]
    products_of_skus: Mapping[str, str]
    categories: Mapping[str, str]
    vendors: Mapping[str, KnownVendor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Importer:
    """Whose import it is: a vendor's own products, or those of all for staff."""

    vendor: KnownVendor | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedVariant:
    """``attributes`` is None where they stay, ``position`` for a variant that is there."""

    cells: VariantCells
    attributes: Mapping[str, Any] | None
    position: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedProduct:
    """What is None stays as it is."""

    cells: ProductCells
    vendor_id: str
    options: Options | None
    attributes: Mapping[str, Any] | None
    category_ids: Sequence[str] | None
    variants: Sequence[PlannedVariant]


@dataclass(kw_only=True, slots=True)
class Plan:
    """What to write for some rows; a row counts once, however many faults it has."""

    products: list[PlannedProduct] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    done_rows: int = 0
    failed_rows: int = 0
