"""The ledger of payments that are older than the ledger: posted as they would have been.

Each gets the keys that its own steps would have given, so what happens to it next follows on. The
day of all of it is the day of the upgrade. Nobody had a commission then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection, RowMapping, text

from core.domain.amounts import LineAmounts
from core.domain.ledger import Account, Leg, Posting, PostingKind, credit, debit
from core.domain.sales import (
    SHIPPING,
    SHIPPING_TAX,
    Refunded,
    Slot,
    SoldLine,
    TakenItem,
    credits_of,
    debits_of,
    part_of,
    sale_of_parcel,
    taken_back,
)

BATCH = 500
"""Orders that are read and posted at once."""

_ORDERS = text("""
SELECT o.id, o.currency, o.tax_included, o.shipping_amount, o.shipping_discount_amount,
    o.shipping_tax_amount
FROM orders o
WHERE o.id > :after AND EXISTS (
    SELECT FROM payments p WHERE p.order_id = o.id AND p.authorized_amount > 0
      AND p.status NOT IN ('voided', 'failed'))
ORDER BY o.id LIMIT :batch
""")
_PAYMENTS = text("""
SELECT order_id, id, provider, authorized_amount, captured_amount FROM payments
WHERE order_id = ANY(:ids) AND authorized_amount > 0 AND status NOT IN ('voided', 'failed')
ORDER BY order_id, attempt
""")
_CAPTURES = text("""
SELECT p.order_id, p.id AS payment_id, p.provider, c.number, c.amount,
    coalesce(s.capture_amount, c.amount) AS parcel_amount,
    coalesce(s.purpose = 'order' AND s.status <> 'canceled', false) AS counts
FROM captures c JOIN payments p ON p.id = c.payment_id
LEFT JOIN shipments s ON s.order_id = p.order_id AND s.number = c.number
WHERE p.order_id = ANY(:ids) AND c.status = 'captured' AND p.status NOT IN ('voided', 'failed')
ORDER BY p.order_id, c.number, p.attempt
""")
_CONTENTS = text("""
SELECT s.order_id, s.number, i.id AS item_id, i.vendor_id, i.kind, si.quantity AS units,
    i.quantity, i.total_amount, i.discount_amount, i.tax_amount
FROM shipments s JOIN shipment_items si ON si.shipment_id = s.id
JOIN order_items i ON i.id = si.item_id
WHERE s.order_id = ANY(:ids) ORDER BY s.order_id, i.position
""")
_REFUNDS = text("""
SELECT r.order_id, r.id, r.amount AS whole, r.items, p.payment_id, p.amount,
    coalesce(p.provider_refund_id, '') AS provider_refund_id, pay.provider
FROM refunds r JOIN refund_parts p ON p.refund_id = r.id JOIN payments pay ON pay.id = p.payment_id
WHERE r.order_id = ANY(:ids) AND p.status = 'succeeded' ORDER BY r.order_id, r.id, pay.attempt
""")
_POST = text("""
WITH posting AS (
    INSERT INTO ledger_postings (key, kind, currency, order_id, reference)
    SELECT * FROM jsonb_to_recordset(CAST(:postings AS jsonb))
        AS p (key text, kind text, currency text, order_id text, reference text)
)
INSERT INTO ledger_entries (posting_key, position, account, holder, item_id, currency, amount)
SELECT * FROM jsonb_to_recordset(CAST(:entries AS jsonb)) AS e (posting_key text, position int,
    account text, holder text, item_id text, currency text, amount bigint)
