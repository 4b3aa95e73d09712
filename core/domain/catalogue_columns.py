"""The columns of a list of products as CSV: one row for each variant.

``product`` and ``sku`` have to be there, every other column may be missing. ``option:Size`` is what
variants are told apart by, ``variant:Finish`` what a variant has beside, ``attribute:Material``
what all variants of a product have in common, ``price:USD`` a price in major units.
``docs/guides/import-a-catalogue.md`` describes each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.domain.errors import FieldError, InvalidRequestError

MAX_COLUMNS = 300
MAX_NAME = 64
"""Characters of the name of an option or an attribute."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_PREFIXED = re.compile(r"(option|variant|attribute|price):(.*)", re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Column(StrEnum):
    """The columns that every list names alike, in the order in which an export has them."""

    PRODUCT = "product"
    VENDOR = "vendor"
    NAME = "name"
    DESCRIPTION = "description"
    CATEGORIES = "categories"
    STATUS = "status"
    SKU = "sku"
    TITLE = "title"
    VARIANT_STATUS = "variant_status"
    WEIGHT_GRAMS = "weight_grams"
    BACKORDER_POLICY = "backorder_policy"


_KINDS = ("", "option", "variant", "attribute", "price")
_REQUIRED = (Column.PRODUCT, Column.SKU)


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Where what stands in a row."""

    width: int
    plain: Mapping[Column, int]
    options: Mapping[str, int]
    variant: Mapping[str, int]
    attributes: Mapping[str, int]
    prices: Mapping[str, int]


def read_header(cells: Sequence[str]) -> Columns:
    """Read the first line.

    Raises:
        InvalidRequestError: a column that is not known or stands there twice, or one that is
            missing; each under ``/header/{name}``.
    """
    found: dict[str, dict[str, int]] = {kind: {} for kind in _KINDS}
    errors = list(_sort(cells, found))
    missing = [name for name in _REQUIRED if name not in found[""]]
    errors += [
        _fault(name, "this column is needed; columns are separated by commas") for name in missing
    ]
    if len(cells) > MAX_COLUMNS:
        errors.append(_fault("", f"at most {MAX_COLUMNS} columns"))
    if errors:
        raise InvalidRequestError(errors[:MAX_COLUMNS])
    return Columns(
        width=len(cells),
        plain={Column(name): position for name, position in found[""].items()},
        options=found["option"],
        variant=found["variant"],
        attributes=found["attribute"],
        prices=found["price"],
    )


def _sort(cells: Sequence[str], found: dict[str, dict[str, int]]) -> Iterator[FieldError]:
    """Put each column where it belongs; yield what is wrong with the others."""
    known = {column.value for column in Column}
    for position, cell in enumerate(cells):
        name = cell.strip()
        match = _PREFIXED.fullmatch(name)
        kind, key = (match[1], match[2].strip()) if match else ("", name)
        fault = _fault_of(kind, key, known)
        if fault is None and key in found[kind]:
            fault = "this column stands there twice"
        if fault is None:
            found[kind][key] = position
        else:
            yield _fault(name, fault)


def _fault_of(kind: str, key: str, known: set[str]) -> str | None:
    if kind == "":
        return None if key in known else "not a column of this list"
    if kind == "price":
        return None if _CURRENCY.fullmatch(key) else "price: is followed by a currency, as USD"
    if not key or len(key) > MAX_NAME or _CONTROLS.search(key):
        return f"{kind}: is followed by a name of 1 to {MAX_NAME} characters"
    return None


def _fault(name: str, detail: str) -> FieldError:
    return FieldError(pointer=f"/header/{name[:MAX_NAME]}", detail=detail)
