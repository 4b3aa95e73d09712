"""A statement for spreadsheets: one row for each line, amounts in major units."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from api.rendering import order_number
from core.domain.money import Money
from models.repositories.settlement_views import StatementLine
from models.settlements import Settlement

HEADER = ("kind", "date", "order_number", "order_id", "gross", "commission", "net", "currency")


def as_csv(settlement: Settlement, lines: Sequence[StatementLine]) -> bytes:
    """Return the statement as CSV (RFC 4180, UTF-8).

    The lines come between the opening balance and their total; what the period has earned, what is
    carried over and what is paid follow.
    """
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\r\n")
    rows.writerow(HEADER)
    start, end = settlement.period_start_at.date(), settlement.period_end_at.date()
    earned = settlement.amount + settlement.carried_amount - settlement.opening_amount
    rows.writerow(_summary(settlement, "opening_balance", settlement.opening_amount, start))
    for line in lines:
        number = "" if line.order_number is None else order_number(line.order_number)
        amounts = [
            _decimal(settlement, amount) for amount in (line.gross, line.commission, line.net)
        ]
        rows.writerow(
            [
                line.kind,
                line.at.date().isoformat(),
                number,
                line.order_id or "",
                *amounts,
                settlement.currency,
            ]
        )
    gross = settlement.amount + settlement.commission_amount
    total = _summary(settlement, "total", settlement.amount, end)
    total[4:6] = _decimal(settlement, gross), _decimal(settlement, settlement.commission_amount)
    rows.writerow(total)
    rows.writerow(_summary(settlement, "earned_in_period", earned, end))
    rows.writerow(_summary(settlement, "carried_over", settlement.carried_amount, end))
    paid = settlement.paid_at.date() if settlement.paid_at else ""
    rows.writerow(_summary(settlement, "paid", settlement.amount if paid else 0, paid))
    return file.getvalue().encode()


def _summary(settlement: Settlement, kind: str, amount: int, day: object) -> list[str]:
    return [
        kind, str(day), "", "", "", "", _decimal(settlement, amount), settlement.currency
    ]  # fmt: skip


def _decimal(settlement: Settlement, amount: int) -> str:
    return Money(amount=amount, currency=settlement.currency).decimal()
