"""The ledger: balances and postings; a debit is positive, a credit negative."""

from __future__ import annotations

from datetime import date

from api.schemas.base import AT_EXAMPLE, Moment, Money, Schema, example
from core.domain.ledger import Account, PostingKind

_ORDER = "ord_01jd9zt6jxe4vsqfdm2k3hs8ar"
_PAYMENT = "pay_01jd9zt6jxe4vsqfdm2k3hs8as"
_VENDOR = "ven_01jd9zt6jxe4vsqfdm2k3hs8at"
_ITEM = "itm_01jd9zt6jxe4vsqfdm2k3hs8aw"


def _money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "USD"}


_BALANCE = {
    "account": "vendor_payable",
    "holder": _VENDOR,
    "balance": _money(-128450),
    "debits": _money(1799),
    "credits": _money(10794),
}


class LedgerBalance(Schema):
    """An account of one holder in one currency at the end of the day.

    ``debits`` and ``credits`` are what was posted on that day, both not negative.
    """

    model_config = example(_BALANCE)

    account: Account
    holder: str
    """The provider or vendor; empty for accounts that are only ours."""
    balance: Money
    debits: Money
    credits: Money


class LedgerBalancePage(Schema):
    """``on`` is the day, UTC, at whose end these are the balances."""

    model_config = example({"on": "2026-11-22", "data": [_BALANCE], "next_cursor": None})

    on: date
    data: list[LedgerBalance]
    next_cursor: str | None


_LEG = {"account": "commission", "holder": _VENDOR, "item_id": _ITEM, "amount": _money(-200)}


class LedgerLeg(Schema):
    """One line of a posting; a debit is positive, a credit negative."""

    model_config = example(_LEG)

    account: Account
    holder: str
    item_id: str | None
    """The order item that it is for."""
    amount: Money


_POSTING = {
    "key": f"{_PAYMENT}:capture:1",
    "kind": "capture",
    "order_id": _ORDER,
    "reference": _PAYMENT,
    "posted_at": AT_EXAMPLE,
    "legs": [
        {
            "account": "customer_receivable",
            "holder": "",
            "item_id": None,
            "amount": _money(1999),
        },
        {
            "account": "vendor_payable",
            "holder": _VENDOR,
            "item_id": _ITEM,
            "amount": _money(-1799),
        },
        _LEG,
    ],
}


class LedgerPosting(Schema):
    """Something that happened to money; its legs add up to zero. It is never changed."""

    model_config = example(_POSTING)

    key: str
    kind: PostingKind
    order_id: str | None
    reference: str
    posted_at: Moment
    legs: list[LedgerLeg]


class LedgerPostingPage(Schema):
    model_config = example({"data": [_POSTING], "next_cursor": None})

    data: list[LedgerPosting]
    next_cursor: str | None
