"""What Paystack charges for local cards and transfers (support.paystack.com, "Pricing")."""

from __future__ import annotations

CURRENCIES = frozenset({"NGN", "GHS", "ZAR", "KES", "USD", "XOF"})

_BASIS_POINTS = {"NGN": 150, "GHS": 195, "ZAR": 290, "KES": 290, "USD": 390, "XOF": 320}
_FLAT = {"NGN": 100_00, "ZAR": 1_00}
_FLAT_FROM = {"NGN": 2_500_00}
_CAP = {"NGN": 2_000_00}
_TRANSFER_STEPS = {"NGN": ((5_000_00, 10_00), (50_000_00, 25_00))}
_TRANSFER_ABOVE = {"NGN": 50_00}


def transaction_fee(amount: int, currency: str) -> int:
    """Of a paid transaction, in hundredths, rounded half up."""
    fee = (amount * _BASIS_POINTS[currency] + 5_000) // 10_000
    if amount >= _FLAT_FROM.get(currency, 0):
        fee += _FLAT.get(currency, 0)
    return min(fee, _CAP.get(currency, fee), amount)


def transfer_fee(amount: int, currency: str) -> int:
    """Of money sent from the balance, in hundredths."""
    for limit, fee in _TRANSFER_STEPS.get(currency, ()):
        if amount <= limit:
            return fee
    return _TRANSFER_ABOVE.get(currency, 0)
