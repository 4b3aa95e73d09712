from __future__ import annotations

from typing import Any

import pytest

from core.domain.catalogue_import import plan_import
from core.domain.catalogue_plan import (
    Importer,
    Known,
    KnownProduct,
    KnownVariant,
    KnownVendor,
    Plan,
)
from core.domain.catalogue_rows import CatalogueRow, Fault, ProductCells, VariantCells

OURS = KnownVendor(id="ven_ours", needs_approval=False)
CAREFUL = KnownVendor(id="ven_careful", needs_approval=True)
STAFF = Importer()


def row(line: int, sku: str, *, faults: tuple[Fault, ...] = (), **cells: Any) -> CatalogueRow:
    of_variant = {name: cells.pop(name) for name in ("options", "status_") if name in cells}
    product = ProductCells(slug=cells.pop("slug", "tee"), **cells)
    variant = VariantCells(
        sku=sku, options=of_variant.get("options", {}), status=of_variant.get("status_")
    )
    return CatalogueRow(line=line, product=product, variant=variant, faults=faults)


def tee(**changes: Any) -> KnownProduct:
    values: dict[str, Any] = {
        "id": "prd_tee",
        "vendor_id": OURS.id,
        "deleted": False,
        "status": "draft",
        "unapproved": False,
        "options": [{"name": "Size", "values": ["S", "M"]}],
        "attributes": {"Material": "Cotton"},
        "variants": [
            KnownVariant(sku="S-1", attributes={"Size": "S"}, active=True),
            KnownVariant(sku="M-1", attributes={"Size": "M"}, active=True),
        ],
    }
    return KnownProduct(**{**values, **changes})


def known(product: KnownProduct | None = None, **skus: str) -> Known:
    return Known(
        products={"tee": product} if product else {},
        products_of_skus=skus,
        categories={"tees": "cat_tees"},
        vendors={"ours": OURS, "careful": CAREFUL},
    )


def faults(plan: Plan) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.field, fault.detail) for fault in plan.faults]


def plan_of(
    rows: list[CatalogueRow], there: Known | None = None, importer: Importer = STAFF
) -> Plan:
    plan = plan_import([rows], there or known(), importer)
    assert plan.done_rows + plan.failed_rows == len(rows)
    return plan


def test_new_product_gets_its_options_and_positions_from_its_rows() -> None:
    plan = plan_of(
        [
            row(2, "A", name="Tee", vendor="ours", categories=("tees",), options={"Size": "S"}),
            row(3, "B", options={"Size": "M"}),
        ]
    )

    (product,) = plan.products
    assert plan.faults == []
    assert (product.vendor_id, product.category_ids) == (OURS.id, ["cat_tees"])
    assert product.options == [{"name": "Size", "values": ["S", "M"]}]
    assert [(one.cells.sku, one.attributes, one.position) for one in product.variants] == [
        ("A", {"Size": "S"}, 0),
        ("B", {"Size": "M"}, 1),
    ]


def test_row_with_a_fault_is_left_out_and_the_others_are_not() -> None:
    bad = Fault(line=3, field="price:USD", detail="a price")
    plan = plan_of([row(2, "A", name="Tee", vendor="ours"), row(3, "B", faults=(bad,))])

    assert plan.faults == [bad]
    assert [one.cells.sku for one in plan.products[0].variants] == ["A"]
    assert (plan.done_rows, plan.failed_rows) == (1, 1)


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ({"vendor": "ours"}, (2, "name", "required for a new product")),
        ({"name": "Tee"}, (2, "vendor", "required for a new product")),
        ({"name": "Tee", "vendor": "nobody"}, (2, "vendor", "there is no such vendor")),
        (
            {"name": "Tee", "vendor": "ours", "categories": ("hats",)},
            (2, "categories", "there is no such category"),
        ),
    ],
)
def test_fault_of_a_product_leaves_out_all_its_rows(
    cells: dict[str, Any], fault: tuple[int, str, str]
) -> None:
    price = Fault(line=2, field="price:USD", detail="a price")
    plan = plan_of([row(2, "A", faults=(price,), **cells), row(3, "B")])

    assert faults(plan) == [
        fault,
        (2, "price:USD", "a price"),
        (3, "product", "its product is left out: see line 2"),
    ]
    assert plan.products == []
    assert plan.failed_rows == 2


