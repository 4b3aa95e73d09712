"""The price of a cart: pure, exact, in integer minor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.money import Money, apply_rate, split


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A quantity of one SKU at its catalogue price."""

    sku: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedLine:
    """A line with its total and its share of the order's tax."""

    sku: str
    quantity: int
    unit_price: Money
    total: Money
    tax: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What an order costs: ``total = subtotal - discount + shipping + tax``."""

    lines: tuple[PricedLine, ...]
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money


def price_cart(lines: Sequence[Line], *, shipping: Money, tax_basis_points: int) -> Price:
    """Price a cart with a flat shipping fee and one tax rate on goods and shipping.

    Prices exclude tax. The tax is rounded once, on the whole, and then split over the lines and
    the shipping by the largest remainder, so that the parts add up to it.

    Raises:
        ValueError: no lines.
        CurrencyMismatchError: a line or the shipping is in another currency.
    """
    if not lines:
        raise ValueError("a cart has at least one line")
    currency = shipping.currency
    totals = [line.unit_price * line.quantity for line in lines]
    subtotal = sum(totals, start=Money(amount=0, currency=currency))
    tax = Money(
        amount=apply_rate((subtotal + shipping).amount, tax_basis_points), currency=currency
    )
    shares = split(tax.amount, [*(total.amount for total in totals), shipping.amount])
    return Price(
        lines=tuple(
            PricedLine(
                sku=line.sku,
                quantity=line.quantity,
                unit_price=line.unit_price,
                total=total,
                tax=Money(amount=share, currency=currency),
            )
            for line, total, share in zip(lines, totals, shares, strict=False)
        ),
        subtotal=subtotal,
        discount=Money(amount=0, currency=currency),
        shipping=shipping,
        tax=tax,
        total=subtotal + shipping + tax,
    )
