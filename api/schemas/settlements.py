"""Commissions, settlements and balances of vendors, on the wire; amounts in minor units."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, SecretStr, StringConstraints, model_validator

from api.schemas.base import (
    AT_EXAMPLE,
    ENUM_LIKE,
    CurrencyCode,
    Moment,
    Money,
    Schema,
    example,
    text,
)
from core.domain.settlements import LineKind
from core.domain.statuses import SettlementStatus

_VENDOR = "ven_01jd7x9k2me8kv1qzr5t0w3y4b"
_CATEGORY = "cat_01jd7x9k2me8kv1qzr5t0w3y4b"
_ORDER = "ord_01jd7x9k2me8kv1qzr5t0w3y4b"
_RULE = {"vendor_id": _VENDOR, "category_id": _CATEGORY, "basis_points": 1200}
_STORED_RULE = {
    "id": "com_01jd7x9k2me8kv1qzr5t0w3y4b",
    **_RULE,
    "created_at": AT_EXAMPLE,
    "updated_at": AT_EXAMPLE,
}
_BANK = {
    "type": "nuban",
    "name": "Ada Lovelace",
    "account_number": "0123456789",
    "bank_code": "058",
    "currency": "NGN",
}
Reason = Annotated[str, text(500, 0)]
GivenReason = Annotated[str, text(500)]
BasisPoints = Annotated[int, Field(strict=True, ge=0, le=10_000, description="1200 is 12 %")]


def _money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "USD"}


class CommissionRuleRequest(Schema):
    """The platform's part of what a vendor sells, of a category, or of both together.

    The rule of vendor and category beats the vendor's, which beats the category's; without either
    it is everybody's.
    """

    model_config = example({**_RULE, "reason": "the contract of 2026"})

    vendor_id: Annotated[str, text(64)] | None = None
    category_id: Annotated[str, text(64)] | None = None
    basis_points: BasisPoints
    reason: Reason = ""


class CommissionRuleChange(Schema):
    model_config = example({"basis_points": 1000, "reason": "the contract of 2027"})

    basis_points: BasisPoints
    reason: Reason = ""


class CommissionRule(Schema):
    model_config = example(_STORED_RULE)

    id: str
    vendor_id: str | None
    category_id: str | None
    basis_points: int
    created_at: Moment
    updated_at: Moment


class CommissionRulePage(Schema):
    model_config = example({"data": [_STORED_RULE], "next_cursor": None})

    data: list[CommissionRule]
    next_cursor: str | None


class BankAccount(Schema):
    """Where a vendor has an account, in the provider's words (``nuban`` in Nigeria).

    It goes to the provider and is stored nowhere.
    """

    model_config = example(_BANK)

    type: Annotated[str, StringConstraints(pattern=ENUM_LIKE)]
    name: Annotated[str, text(200)]
    account_number: Annotated[SecretStr, Field(min_length=4, max_length=34)]
    bank_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,20}$")]
    currency: CurrencyCode


class PayoutAccountRequest(Schema):
    """``account`` is the provider's id: a connected account at Stripe, a recipient at Paystack.

    A provider that makes such accounts takes ``bank`` instead, and keeps its own id of it.
    """

    model_config = example(
        {"provider": "stripe", "account": "acct_1NxYz2", "reason": "they moved their bank"},
        {"provider": "paystack", "bank": _BANK},
    )

    provider: Annotated[str, StringConstraints(pattern=ENUM_LIKE)]
    account: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,128}$")] | None = None
    bank: BankAccount | None = None
    reason: Reason = ""

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if (self.account is None) == (self.bank is None):
            raise ValueError("either account or bank")
        return self


class PayoutAccount(Schema):
    model_config = example({"vendor_id": _VENDOR, "provider": "stripe", "account": "acct_1NxYz2"})

    vendor_id: str
    provider: str
    account: str


class SettlementRequest(Schema):
    """What to settle: everything payable until ``until``, which is now unless it is sent.

    Without ``currency`` it is the one in which there is something to be paid.
    """

    model_config = example({"vendor_id": _VENDOR, "currency": "USD"})

    vendor_id: Annotated[str, text(64)]
    currency: CurrencyCode | None = None
    until: AwareDatetime | None = None


class Approve(Schema):
    model_config = example({"reason": "compared with the statement"})

    reason: Reason = ""


class Decide(Schema):
    model_config = example({"reason": "the vendor has closed the account"})

    reason: GivenReason


class Approval(Schema):
    model_config = example({"actor": "staff:usr_01jd7x9k2me8kv1qzr5t0w3y4b", "at": AT_EXAMPLE})

    actor: str
    at: Moment


class Wait(Schema):
    """What a settlement waits for, in words, and since when."""

    model_config = example(
        {"what": "approval", "detail": "1 of 2 people have approved it", "since": AT_EXAMPLE}
    )

    what: str
    detail: str
    since: Moment


_SETTLEMENT = {
    "id": "stl_01jd7x9k2me8kv1qzr5t0w3y4b",
    "vendor_id": _VENDOR,
    "status": "awaiting_approval",
    "period_start_at": "2026-11-15T09:30:00.000000Z",
    "period_end_at": AT_EXAMPLE,
    "opening": _money(2500),
    "sales": _money(19990),
    "refunds": _money(-1999),
    "disputes": _money(0),
    "adjustments": _money(0),
    "commission": _money(2159),
    "amount": _money(15832),
    "carried": _money(4100),
    "created_by": "system",
    "approvals_needed": 2,
    "provider": None,
    "provider_transfer_id": None,
    "waiting_for": {
        "what": "approval",
        "detail": "1 of 2 people have approved it",
        "since": AT_EXAMPLE,
    },
    "created_at": AT_EXAMPLE,
    "approved_at": None,
    "paid_at": None,
}
_LINE = {
    "at": AT_EXAMPLE,
    "kind": "sale",
    "order_id": _ORDER,
    "order_number": "P-100042",
    "gross": _money(1999),
    "commission": _money(240),
    "net": _money(1759),
}


class Settlement(Schema):
    """``amount`` = sales + refunds + disputes + adjustments - commission."""

    model_config = example(_SETTLEMENT)

    id: str
    vendor_id: str
    status: SettlementStatus
    period_start_at: Moment
    period_end_at: Moment
    opening: Money
    sales: Money
    refunds: Money
    disputes: Money
    adjustments: Money
    commission: Money
    amount: Money
    carried: Money
    created_by: str
    approvals_needed: int
    provider: str | None
    provider_transfer_id: str | None
    waiting_for: Wait | None
    created_at: Moment
    approved_at: Moment | None
    paid_at: Moment | None


class StatementLine(Schema):
    """A sale, refund, dispute or adjustment that the settlement pays or takes back."""

    model_config = example(_LINE)

    at: Moment
    kind: LineKind
    order_id: str | None
    order_number: str | None
    gross: Money
    commission: Money
    net: Money


class SettlementDetails(Settlement):
    model_config = example(
        {
            **_SETTLEMENT,
            "lines": [_LINE],
            "approvals": [{"actor": "staff:usr_01jd7x9k2me8kv1qzr5t0w3y4b", "at": AT_EXAMPLE}],
        }
    )

    lines: list[StatementLine]
    approvals: list[Approval]


class SettlementPage(Schema):
    model_config = example({"data": [_SETTLEMENT], "next_cursor": None})

    data: list[Settlement]
    next_cursor: str | None


_STATEMENT = {
    "settlement_id": "stl_01jd7x9k2me8kv1qzr5t0w3y4b",
    "vendor_id": _VENDOR,
    "vendor_name": "Harbor Apparel",
    "status": "paid",
    "currency": "USD",
    "period_start_at": "2026-11-15T09:30:00.000000Z",
    "period_end_at": AT_EXAMPLE,
    "opening": _money(2500),
    "earned": _money(17432),
    "lines": [_LINE],
    "sales": _money(19990),
    "refunds": _money(-1999),
    "disputes": _money(0),
    "adjustments": _money(0),
    "commission": _money(2159),
    "amount": _money(15832),
    "carried": _money(4100),
    "paid_at": AT_EXAMPLE,
}


class Statement(Schema):
    """``opening`` + ``earned`` = ``amount`` + ``carried``.

    ``earned`` is what the period's sales, refunds and disputes have added; ``carried`` is what
    stays owed: sales in their return window, and what a dispute or a return still decides.
    """

    model_config = example(_STATEMENT)

    settlement_id: str
    vendor_id: str
    vendor_name: str
    status: SettlementStatus
    currency: CurrencyCode
    period_start_at: Moment
    period_end_at: Moment
    opening: Money
    earned: Money
    lines: list[StatementLine]
    sales: Money
    refunds: Money
    disputes: Money
    adjustments: Money
    commission: Money
    amount: Money
    carried: Money
    paid_at: Moment | None


_BALANCE = {
    "vendor_id": _VENDOR,
    "owed": _money(19932),
    "payable": _money(0),
    "settling": _money(15832),
    "waiting": _money(4100),
    "held": _money(0),
}


class VendorBalance(Schema):
    """``owed`` = ``payable`` + ``settling`` + ``waiting``; negative is what the vendor owes.

    ``payable`` goes into the next settlement, ``settling`` is in one that is not paid yet,
    ``waiting`` is of orders that can still be returned, and ``held`` is held back for disputes.
    """

    model_config = example(_BALANCE)

    vendor_id: str
    owed: Money
    payable: Money
    settling: Money
    waiting: Money
    held: Money


class VendorBalanceList(Schema):
    model_config = example({"data": [_BALANCE], "next_cursor": None})

    data: list[VendorBalance]
    next_cursor: str | None


StatementFormat = Literal["json", "csv", "pdf"]
