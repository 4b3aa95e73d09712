from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.catalogue_columns import read_header
from core.domain.catalogue_rows import CatalogueRow, Fault, read_row
from core.domain.csv_cells import shielded, unshielded
from core.domain.errors import InvalidRequestError

HEADER = [
    "product",
    "name",
    "description",
    "categories",
    "status",
    "sku",
    "title",
    "variant_status",
    "weight_grams",
    "backorder_policy",
    "option:Size",
    "attribute:Material",
    "price:USD",
    "price:JPY",
    "price:KWD",
]
COLUMNS = read_header(HEADER)
FULL = {
    "product": "tee-black",
    "name": "Black Tee",
    "description": "Line one.\nLine two.",
    "categories": "tees|sale",
    "status": "draft",
    "sku": "TEE-BLK-M",
    "title": "Medium",
    "variant_status": "active",
    "weight_grams": "180",
    "backorder_policy": "deny",
    "option:Size": "M",
    "attribute:Material": "Cotton",
    "price:USD": "19.99",
    "price:JPY": "2900",
    "price:KWD": "6.125",
}


def row_of(**cells: str) -> CatalogueRow | list[Fault]:
    values = {**FULL, **cells}
    return read_row(COLUMNS, 7, [values[name] for name in HEADER])


def faults_of(**cells: str) -> list[tuple[str, str]]:
    row = row_of(**cells)
    found = row if isinstance(row, list) else row.faults
    assert all(fault.line == 7 for fault in found)
    return [(fault.field, fault.detail) for fault in found]


def test_full_row_is_read_into_minor_units_and_names() -> None:
    row = row_of()

    assert isinstance(row, CatalogueRow)
    assert row.faults == ()
    assert (row.product.slug, row.product.categories) == ("tee-black", ("tees", "sale"))
    assert row.product.description == "Line one.\nLine two."
    assert row.product.attributes == {"Material": "Cotton"}
    assert row.variant.options == {"Size": "M"}
    assert row.variant.weight_grams == 180
    assert row.variant.prices == {"USD": 1999, "JPY": 2900, "KWD": 6125}


def test_empty_cells_say_nothing() -> None:
    row = row_of(**{name: "" for name in HEADER if name not in {"product", "sku"}})

    assert isinstance(row, CatalogueRow)
    assert row.faults == ()
    assert (row.product.name, row.product.categories, row.product.attributes) == (None, None, {})
    assert (row.variant.title, row.variant.weight_grams, row.variant.prices) == (None, None, {})


@pytest.mark.parametrize(
    ("cell", "amount"), [("0", 0), ("5", 500), ("5.5", 550), ("5.05", 505), ("0.01", 1)]
)
def test_price_in_major_units_is_exact(cell: str, amount: int) -> None:
    row = row_of(**{"price:USD": cell})

    assert isinstance(row, CatalogueRow)
    assert row.variant.prices["USD"] == amount


@pytest.mark.parametrize(
    ("column", "cell", "detail"),
    [
        ("price:USD", "19.999", "a price in USD: digits, a point and at most 2 more"),
        ("price:USD", "1,999.00", "a price in USD: digits, a point and at most 2 more"),
        ("price:USD", "-1", "a price in USD: digits, a point and at most 2 more"),
        ("price:USD", "=1+1", "a price in USD: digits, a point and at most 2 more"),
        ("price:USD", "999999999999999", "more than any price"),
        ("price:JPY", "29.0", "a price in JPY: digits, without a point"),
        ("status", "gone", "one of draft, published, archived"),
        ("categories", "tees||sale", "1 to 120 small letters, digits, - and _"),
        ("name", "x" * 201, "a line of at most 200 characters, none of them a control one"),
        ("title", "a\x07b", "a line of at most 200 characters, none of them a control one"),
        ("description", "a\x07b", "at most 20000 characters, and no control characters"),
        ("weight_grams", "1.5", "a whole number of grams from 0 to 100000000"),
        ("sku", "TEE BLK", "1 to 64 letters, digits, . - and _"),
        ("sku", "", "required"),
        ("product", "Tee Black", "1 to 120 small letters, digits, - and _"),
    ],
)
def test_fault_is_told_with_its_column(column: str, cell: str, detail: str) -> None:
    assert faults_of(**{column: cell}) == [(column, detail)]


def test_formula_is_read_as_the_text_it_is() -> None:
    row = row_of(name="=HYPERLINK(1)", title="'=1+1")

    assert isinstance(row, CatalogueRow)
    assert row.product.name == "=HYPERLINK(1)"
    assert row.variant.title == "=1+1"


def test_row_of_another_width_is_refused_as_a_whole() -> None:
    assert read_row(COLUMNS, 3, ["a", "b"]) == [
        Fault(line=3, field="", detail="2 cells instead of 15")
    ]


@given(st.text())
def test_shielded_cell_is_no_formula_and_comes_back(value: str) -> None:
    cell = shielded(value)

    assert not cell.startswith(("=", "+", "-", "@", "|", "%", "\t", "\r", "\n"))
    assert unshielded(cell) == value


@pytest.mark.parametrize(
    ("header", "pointers"),
    [
        (["product", "sku", "colour"], ["/header/colour"]),
        (["product"], ["/header/sku"]),
        (["product;sku;name"], ["/header/product;sku;name", "/header/product", "/header/sku"]),
        (["product", "sku", "sku"], ["/header/sku"]),
        (["product", "sku", "price:usd"], ["/header/price:usd"]),
        (["product", "sku", "option:"], ["/header/option:"]),
        (["product", "sku", *(f"option:{n}" for n in range(299))], ["/header/"]),
    ],
)
def test_header_that_is_not_known_is_refused(header: list[str], pointers: list[str]) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_header(header)

    assert [error.pointer for error in refused.value.errors] == pointers