""")


@dataclass(kw_only=True)
class _Order:
    """One order as it stands, and what of it is divided so far."""

    row: RowMapping
    payments: list[RowMapping] = field(default_factory=list)
    captures: list[RowMapping] = field(default_factory=list)
    contents: list[RowMapping] = field(default_factory=list)
    refunds: list[RowMapping] = field(default_factory=list)
    sales: dict[int, dict[Slot, int]] = field(default_factory=dict)
    """By the number of the parcel."""
    taken: dict[str, dict[Slot, int]] = field(default_factory=dict)
    """By the refund."""

    def postings(self) -> list[Posting]:
        """What would have been posted for it, in an order that it could have happened in."""
        posted = [self._authorized(one) for one in self.payments]
        posted += [self._captured(one) for one in self.captures]
        return posted + [self._refunded(one) for one in self.refunds]

    def _authorized(self, payment: RowMapping) -> Posting:
        amount = payment["authorized_amount"]
        legs = [
            debit(Account.AUTHORIZED, amount, payment["provider"]),
            credit(Account.AUTHORIZATIONS, amount),
        ]
        key = f"{payment['id']}:authorized"
        return self._posting(key, PostingKind.AUTHORIZATION, payment["id"], legs)

    def _captured(self, capture: RowMapping) -> Posting:
        number, amount, provider = capture["number"], capture["amount"], capture["provider"]
        others = {
            one["number"] for one in self.captures if one["counts"] and one["number"] in self.sales
        } - {number}
        if not capture["counts"]:
            others = set()
        own = self.sales.setdefault(number, {})
        until = sum(own.values()) + amount
        full = sale_of_parcel(
            max(until, capture["parcel_amount"]),
            self._lines({number} | others),
            self._shipping(),
            _sum(self.sales[one] for one in others),
        )
        sale = part_of(full, until, own)
        self.sales[number] = _sum([own, sale])
        legs = [
            debit(Account.PROVIDER_BALANCE, amount, provider),
            credit(Account.CUSTOMER_RECEIVABLE, amount),
            debit(Account.AUTHORIZATIONS, amount),
            credit(Account.AUTHORIZED, amount, provider),
            debit(Account.CUSTOMER_RECEIVABLE, amount),
            *credits_of(sale),
        ]
        payment_id = capture["payment_id"]
        return self._posting(
            f"{payment_id}:capture:{number}", PostingKind.CAPTURE, payment_id, legs
        )

    def _refunded(self, part: RowMapping) -> Posting:
        own = self.taken.setdefault(part["id"], {})
        others = _sum(one for refund, one in self.taken.items() if refund != part["id"])
        left = _sum([*self.sales.values(), {slot: -amount for slot, amount in others.items()}])
        shipped = left.get(SHIPPING, 0) + left.get(SHIPPING_TAX, 0)
        refund = Refunded(
            amount=part["whole"],
            items=self._items(part),
            leaves_nothing=sum(left.values()) == part["whole"],
            overtaken_shipping=max(shipped - self._shipping().due, 0),
        )
        taken = part_of(taken_back(refund, left), sum(own.values()) + part["amount"], own)
        self.taken[part["id"]] = _sum([own, taken])
        legs = [
            *debits_of(taken),
            credit(Account.PROVIDER_BALANCE, part["amount"], part["provider"]),
        ]
        key = f"{part['id']}:{part['payment_id']}:refunded:{part['provider_refund_id']}"
        return self._posting(key, PostingKind.REFUND, part["id"], legs)

    def _posting(self, key: str, kind: PostingKind, reference: str, legs: Sequence[Leg]) -> Posting:
        currency, order_id = self.row["currency"], self.row["id"]
        return Posting(
            key=key,
            kind=kind,
            currency=currency,
            legs=legs,
            order_id=order_id,
            reference=reference,
        )

    def _shipping(self) -> LineAmounts:
        return LineAmounts(
            quantity=1,
            total=self.row["shipping_amount"],
            discount=self.row["shipping_discount_amount"],
            tax=self.row["shipping_tax_amount"],
            tax_included=self.row["tax_included"],
        )

    def _lines(self, numbers: set[int]) -> list[SoldLine]:
        rows = [row for row in self.contents if row["number"] in numbers]
        units: dict[str, int] = {}
        for row in rows:
            units[row["item_id"]] = units.get(row["item_id"], 0) + row["units"]
        return [
            SoldLine(
                item_id=item_id,
                vendor_id=row["vendor_id"],
                amounts=LineAmounts(
                    quantity=row["quantity"],
                    total=row["total_amount"],
                    discount=row["discount_amount"],
                    tax=row["tax_amount"],
                    tax_included=self.row["tax_included"],
                ).slice(0, min(units[item_id], row["quantity"])),
            )
            for item_id, row in {row["item_id"]: row for row in rows}.items()
        ]

    def _items(self, part: RowMapping) -> list[TakenItem]:
        before = [one for one in self.refunds if one["id"] in self.taken and one["id"] < part["id"]]
        credited = _units(one["items"] for one in {one["id"]: one for one in before}.values())
        paid = {one["number"] for one in self.captures}
        wanted = _units([part["items"]])
        return [
            TakenItem(
                item_id=item_id,
                vendor_id=row["vendor_id"],
                units=wanted[item_id],
                left=max(
                    sum(
                        one["units"]
                        for one in self.contents
                        if one["item_id"] == item_id and one["number"] in paid
                    )
                    - credited.get(item_id, 0),
                    wanted[item_id],
                ),
                in_exchange=row["kind"] == "exchange",
            )
            for item_id, row in {row["item_id"]: row for row in self.contents}.items()
            if wanted.get(item_id, 0) > 0
        ]


def carry_over(connection: Connection) -> None:
    """Post what is authorized, captured and refunded already."""
    after = ""
    while True:
        rows = connection.execute(_ORDERS, {"after": after, "batch": BATCH}).mappings().all()
        if not rows:
            return
        orders = {row["id"]: _Order(row=row) for row in rows}
        for sql, name in (
            (_PAYMENTS, "payments"),
            (_CAPTURES, "captures"),
            (_CONTENTS, "contents"),
            (_REFUNDS, "refunds"),
        ):
            for one in connection.execute(sql, {"ids": list(orders)}).mappings():
                getattr(orders[one["order_id"]], name).append(one)
        _write(connection, [one for order in orders.values() for one in order.postings()])
        after = rows[-1]["id"]


def _write(connection: Connection, postings: Sequence[Posting]) -> None:
    entries = [
        {
            "posting_key": one.key,
            "position": n,
            "account": leg.account,
            "holder": leg.holder,
            "item_id": leg.item_id,
            "currency": one.currency,
            "amount": leg.amount,
        }
        for one in postings
        for n, leg in enumerate(leg for leg in one.legs if leg.amount)
    ]
    heads = [
        {
            "key": one.key,
            "kind": one.kind,
            "currency": one.currency,
            "order_id": one.order_id,
            "reference": one.reference,
        }
        for one in postings
    ]
    connection.execute(
        _POST, {"postings": orjson.dumps(heads).decode(), "entries": orjson.dumps(entries).decode()}
    )


def _sum(shares: Iterable[dict[Slot, int]]) -> dict[Slot, int]:
    total: dict[Slot, int] = {}
    for one in shares:
        for slot, amount in one.items():
            total[slot] = total.get(slot, 0) + amount
    return total


def _units(items: Iterable[Sequence[dict[str, Any]]]) -> dict[str, int]:
    units: dict[str, int] = {}
    for one in (one for refund in items for one in refund):
        units[one["item_id"]] = units.get(one["item_id"], 0) + one["quantity"]
    return units