def test_rows_that_say_different_things_of_their_product_are_told() -> None:
    plan = plan_of(
        [
            row(2, "A", name="Tee", vendor="ours", attributes={"Material": "Wool"}),
            row(3, "B", name="Shirt", attributes={"Material": "Silk"}),
        ]
    )

    assert faults(plan) == [
        (3, "name", "not what line 2 says"),
        (3, "attribute:Material", "not what line 2 says"),
    ]


def test_present_product_keeps_what_its_rows_do_not_name() -> None:
    plan = plan_of([row(2, "S-1")], known(tee(), **{"S-1": "tee"}))

    (product,) = plan.products
    assert (product.options, product.attributes, product.category_ids) == (None, None, None)
    assert (product.variants[0].attributes, product.variants[0].position) == (None, None)


def test_new_variant_comes_behind_those_that_are_there() -> None:
    plan = plan_of([row(2, "L-1", options={"Size": "L"})], known(tee()))

    (product,) = plan.products
    assert product.options == [{"name": "Size", "values": ["S", "M", "L"]}]
    assert product.variants[0].position == 2


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({}, (2, "option:Size", "required: the product has this option")),
        ({"Size": "S"}, (2, "option:Size", "as those of S-1")),
        (
            {"Size": "L", "Color": "Red"},
            (2, "option:Color", "variants that are not in this list have no such option"),
        ),
    ],
)
def test_options_that_do_not_tell_variants_apart_are_refused(
    options: dict[str, str], fault: tuple[int, str, str]
) -> None:
    plan = plan_of([row(2, "L-1", options=options)], known(tee()))

    assert faults(plan) == [fault]


def test_withdrawn_variant_leaves_its_options_to_another() -> None:
    there = tee(variants=[KnownVariant(sku="S-1", attributes={"Size": "S"}, active=False)])
    plan = plan_of([row(2, "S-2", options={"Size": "S"})], known(there))

    assert plan.faults == []


def test_sku_of_another_product_is_refused() -> None:
    plan = plan_of([row(2, "A", name="Tee", vendor="ours")], known(None, A="hat"))

    assert faults(plan) == [(2, "sku", "this SKU is another product's")]
    assert plan.products == []


def test_deleted_product_is_not_written_to() -> None:
    plan = plan_of([row(2, "S-1")], known(tee(deleted=True)))

    assert faults(plan) == [(2, "product", "it is deleted: restore it first")]


def test_vendor_imports_only_what_is_theirs() -> None:
    taken = plan_of([row(2, "S-1")], known(tee()), Importer(vendor=CAREFUL))
    other = plan_of([row(2, "A", name="Tee", vendor="ours")], importer=Importer(vendor=CAREFUL))
    own = plan_of([row(2, "A", name="Tee")], importer=Importer(vendor=OURS))

    assert faults(taken) == [(2, "product", "this slug is taken")]
    assert faults(other) == [(2, "vendor", "not this vendor")]
    assert own.products[0].vendor_id == OURS.id


def test_vendor_who_needs_approval_cannot_publish_by_a_list() -> None:
    rows = [row(2, "A", name="Tee", status="published")]
    refused = plan_of(rows, importer=Importer(vendor=CAREFUL))
    approved = tee(vendor_id=CAREFUL.id, options=[], variants=[])
    allowed = plan_of(rows, known(approved), Importer(vendor=CAREFUL))

    assert faults(refused) == [(2, "status", "staff have to approve it first")]
    assert allowed.faults == []
