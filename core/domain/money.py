"""Money in integer minor units with an ISO 4217 currency; parts that always add up to the whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

BASIS_POINTS = 10_000
"""A rate of 100 % in basis points."""

MAX_AMOUNT = 2**53 - 1
"""The largest amount that every JSON client reads exactly, in minor units."""

# ISO 4217 list one, column "minor unit", where it is not 2.
_DECIMALS = {
    "BHD": 3, "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0,
    "KMF": 0, "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip
_CURRENCY = re.compile(r"[A-Z]{3}")


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies were added or compared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Money:
    """An amount in minor units (cents, yen, fils) of one currency."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"not an ISO 4217 code: {self.currency!r}")

    def __add__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(amount=self.amount - other.amount, currency=self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(amount=self.amount * quantity, currency=self.currency)

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self, *, separator: str = "") -> str:
        """Return the amount in major units, thousands apart by ``separator``: 1,234.50."""
        decimals = decimals_of(self.currency)
        sign = "-" if self.amount < 0 else ""
        whole, fraction = divmod(abs(self.amount), 10**decimals)
        grouped = f"{whole:,}".replace(",", separator)
        return f"{sign}{grouped}.{fraction:0{decimals}d}" if decimals else f"{sign}{grouped}"

    def _require_same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency}")


def decimals_of(currency: str) -> int:
    """Digits after the decimal point, by ISO 4217: JPY 0, USD 2, KWD 3."""
    return _DECIMALS.get(currency, 2)


def apply_rate(amount: int, basis_points: int) -> int:
    """Return the share of ``amount`` at a rate in basis points, half away from zero."""
    scaled = abs(amount) * basis_points
    rounded = (scaled * 2 + BASIS_POINTS) // (BASIS_POINTS * 2)
    return rounded if amount >= 0 else -rounded


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Split ``amount`` in proportion to ``weights`` by the largest remainder; the parts sum to it.

    Ties go to the earlier part. Weights of zero in all share equally.

    Raises:
        ValueError: no weights, or a negative one.
    """
    if not weights or min(weights) < 0:
        raise ValueError("weights must be one or more numbers, none negative")
    whole = sum(weights)
    if whole == 0:
        return split(amount, [1] * len(weights))
    sign = -1 if amount < 0 else 1
    shares = [divmod(abs(amount) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in shares]
    missing = abs(amount) - sum(parts)
    by_remainder = sorted(range(len(shares)), key=lambda n: (-shares[n][1], n))
    for n in by_remainder[:missing]:
        parts[n] += 1
    return [sign * part for part in parts]
