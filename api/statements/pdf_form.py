"""A statement on paper: A4, a table over as many pages as it takes, each with its number."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from fpdf import FPDF, XPos, YPos
from fpdf.enums import TableBordersLayout, TextEmphasis
from fpdf.fonts import FontFace, TTFFont

from api.rendering import order_number
from core.domain.money import Money
from core.domain.statuses import SettlementStatus
from models.repositories.settlement_views import SettlementView, StatementLine
from models.settlements import Settlement

_CORE_FONT = "Helvetica"
_OWN_FONT = "Statement"
_LAST_OF_LATIN1 = 0xFF
_WRITTEN_PLAINLY = str.maketrans("–—‘’“”łŁđĐıŒœ", "--''\"\"lLdDiOo")  # noqa: RUF001  # those are meant
_MARGIN_MM = 18
_SUMS_MM = 100
_INK, _GREY, _LIGHT = (28, 32, 38), (110, 116, 124), (241, 243, 245)
_KINDS = {"sale": "Sale", "refund": "Refund", "dispute": "Dispute", "adjustment": "Adjustment"}
_STATES = {
    SettlementStatus.PAID: "Paid",
    SettlementStatus.PAYING: "Being paid",
    SettlementStatus.FAILED: "The payment failed",
    SettlementStatus.APPROVED: "Approved, not paid yet",
}


class _Statement(FPDF):
    """Pages with a foot; text in the font that was given, or in Latin-1."""

    def __init__(self, settlement_id: str, font: Path | None) -> None:
        super().__init__(format="A4")
        self._settlement_id = settlement_id
        self._unicode = font is not None
        self.face = _OWN_FONT if font is not None else _CORE_FONT
        if font is not None:
            for style in ("", "B"):
                self.add_font(_OWN_FONT, style, font)
        self.set_margin(_MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=_MARGIN_MM + 6)
        self.set_title(f"Statement {settlement_id}")
        self.set_creator("Perdure")
        self.set_text_color(*_INK)

    def footer(self) -> None:
        self.set_y(-_MARGIN_MM)
        self.set_font(self.face, size=8)
        self.set_text_color(*_GREY)
        half = self.epw / 2
        self.cell(half, 5, self._settlement_id)
        self.cell(half, 5, f"Page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(*_INK)

    def words(self, text: str) -> str:
        """The text as the font has it: what it lacks is written plainly, or as a question mark."""
        has = self._has if self._unicode else _is_latin1
        return "".join(letter if has(letter) else _plain(letter) for letter in text).strip()

    def _has(self, letter: str) -> bool:
        font = self.fonts[_OWN_FONT.lower()]
        return isinstance(font, TTFFont) and ord(letter) in font.cmap

    def put(self, text: str, *, size: int, bold: bool = False, grey: bool = False) -> None:
        """Write a paragraph over the whole width; ``size`` in points."""
        self.set_font(self.face, "B" if bold else "", size)
        self.set_text_color(*(_GREY if grey else _INK))
        self.multi_cell(
            0, size * 0.5, self.words(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        self.set_text_color(*_INK)


def as_pdf(view: SettlementView, lines: Sequence[StatementLine], font: Path | None) -> bytes:
    """Return the statement as PDF; CPU for some milliseconds per page, so call it in a thread.

    Args:
        view: the settlement and its vendor's name.
        lines: what it pays.
        font: a TrueType font with the letters that vendors' names need; None for Latin-1.
    """
    settlement = view.settlement
    pdf = _Statement(settlement.id, font)
    pdf.set_creation_date(settlement.updated_at)
    pdf.add_page()
    _head(pdf, view)
    _summary(pdf, settlement)
    pdf.ln(6)
    if lines:
        _table(pdf, settlement, lines)
    else:
        pdf.put("There is nothing in this settlement.", size=10)
    return bytes(pdf.output())


def _head(pdf: _Statement, view: SettlementView) -> None:
    settlement = view.settlement
    pdf.put("Settlement statement", size=20, bold=True)
    pdf.ln(3)
    pdf.put(view.vendor_name, size=12, bold=True)
    pdf.put(settlement.vendor_id, size=9, grey=True)
    pdf.ln(3)
    paid = settlement.paid_at
    status = SettlementStatus(settlement.status)
    facts = (
        ("Period", f"{_day(settlement.period_start_at)} to {_day(settlement.period_end_at)} (UTC)"),
        ("Currency", settlement.currency),
        ("State", f"Paid on {_day(paid)}" if paid else _STATES.get(status, "Not approved yet")),
        ("Transfer", settlement.provider_transfer_id or ""),
    )
    for name, value in facts:
        if value:
            pdf.set_font(pdf.face, size=9)
            pdf.set_text_color(*_GREY)
            pdf.cell(26, 5, name)
            pdf.set_text_color(*_INK)
            pdf.cell(0, 5, pdf.words(value), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(5)


def _summary(pdf: _Statement, settlement: Settlement) -> None:
    """What was paid and why, and how the account stands before and after."""
    earned = settlement.amount + settlement.carried_amount - settlement.opening_amount
    paid = "Paid" if settlement.paid_at else "To be paid"
    sums = [
        ("Sales", settlement.sales_amount),
        ("Refunds", settlement.refunds_amount),
        ("Disputes", settlement.disputes_amount),
        ("Adjustments", settlement.adjustments_amount),
        ("Commission", -settlement.commission_amount),
    ]
    account = [
        ("Opening balance", settlement.opening_amount),
        ("Earned in the period", earned),
        (paid, -settlement.amount),
        ("Carried over to the next period", settlement.carried_amount),
    ]
    pdf.put("This settlement", size=11, bold=True)
    _sums(pdf, settlement, [*sums, (paid, settlement.amount)])
    pdf.ln(4)
    pdf.put("Your account", size=11, bold=True)
    _sums(pdf, settlement, account)
    pdf.put(
        "Carried over are sales that can still be returned, and what an open return or dispute "
        "decides.",
        size=8,
        grey=True,
    )


def _sums(pdf: _Statement, settlement: Settlement, rows: Sequence[tuple[str, int]]) -> None:
    """Names and amounts, the last one as their result."""
    for number, (name, amount) in enumerate(rows, start=1):
        result = number == len(rows)
        pdf.set_font(pdf.face, "B" if result else "", 10)
        if result:
            y = pdf.get_y() + 0.5
            pdf.set_draw_color(*_GREY)
            pdf.line(pdf.l_margin, y, pdf.l_margin + _SUMS_MM, y)
            pdf.ln(1)
        pdf.cell(_SUMS_MM - 40, 5.5, name)
        shown = f"{_decimal(settlement, amount)} {settlement.currency}"
        pdf.cell(40, 5.5, shown, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _table(pdf: _Statement, settlement: Settlement, lines: Sequence[StatementLine]) -> None:
    pdf.put("What it is made of", size=11, bold=True)
    pdf.ln(1)
    pdf.set_font(pdf.face, size=9)
    pdf.set_draw_color(*_LIGHT)
    heading = FontFace(emphasis=TextEmphasis.B, color=_INK, fill_color=_LIGHT)
    with pdf.table(
        align="LEFT",
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=(24, 28, 40, 26, 28, 28),
        headings_style=heading,
        line_height=6,
        text_align=("LEFT", "LEFT", "LEFT", "RIGHT", "RIGHT", "RIGHT"),
    ) as table:
        table.row(("Date", "Kind", "Order", "Gross", "Commission", "Net"))
        for line in lines:
            order = "" if line.order_number is None else order_number(line.order_number)
            # What is shown is what the settlement adds: gross less commission is net.
            amounts = (line.gross, -line.commission, line.net)
            cells = [_decimal(settlement, amount) for amount in amounts]
            table.row((_day(line.at), _KINDS[line.kind], order, *cells))
        bold = FontFace(emphasis=TextEmphasis.B)
        sums = (
            settlement.amount + settlement.commission_amount,
            -settlement.commission_amount,
            settlement.amount,
        )
        table.row(("Total", "", "", *(_decimal(settlement, amount) for amount in sums)), style=bold)


def _is_latin1(letter: str) -> bool:
    return ord(letter) <= _LAST_OF_LATIN1


def _plain(letter: str) -> str:
    """What stands for a letter that the font lacks: without its accent, or a question mark."""
    known = unicodedata.normalize("NFKD", letter.translate(_WRITTEN_PLAINLY))
    return "".join(one for one in known if one.isascii()) or "?"


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _decimal(settlement: Settlement, amount: int) -> str:
    return Money(amount=amount, currency=settlement.currency).decimal(separator=",")
