from __future__ import annotations

import pytest

from api import carts
from api.schemas.checkout import Item
from core.domain.allocation import StockLevel
from core.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from core.domain.money import MAX_AMOUNT
from core.domain.pricing import ShippingFee
from core.settings import ApiSettings
from models.repositories.catalogue import CartSnapshot, HoldSnapshot, OfferedVariant, TaxRate

ITEMS = [Item(sku="A", quantity=2), Item(sku="B", quantity=1)]


def _variant(sku: str, price: int | None = 1000) -> OfferedVariant:
    return OfferedVariant(
        sku=sku, variant_id=f"var_{sku}", vendor_id="ven_1", name="Tee", title=sku, price=price
    )


def _snapshot(
    *,
    variants: tuple[OfferedVariant, ...] = (_variant("A"), _variant("B")),
    stock: tuple[tuple[str, str, int], ...] = (),
    tax: int | None = 800,
    shipping: dict[str, int] | None = None,
    hold: HoldSnapshot | None = None,
) -> CartSnapshot:
    return CartSnapshot(
        record=None,
        variants={variant.sku: variant for variant in variants},
        stock=[StockLevel(warehouse_id=w, sku=s, available=n) for w, s, n in stock],
        tax=None if tax is None else TaxRate(basis_points=tax, included=False),
        shipping=[
            ShippingFee(currency=currency, from_grams=0, amount=amount)
            for currency, amount in ({"USD": 500} if shipping is None else shipping).items()
        ],
        hold=hold,
    )


def _pointers(
    snapshot: CartSnapshot, *, currency: str = "USD", code: str | None = None
) -> set[str]:
    with pytest.raises(InvalidRequestError) as caught:
        carts.price(ITEMS, snapshot, currency=currency, promotion_code=code)
    return {error.pointer for error in caught.value.errors}


def test_cart_is_priced_with_shipping_and_tax() -> None:
    price = carts.price(ITEMS, _snapshot(), currency="USD", promotion_code=None).price

    assert (price.subtotal.amount, price.shipping.amount) == (3000, 500)
    assert (price.tax.amount, price.total.amount) == (280, 3780)


def test_every_fault_of_a_cart_is_named_at_once() -> None:
    snapshot = _snapshot(variants=(_variant("A"),), tax=None, shipping={})

    assert _pointers(snapshot, code="FREE") == {
        "/items/1/sku",
        "/shipping_method",
        "/shipping_address/country",
        "/promotion_code",
    }


@pytest.mark.parametrize(
    "snapshot",
    [_snapshot(shipping={"EUR": 1}), _snapshot(variants=(_variant("A"), _variant("B", None)))],
)
def test_missing_price_in_the_currency_points_to_the_currency(snapshot: CartSnapshot) -> None:
    assert _pointers(snapshot) == {"/currency"}


def test_total_that_no_client_reads_exactly_is_refused() -> None:
    dear = _snapshot(variants=(_variant("A", MAX_AMOUNT), _variant("B")))

    assert _pointers(dear) == {"/items"}


def test_limits_of_a_cart_point_to_their_lines() -> None:
    limits = ApiSettings(max_cart_lines=2, max_quantity=5)
    items = [
        Item(sku="A", quantity=6),
        Item(sku="B", quantity=1),
        Item(sku="B", quantity=1),
    ]

    with pytest.raises(InvalidRequestError) as caught:
        carts.check_lines(items, limits)

    assert [error.pointer for error in caught.value.errors] == [
        "/items",
        "/items/0/quantity",
        "/items/2/sku",
    ]


def _hold(**changes: object) -> HoldSnapshot:
    values: dict[str, object] = {
        "owner_id": "usr_1",
        "live": True,
        "status": "active",
        "items": {"A": 2, "B": 1},
        **changes,
    }
    return HoldSnapshot(**values)  # type: ignore[arg-type]  # changed by name


def test_own_live_hold_for_the_same_items_is_taken() -> None:
    carts.check_hold(ITEMS, _snapshot(hold=_hold()), hold_id="hld_1", owner_id="usr_1")


@pytest.mark.parametrize(
    ("hold", "error"),
    [
        (None, NotFoundError),
        (_hold(owner_id="usr_2"), NotFoundError),
        (_hold(live=False, status="consumed"), ConflictError),
        (_hold(live=False), ConflictError),
        (_hold(items={"A": 2}), InvalidRequestError),
        (_hold(items={"A": 2, "B": 2}), InvalidRequestError),
    ],
)
def test_any_other_hold_is_refused(hold: HoldSnapshot | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        carts.check_hold(ITEMS, _snapshot(hold=hold), hold_id="hld_1", owner_id="usr_1")


def test_plan_names_the_warehouse_that_has_it_all() -> None:
    snapshot = _snapshot(stock=(("w1", "A", 1), ("w2", "A", 5), ("w2", "B", 5)))

    planned = carts.plan(ITEMS, snapshot)

    assert [(p.warehouse_id, p.sku, p.quantity) for p in planned] == [
        ("w2", "A", 2),
        ("w2", "B", 1),
    ]


def test_plan_is_empty_when_the_snapshot_has_too_few() -> None:
    assert carts.plan(ITEMS, _snapshot(stock=(("w1", "A", 5),))) == []
