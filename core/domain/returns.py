"""The rules of returns: which are approved at once, what they pay, what an exchange costs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from core.domain.amounts import LineAmounts


class ReturnReason(StrEnum):
    CHANGED_MIND = "changed_mind"
    DAMAGED = "damaged"
    WRONG_ITEM = "wrong_item"
    NOT_AS_DESCRIBED = "not_as_described"
    OTHER = "other"


SHOPS_FAULT = frozenset(
    {ReturnReason.DAMAGED, ReturnReason.WRONG_ITEM, ReturnReason.NOT_AS_DESCRIBED}
)
"""Who returns goods for one of these pays for no shipping, when all of the order comes back."""


class WhenUndecided(StrEnum):
    """What becomes of a request that nobody has decided about, long after staff was asked."""

    APPROVE = "approve"
    EXPIRE = "expire"


def approved_at_once(
    reasons: Iterable[str], value: int, *, of: Collection[str], up_to: int
) -> bool:
    """Whether a return needs no person: each reason is one ``of`` these, and it is worth little.

    ``value`` and ``up_to`` are minor units of the order's currency.
    """
    return value <= up_to and all(reason in of for reason in reasons)


def shipping_goes_back(reasons: Iterable[str], *, units_kept: int) -> bool:
    """Whether the fee goes back too: nothing is kept, and every reason is the shop's fault."""
    return units_kept == 0 and all(reason in SHOPS_FAULT for reason in reasons)


def exchanged(credit: LineAmounts, unit_price: int) -> LineAmounts:
    """Return what the same number of units at ``unit_price`` (minor units) costs in exchange.

    The customer keeps the discount of the goods that came back, as far as it fits, and pays tax at
    their rate; so goods of the same price cost exactly what they replace.
    """
    total = unit_price * credit.quantity
    discount = min(credit.discount, total)
    taxed_before, taxed = credit.total - credit.discount, total - discount
    tax = _in_proportion(credit.tax, taxed, taxed_before) if taxed_before else 0
    return LineAmounts(
        quantity=credit.quantity,
        total=total,
        discount=discount,
        tax=tax,
        tax_included=credit.tax_included,
    )


def _in_proportion(amount: int, part: int, whole: int) -> int:
    """Return ``amount * part / whole``, half up."""
    return (amount * part * 2 + whole) // (whole * 2)
