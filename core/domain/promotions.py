"""What promotions take off a cart: pure, exact, in integer minor units.

Every automatic promotion that fits applies, and at most one that was asked for by its code. They
compound: each works on what the ones before it left, so nothing ever costs less than nothing. The
best goes first: in each round the promotion that would take off the most now is applied (of equals
the one with the lower id), until none of the rest takes anything off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from core.domain.money import BASIS_POINTS, apply_rate, split


class PromotionKind(StrEnum):
    PERCENT = "percent"
    FIXED = "fixed"
    FREE_SHIPPING = "free_shipping"
    BUY_X_GET_Y = "buy_x_get_y"


class PromotionScope(StrEnum):
    ORDER = "order"
    PRODUCT = "product"
    CATEGORY = "category"


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotion:
    """A rule that makes a cart cheaper; amounts by currency, in minor units.

    Without a code it is automatic. ``minimums`` is the least subtotal, before any discount: empty
    for any; a currency that is missing from one that is not empty is not served.
    """

    id: str
    name: str
    code: str | None
    kind: PromotionKind
    scope: PromotionScope = PromotionScope.ORDER
    targets: frozenset[str] = frozenset()
    basis_points: int | None = None
    amounts: Mapping[str, int] = field(default_factory=dict)
    buy: int = 0
    get: int = 0
    minimums: Mapping[str, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What a customer knows it by."""
        return self.code or self.name

    def covers(self, line: Goods) -> bool:
        """Tell whether the line is within the scope."""
        match self.scope:
            case PromotionScope.ORDER:
                return True
            case PromotionScope.PRODUCT:
                return line.product_id in self.targets
            case PromotionScope.CATEGORY:
                return not self.targets.isdisjoint(line.category_ids)


class Goods(Protocol):
    """What a promotion looks at in a line."""

    @property
    def product_id(self) -> str: ...
    @property
    def category_ids(self) -> Sequence[str]: ...
    @property
    def quantity(self) -> int: ...


_Goods = TypeVar("_Goods", bound=Goods)


@dataclass(frozen=True, kw_only=True, slots=True)
class Discount:
    """What one promotion takes off each line and off the shipping, in minor units."""

    promotion: Promotion
    lines: Sequence[int]
    shipping: int = 0

    @property
    def amount(self) -> int:
        return sum(self.lines) + self.shipping


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill(Generic[_Goods]):
    """What is to be paid for each line, and for the shipping, before or between promotions."""

    goods: Sequence[_Goods]
    unit_prices: Sequence[int]
    lines: Sequence[int]
    shipping: int

    def less(self, discount: Discount) -> Bill[_Goods]:
        """Return what is left after a discount."""
        return Bill(
            goods=self.goods,
            unit_prices=self.unit_prices,
            lines=[a - b for a, b in zip(self.lines, discount.lines, strict=True)],
            shipping=self.shipping - discount.shipping,
        )


def discounts(
    bill: Bill[_Goods], promotions: Sequence[Promotion], *, currency: str
) -> list[Discount]:
    """Return what is taken off, in the order in which it is taken; see the module for the rule.

    ``promotions`` has every automatic one and the one whose code was given, if any.
    """
    subtotal = sum(bill.lines)
    waiting = [p for p in promotions if _large_enough(p, subtotal, currency)]
    taken: list[Discount] = []
    while waiting:
        offers = [_offer(promotion, bill, currency) for promotion in waiting]
        best = min(offers, key=lambda offer: (-offer.amount, offer.promotion.id))
        if best.amount == 0:
            break
        taken.append(best)
        bill = bill.less(best)
        waiting.remove(best.promotion)
    return taken


def counted_customer(customer_id: str, email: str | None) -> str:
    """Return who a use is counted for: a guest by the address, whoever pays by the account."""
    return hashlib.sha256(email.lower().encode()).hexdigest() if email else customer_id


def _large_enough(promotion: Promotion, subtotal: int, currency: str) -> bool:
    if not promotion.minimums:
        return True
    least = promotion.minimums.get(currency)
    return least is not None and subtotal >= least


def _offer(promotion: Promotion, bill: Bill[_Goods], currency: str) -> Discount:
    """Return what the promotion would take off the bill now."""
    covered = [promotion.covers(line) for line in bill.goods]
    none = [0] * len(bill.lines)
    if promotion.kind is PromotionKind.FREE_SHIPPING:
        shipping = bill.shipping if any(covered) else 0
        return Discount(promotion=promotion, lines=none, shipping=shipping)
    bases = [left if mine else 0 for left, mine in zip(bill.lines, covered, strict=True)]
    match promotion.kind:
        case PromotionKind.FIXED:
            amount = min(promotion.amounts.get(currency, 0), sum(bases))
        case PromotionKind.PERCENT:
            amount = apply_rate(sum(bases), promotion.basis_points or 0)
        case _:
            bases = _reduced(promotion, bill, covered)
            rate = BASIS_POINTS if promotion.basis_points is None else promotion.basis_points
            amount = apply_rate(sum(bases), rate)
    return Discount(promotion=promotion, lines=split(amount, bases) if amount else none)


def _reduced(promotion: Promotion, bill: Bill[_Goods], covered: Sequence[bool]) -> list[int]:
    """Return what is left to pay, line by line, for the units that are reduced.

    The covered units stand in a row, the dearest first; of each full group of ``buy + get`` the
    last ``get`` are reduced.
    """
    group = promotion.buy + promotion.get
    bases = [0] * len(bill.lines)
    row = sorted((n for n, mine in enumerate(covered) if mine), key=lambda n: -bill.unit_prices[n])
    units = sum(bill.goods[n].quantity for n in row)
    full = units - units % group
    position = 0
    for n in row:
        quantity = bill.goods[n].quantity
        stop = position + quantity
        count = _reduced_before(min(stop, full), promotion) - _reduced_before(
            min(position, full), promotion
        )
        bases[n] = split(bill.lines[n], [count, quantity - count])[0]
        position = stop
    return bases


def _reduced_before(position: int, promotion: Promotion) -> int:
    groups, rest = divmod(position, promotion.buy + promotion.get)
    return groups * promotion.get + max(0, rest - promotion.buy)
