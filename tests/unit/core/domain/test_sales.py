"""What a sale is divided into: by example, and for any order that is sent, paid and given back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.amounts import LineAmounts
from core.domain.ledger import Account, Posting, PostingKind, debit
from core.domain.money import apply_rate, split
from core.domain.sales import (
    GESTURES,
    SHIPPING,
    SHIPPING_TAX,
    Refunded,
    Slot,
    SoldLine,
    TakenItem,
    credits_of,
    debits_of,
    part_of,
    sale_of_parcel,
    taken_back,
)

PAYABLE = Slot(Account.VENDOR_PAYABLE, "ven_a", "itm_1")
COMMISSION = Slot(Account.COMMISSION, "ven_a", "itm_1")
TAX = Slot(Account.TAX, "", "itm_1")
FREE = LineAmounts(quantity=1, total=0, discount=0, tax=0)


def line(units: int = 2, *, total: int = 4000, tax: int = 400, rate: int = 1500) -> SoldLine:
    amounts = LineAmounts(quantity=units, total=total, discount=0, tax=tax)
    return SoldLine(item_id="itm_1", vendor_id="ven_a", amounts=amounts, basis_points=rate)


def item(units: int, left: int, *, in_exchange: bool = False) -> TakenItem:
    return TakenItem(
        item_id="itm_1", vendor_id="ven_a", units=units, left=left, in_exchange=in_exchange
    )


SOLD = {PAYABLE: 3400, COMMISSION: 600, TAX: 400, SHIPPING: 500, SHIPPING_TAX: 50}


def test_parcel_pays_vendor_commission_tax_and_shipping() -> None:
    shipping = LineAmounts(quantity=1, total=500, discount=0, tax=50)

    assert sale_of_parcel(4950, [line()], shipping, {}) == SOLD


def test_included_tax_is_taken_out_of_what_the_vendor_is_owed() -> None:
    amounts = LineAmounts(quantity=1, total=1200, discount=0, tax=200, tax_included=True)
    sold = SoldLine(item_id="itm_1", vendor_id="ven_a", amounts=amounts)

    assert sale_of_parcel(1200, [sold], FREE, {}) == {PAYABLE: 1000, TAX: 200}


def test_parcel_that_costs_less_than_its_goods_pays_each_in_proportion() -> None:
    assert sale_of_parcel(2200, [line()], FREE, {}) == {PAYABLE: 1700, COMMISSION: 300, TAX: 200}


def test_later_parcel_makes_up_for_what_an_earlier_one_was_short_of() -> None:
    short = sale_of_parcel(2199, [line(1, total=2000, tax=200, rate=0)], FREE, {})

    rest = sale_of_parcel(2201, [line(2, rate=0)], FREE, short)

    assert {slot: short.get(slot, 0) + rest.get(slot, 0) for slot in (PAYABLE, TAX)} == {
        PAYABLE: 4000,
        TAX: 400,
    }
    assert set(rest) == {PAYABLE, TAX}


def test_part_of_a_parcel_is_divided_like_the_whole() -> None:
    first = part_of(SOLD, 2475, {})

    assert first == {PAYABLE: 1700, COMMISSION: 300, TAX: 200, SHIPPING: 250, SHIPPING_TAX: 25}
    assert part_of(SOLD, 4950, first) == first


def test_part_beyond_the_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="no part of 4951"):
        part_of(SOLD, 4951, {})


def test_returned_unit_takes_back_its_share_and_its_commission() -> None:
    refund = Refunded(amount=2200, items=[item(1, 2)])

    assert taken_back(refund, SOLD) == {PAYABLE: 1700, COMMISSION: 300, TAX: 200}


def test_refund_of_less_than_the_goods_leaves_the_rest_with_the_sale() -> None:
    refund = Refunded(amount=1100, items=[item(1, 2)])

    assert taken_back(refund, SOLD) == {PAYABLE: 850, COMMISSION: 150, TAX: 100}


def test_refund_of_goods_and_shipping_takes_the_shipping_back_too() -> None:
    refund = Refunded(amount=2750, items=[item(1, 2)])

    assert taken_back(refund, SOLD) == {
        PAYABLE: 1700,
        COMMISSION: 300,
        TAX: 200,
        SHIPPING: 500,
        SHIPPING_TAX: 50,
    }


def test_refund_for_no_item_is_a_gesture_of_the_platform() -> None:
    assert taken_back(Refunded(amount=700), SOLD) == {GESTURES: 700}


def test_shipping_that_was_overtaken_pays_its_own_refund() -> None:
    refund = Refunded(amount=120, overtaken_shipping=110)

    assert taken_back(refund, SOLD) == {SHIPPING: 100, SHIPPING_TAX: 10, GESTURES: 10}


def test_refund_that_leaves_nothing_takes_earlier_gestures_back() -> None:
    left = {**SOLD, GESTURES: -700}
    refund = Refunded(amount=4250, items=[item(2, 2)], leaves_nothing=True)

    whole = taken_back(refund, left)

    assert whole == left
    first = part_of(whole, 1000, {})
    rest = part_of(whole, 4250, first)
    assert {slot: first.get(slot, 0) + rest.get(slot, 0) for slot in left} == left


def test_price_that_returned_goods_had_paid_comes_from_the_same_vendor() -> None:
    other = Slot(Account.VENDOR_PAYABLE, "ven_a", "itm_0")
    left = {other: 5000, PAYABLE: 2000, SHIPPING: 500}
    refund = Refunded(amount=6500, items=[item(1, 1, in_exchange=True)])

    assert taken_back(refund, left) == {PAYABLE: 2000, other: 4500}


def test_legs_of_a_sale_and_of_its_return_are_opposite() -> None:
    sale = [*credits_of(SOLD), debit(Account.CUSTOMER_RECEIVABLE, 4950)]

    assert Posting(key="k", kind=PostingKind.CAPTURE, currency="USD", legs=sale).is_empty is False
    assert [leg.amount for leg in debits_of(SOLD)] == [3400, 600, 400, 500, 50]


LINES = st.builds(
    LineAmounts,
    quantity=st.integers(1, 9),
    total=st.integers(1000, 10**6),
    discount=st.integers(0, 900),
    tax=st.integers(0, 99),
    tax_included=st.just(False),
)


@dataclass
class Books:
    """An order's slots as the postings would fill them."""

    slots: dict[Slot, int] = field(default_factory=dict)

    def add(self, shares: dict[Slot, int], sign: int = 1) -> int:
        for slot, amount in shares.items():
            self.slots[slot] = self.slots.get(slot, 0) + sign * amount
        return sum(shares.values())

    def of(self, account: Account, items: Iterable[str] = ()) -> int:
        wanted = set(items)
        return sum(
            amount
            for slot, amount in self.slots.items()
            if slot.account is account and (not wanted or slot.item_id in wanted)
        )


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[LineAmounts], LineAmounts, list[list[int]], list[int]]:
    """Lines, shipping, how many units of each line are in each parcel, and the rates."""
    included = draw(st.booleans())
    lines = [
        LineAmounts(
            quantity=one.quantity,
            total=one.total,
            discount=one.discount,
            tax=one.tax,
            tax_included=included,
        )
        for one in draw(st.lists(LINES, min_size=1, max_size=4))
    ]
    fee = draw(st.integers(0, 2000))
    shipping = LineAmounts(
        quantity=1, total=fee, discount=0, tax=draw(st.integers(0, fee)), tax_included=included
    )
    parcels = draw(st.integers(1, 3))
    contents = [[0] * len(lines) for _ in range(parcels)]
    for n, one in enumerate(lines):
        for _ in range(one.quantity):
            contents[draw(st.integers(0, parcels - 1))][n] += 1
    rates = [draw(st.integers(0, 10_000)) for _ in lines]
    return lines, shipping, [one for one in contents if any(one)], rates


