"""The price of a cart: pure, exact, in integer minor units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.domain.money import BASIS_POINTS, Money, apply_rate, split
from core.domain.promotions import Bill, Promotion, discounts


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A quantity of one SKU at its catalogue price, and what promotions and carriers look at."""

    sku: str
    quantity: int
    unit_price: Money
    product_id: str = ""
    category_ids: Sequence[str] = ()
    weight_grams: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedLine:
    """A line with its total, its discount, and its share of the order's tax."""

    sku: str
    quantity: int
    unit_price: Money
    total: Money
    discount: Money
    tax: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedPromotion:
    """A promotion and what it took off, goods and shipping together."""

    promotion: Promotion
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What an order costs.

    ``total = subtotal - discount + shipping + added_tax``. The discount is that of the lines and
    ``shipping_discount``; the tax is that of the lines and ``shipping_tax``. When ``tax_included``,
    the prices contain ``tax`` already and nothing is added.
    """

    lines: tuple[PricedLine, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    shipping_discount: Money
    tax: Money
    shipping_tax: Money
    tax_included: bool
    total: Money
    promotions: tuple[AppliedPromotion, ...]

    @property
    def added_tax(self) -> Money:
        """The tax that comes on top of the prices."""
        return self.tax * (0 if self.tax_included else 1)

    @property
    def included_tax(self) -> Money:
        """The tax that the prices contain."""
        return self.tax - self.added_tax


@dataclass(frozen=True, kw_only=True, slots=True)
class ShippingFee:
    """The fee of a method from a weight on; ``amount`` in minor units of ``currency``."""

    currency: str
    from_grams: int
    amount: int


def price_cart(
    lines: Sequence[Line],
    *,
    shipping: Money,
    tax_basis_points: int,
    tax_included: bool = False,
    promotions: Sequence[Promotion] = (),
) -> Price:
    """Price a cart: promotions first, then one tax rate on what is left of goods and shipping.

    The tax is rounded once, on the whole, and then split over the lines and the shipping by the
    largest remainder, so that the parts add up to it. The order of the lines decides nothing.

    Args:
        lines: what is bought.
        shipping: the fee, before any promotion.
        tax_basis_points: the rate.
        tax_included: prices and fee contain the tax; else it is added.
        promotions: every automatic one, and the one whose code was given.

    Raises:
        ValueError: no lines.
        CurrencyMismatchError: a line or the shipping is in another currency.
    """
    if not lines:
        raise ValueError("a cart has at least one line")
    currency = shipping.currency
    # Ties of a split go to the earlier part: lines are put into an order of their own, and back.
    order = sorted(range(len(lines)), key=lambda n: (lines[n].sku, lines[n].unit_price.amount, n))
    goods = [lines[n] for n in order]
    totals = [line.unit_price * line.quantity for line in goods]
    subtotal = sum(totals, start=Money(amount=0, currency=currency))
    bill = _bill(goods, totals, shipping)
    taken = discounts(bill, promotions, currency=currency)
    for discount in taken:
        bill = bill.less(discount)
    left = [*bill.lines, bill.shipping]
    tax = _tax(sum(left), tax_basis_points, included=tax_included)
    shares = split(tax, left)
    priced = dict(zip(order, _priced_lines(bill, totals, shares), strict=True))

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    return Price(
        lines=tuple(priced[n] for n in range(len(lines))),
        subtotal=subtotal,
        discount=money(sum(discount.amount for discount in taken)),
        shipping=shipping,
        shipping_discount=money(shipping.amount - bill.shipping),
        tax=money(tax),
        shipping_tax=money(shares[-1]),
        tax_included=tax_included,
        total=money(sum(left) + (0 if tax_included else tax)),
        promotions=tuple(
            AppliedPromotion(promotion=discount.promotion, amount=money(discount.amount))
            for discount in taken
        ),
    )


def _bill(lines: Sequence[Line], totals: Sequence[Money], shipping: Money) -> Bill[Line]:
    return Bill(
        goods=lines,
        unit_prices=[line.unit_price.amount for line in lines],
        lines=[total.amount for total in totals],
        shipping=shipping.amount,
    )


def _priced_lines(
    bill: Bill[Line], totals: Sequence[Money], taxes: Sequence[int]
) -> Iterator[PricedLine]:
    for line, total, left, tax in zip(bill.goods, totals, bill.lines, taxes, strict=False):
        yield PricedLine(
            sku=line.sku,
            quantity=line.quantity,
            unit_price=line.unit_price,
            total=total,
            discount=Money(amount=total.amount - left, currency=total.currency),
            tax=Money(amount=tax, currency=total.currency),
        )


def shipping_fee(fees: Sequence[ShippingFee], *, currency: str, grams: int) -> int | None:
    """Return the fee of the heaviest tier that the parcel reaches, in minor units.

    None when the method has no fee in the currency, or takes no parcel as light as this one.
    """
    reached = [fee for fee in fees if fee.currency == currency and fee.from_grams <= grams]
    return max(reached, key=lambda fee: fee.from_grams).amount if reached else None


def _tax(amount: int, basis_points: int, *, included: bool) -> int:
    """Return the tax on an amount, or the tax that it contains; half a minor unit is rounded up."""
    if not included:
        return apply_rate(amount, basis_points)
    whole = BASIS_POINTS + basis_points
    return (2 * amount * basis_points + whole) // (2 * whole)
