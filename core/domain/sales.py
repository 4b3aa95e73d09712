"""How the money of a sale is divided, and taken back: pure, exact to the last minor unit.

What is posted is always a target less what is posted already, so the parts of a parcel, the parcels
of an order and the refunds of either add up, whatever was rounded on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from core.domain.amounts import LineAmounts
from core.domain.ledger import Account, Leg
from core.domain.money import apply_rate, split

ROUNDING = 3
"""Minor units per item by which the worth of some of its units may differ between two ways to
round it: price, discount and tax are each rounded once."""


class Slot(NamedTuple):
    """Where a part of a sale goes: an account, whose it is, and the order item that it is for."""

    account: Account
    holder: str = ""
    item_id: str | None = None


Shares: TypeAlias = Mapping[Slot, int]
"""What each slot is credited with, minor units."""

SHIPPING = Slot(account=Account.SHIPPING)
SHIPPING_TAX = Slot(account=Account.TAX)
GESTURES = Slot(account=Account.REFUNDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class SoldLine:
    """An item of parcels that are paid for, with the one that is being paid for now.

    ``amounts`` is what all those units cost; ``commission`` the platform's part in basis points.
    """

    item_id: str
    vendor_id: str
    amounts: LineAmounts
    basis_points: int = 0

    @property
    def net(self) -> int:
        """What the goods cost without tax, minor units."""
        return self.amounts.due - self.amounts.tax

    @property
    def slots(self) -> tuple[Slot, Slot, Slot]:
        """Where the vendor's part, the commission and the tax go."""
        return (
            Slot(Account.VENDOR_PAYABLE, self.vendor_id, self.item_id),
            Slot(Account.COMMISSION, self.vendor_id, self.item_id),
            Slot(Account.TAX, "", self.item_id),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenItem:
    """Units of an item that a refund is for; ``left`` counts them and those that stay sold."""

    item_id: str
    vendor_id: str
    units: int
    left: int
    in_exchange: bool = False
    """It was given for a return: what came back has paid for a part of its price."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refunded:
    """A refund as far as its division depends on it; amounts in minor units."""

    amount: int
    items: Sequence[TakenItem] = field(default_factory=tuple)
    leaves_nothing: bool = False
    """With it, everything that was taken for the order is given back."""
    overtaken_shipping: int = 0
    """What was taken for shipping beyond what the order costs now."""


def sale_of_parcel(
    amount: int, lines: Iterable[SoldLine], shipping: LineAmounts, posted: Shares
) -> dict[Slot, int]:
    """Divide what one parcel costs; the parts add up to ``amount``.

    Goods first: what the units of this parcel and of those before cost, less what is posted for
    them. The rest is shipping with its share of the shipping's tax. A parcel that costs less than
    its goods takes back what shipping got beyond its price; what is short even so, each bears in
    proportion, and the next parcel makes up for it.

    Args:
        amount: minor units, not negative.
        lines: the items of the order's parcels that are paid for, this one among them.
        shipping: what the order's shipping costs, ``quantity`` 1.
        posted: what the order's other parcels were divided into.
    """
    wanted: dict[Slot, int] = {}
    commissions: dict[Slot, tuple[Slot, int]] = {}
    for line in lines:
        payable, commission, tax = line.slots
        net = line.net - posted.get(payable, 0) - posted.get(commission, 0)
        wanted[payable] = max(net, 0)
        wanted[tax] = max(line.amounts.tax - posted.get(tax, 0), 0)
        commissions[payable] = (commission, line.basis_points)
    rest = amount - sum(wanted.values())
    if rest < 0:
        shipped = posted.get(SHIPPING, 0) + posted.get(SHIPPING_TAX, 0)
        lent = min(max(shipped - shipping.due, 0), posted.get(SHIPPING, 0), -rest)
        wanted = _divided(amount + lent, wanted)
        wanted[SHIPPING] = -lent
    else:
        wanted |= _shipping_of(rest, shipping, posted)
    for payable, (commission, basis_points) in commissions.items():
        share = apply_rate(wanted[payable], basis_points)
        wanted[payable] -= share
        wanted[commission] = share
    return _without_zeros(wanted)


def _shipping_of(amount: int, shipping: LineAmounts, posted: Shares) -> dict[Slot, int]:
    before = posted.get(SHIPPING, 0) + posted.get(SHIPPING_TAX, 0)
    until = min(before + amount, shipping.due)
    tax = 0
    if shipping.due:
        tax, _ = split(shipping.tax, [until, shipping.due - until])
    tax = min(max(tax - posted.get(SHIPPING_TAX, 0), 0), amount)
    return {SHIPPING: amount - tax, SHIPPING_TAX: tax}


def taken_back(refund: Refunded, left: Shares) -> dict[Slot, int]:
    """Divide a refund over what is left of a sale; the parts add up to its amount.

    Each item gives back the share of its units, with their tax and commission. What is more than
    that comes out of the shipping when goods come back or too much was taken for it, and is a
    gesture of the platform otherwise. A refund that leaves nothing takes back all that is left.

    Args:
        refund: how much, and for what.
        left: what the parcels were divided into less what other refunds took back.
    """
    if refund.leaves_nothing and sum(left.values()) == refund.amount:
        return _without_zeros(left)
    wanted: dict[Slot, int] = {}
    for item in refund.items:
        for slot in _slots_of(item, left):
            wanted[slot], _ = split(left[slot], [item.units, max(item.left - item.units, 0)])
    rest = refund.amount - sum(wanted.values())
    if rest < 0:
        return _without_zeros(_divided(refund.amount, wanted))
    rounded = [slot for item in refund.items for slot in _slots_of(item, left)]
    if 0 < rest <= ROUNDING * len(refund.items):
        rest -= _take(rest, rounded, left, wanted)
    exchanged = {one.vendor_id for one in refund.items if one.in_exchange}
    rest -= _take(rest, [slot for slot in left if _is_sold_by(slot, exchanged, left)], left, wanted)
    shipped = rest if refund.items else min(rest, refund.overtaken_shipping)
    rest -= _take(shipped, [SHIPPING, SHIPPING_TAX], left, wanted)
    wanted[GESTURES] = wanted.get(GESTURES, 0) + rest
    return _without_zeros(wanted)


def part_of(full: Shares, amount: int, posted: Shares) -> dict[Slot, int]:
    """Return what the first ``amount`` minor units of a division ask for beyond what is posted.

    Raises:
        ValueError: more than the division adds up to, or less than none.
    """
    whole = sum(full.values())
    if not 0 <= amount <= whole:
        raise ValueError(f"no part of {amount} in {whole}")
    target = full if amount == whole else _divided(amount, _positive(full))
    slots = {**full, **posted}
    return _without_zeros({slot: target.get(slot, 0) - posted.get(slot, 0) for slot in slots})


def credits_of(shares: Shares) -> list[Leg]:
    """The legs that book a division."""
    return [
        Leg(account=slot.account, holder=slot.holder, item_id=slot.item_id, amount=-amount)
        for slot, amount in shares.items()
    ]


def debits_of(shares: Shares) -> list[Leg]:
    """The legs that take a division back."""
    return credits_of({slot: -amount for slot, amount in shares.items()})


def _divided(amount: int, weights: Shares) -> dict[Slot, int]:
    if not weights:
        return {}
    return dict(zip(weights, split(amount, list(weights.values())), strict=True))


def _take(amount: int, slots: Sequence[Slot], left: Shares, wanted: dict[Slot, int]) -> int:
    """Add up to ``amount`` to ``wanted`` out of what the slots have left; return how much."""
    possible = {slot: max(left.get(slot, 0) - wanted.get(slot, 0), 0) for slot in slots}
    taken = min(max(amount, 0), sum(possible.values()))
    for slot, share in _divided(taken, possible).items():
        wanted[slot] = wanted.get(slot, 0) + share
    return taken


def _slots_of(item: TakenItem, left: Shares) -> list[Slot]:
    return [slot for slot, amount in left.items() if slot.item_id == item.item_id and amount > 0]


def _is_sold_by(slot: Slot, vendors: set[str], left: Shares) -> bool:
    """Whether the slot is for an item of one of these vendors."""
    return slot.item_id is not None and any(
        other.item_id == slot.item_id and other.holder in vendors for other in left
    )


def _positive(shares: Shares) -> dict[Slot, int]:
    return {slot: amount for slot, amount in shares.items() if amount > 0}


def _without_zeros(shares: Shares) -> dict[Slot, int]:
    return {slot: amount for slot, amount in shares.items() if amount}
