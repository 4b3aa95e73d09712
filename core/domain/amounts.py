"""What a part of a line is worth: parts always add up to the line, to the last minor unit."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.money import split


@dataclass(frozen=True, kw_only=True, slots=True)
class LineAmounts:
    """A quantity of one item; amounts in minor units of its order's currency.

    ``total`` is the price of the goods, ``discount`` what promotions take off, ``tax`` the line's
    share of the tax, which the price contains already when ``tax_included``.
    """

    quantity: int
    total: int
    discount: int
    tax: int
    tax_included: bool = False

    @property
    def due(self) -> int:
        """What the customer pays for it."""
        return self.total - self.discount + (0 if self.tax_included else self.tax)

    def take(self, units: int) -> tuple[LineAmounts, LineAmounts]:
        """Return the part of ``units`` and what is left; both add up to this one.

        Raises:
            ValueError: more units than there are, or a negative number.
        """
        if not 0 <= units <= self.quantity:
            raise ValueError(f"cannot take {units} of {self.quantity} units")
        if units in {0, self.quantity}:
            nothing = LineAmounts(
                quantity=0, total=0, discount=0, tax=0, tax_included=self.tax_included
            )
            return (self, nothing) if units else (nothing, self)
        weights = [units, self.quantity - units]
        totals, discounts, taxes = (
            split(amount, weights) for amount in (self.total, self.discount, self.tax)
        )
        taken, left = (
            LineAmounts(
                quantity=weights[n],
                total=totals[n],
                discount=discounts[n],
                tax=taxes[n],
                tax_included=self.tax_included,
            )
            for n in (0, 1)
        )
        return taken, left

    def slice(self, start: int, stop: int) -> LineAmounts:
        """Return the units from ``start`` (counted from 0) up to ``stop``, which is not among them.

        Slices of one line that follow each other add up to it, so what was given back for earlier
        units is never given back again.

        Raises:
            ValueError: not ``0 <= start <= stop <= quantity``.
        """
        if not 0 <= start <= stop <= self.quantity:
            raise ValueError(f"no units {start} to {stop} of {self.quantity}")
        before, _ = self.take(start)
        until, _ = self.take(stop)
        return LineAmounts(
            quantity=stop - start,
            total=until.total - before.total,
            discount=until.discount - before.discount,
            tax=until.tax - before.tax,
            tax_included=self.tax_included,
        )