def sold_lines(
    lines: list[LineAmounts], sent: list[int], rates: list[int], parcel: list[int]
) -> list[SoldLine]:
    return [
        SoldLine(
            item_id=f"itm_{n}",
            vendor_id=f"ven_{n % 2}",
            amounts=one.slice(0, sent[n]),
            basis_points=rates[n],
        )
        for n, one in enumerate(lines)
        if sent[n] or parcel[n]
    ]


@settings(deadline=None)
@given(order=orders(), data=st.data())
def test_any_order_that_is_sent_paid_and_given_back_adds_up(
    order: tuple[list[LineAmounts], LineAmounts, list[list[int]], list[int]], data: st.DataObject
) -> None:
    lines, shipping, contents, rates = order
    books = Books()
    total = sum(one.due for one in lines) + shipping.due
    worth = [sum(one.take(n)[0].due for one, n in zip(lines, c, strict=True)) for c in contents]
    sent = [0] * len(lines)
    for parcel, share in zip(contents, split(total, worth), strict=True):
        sent = [a + b for a, b in zip(sent, parcel, strict=True)]
        full = sale_of_parcel(
            share, sold_lines(lines, sent, rates, parcel), shipping, dict(books.slots)
        )
        first = data.draw(st.integers(0, share))
        part = part_of(full, first, {})
        rest = part_of(full, share, part)
        assert books.add(part) == first
        assert books.add(rest) == share - first

    for n, one in enumerate(lines):
        net = one.due - one.tax
        mine = [f"itm_{n}"]
        payable = books.of(Account.VENDOR_PAYABLE, mine)
        commission = books.of(Account.COMMISSION, mine)
        assert payable + commission == net
        assert abs(commission - apply_rate(net, rates[n])) <= len(contents)
        assert books.of(Account.TAX, mine) == one.tax
    assert books.of(Account.SHIPPING) == shipping.due - shipping.tax
    assert min(books.slots.values()) >= 0

    _give_everything_back(lines, shipping, books, data)
    assert not any(books.slots.values())


def _give_everything_back(
    lines: list[LineAmounts], shipping: LineAmounts, books: Books, data: st.DataObject
) -> None:
    """Unit by unit in any order, each refund in two parts, the shipping at last."""
    back = [0] * len(lines)
    units = data.draw(
        st.permutations([n for n, one in enumerate(lines) for _ in range(one.quantity)])
    )
    for n in units:
        due = lines[n].slice(back[n], back[n] + 1).due
        taken = TakenItem(
            item_id=f"itm_{n}",
            vendor_id=f"ven_{n % 2}",
            units=1,
            left=lines[n].quantity - back[n],
        )
        back[n] += 1
        if not due:
            continue
        whole = taken_back(Refunded(amount=due, items=[taken]), books.slots)
        first = part_of(whole, due // 2, {})
        rest = part_of(whole, due, first)
        assert books.add(first, -1) + books.add(rest, -1) == due
    assert books.slots.get(GESTURES, 0) == 0
    if shipping.due:
        last = taken_back(Refunded(amount=shipping.due, leaves_nothing=True), books.slots)
        assert books.add(last, -1) == shipping.due
