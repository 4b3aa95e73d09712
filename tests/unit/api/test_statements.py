"""What stands on a statement, read back from the file itself."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from api.statements.csv_form import as_csv
from api.statements.pdf_form import as_pdf
from core.domain.settlements import LineKind
from models.repositories.settlement_views import SettlementView, StatementLine
from models.settlements import Settlement

END = datetime(2026, 11, 23, tzinfo=UTC)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\) Tj")


def words(pdf: bytes) -> list[str]:
    """The pieces of text on the pages, in their order; for the core fonts only."""
    pages = []
    for stream in _STREAM.findall(pdf):
        try:
            pages.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return [
        re.sub(rb"\\(.)", rb"\1", piece).decode("latin-1")
        for page in pages
        for piece in _SHOWN.findall(page)
    ]


def view(currency: str = "USD", name: str = "Weaver & Sons") -> SettlementView:
    settlement = Settlement(
        id="stl_01jd7x9k2me8kv1qzr5t0w3y4b",
        vendor_id="ven_01jd7x9k2me8kv1qzr5t0w3y4b",
        currency=currency,
        period_start_at=END - timedelta(days=7),
        period_end_at=END,
        status="paid",
        sales_amount=1_234_500,
        refunds_amount=-34_500,
        commission_amount=120_000,
        disputes_amount=0,
        adjustments_amount=0,
        amount=1_080_000,
        opening_amount=25_000,
        carried_amount=-1_005,
        provider="stripe",
        provider_transfer_id="tr_1",
        paid_at=END,
        updated_at=END,
    )
    return SettlementView(settlement=settlement, vendor_name=name, approvals=[])


def lines(number: int) -> list[StatementLine]:
    return [
        StatementLine(
            at=END - timedelta(days=20),
            kind=LineKind.SALE,
            order_id="ord_01jd7x9k2me8kv1qzr5t0w3y4b",
            order_number=100_042 + n,
            reference="",
            gross=123_456,
            commission=12_346,
            net=111_110,
        )
        for n in range(number)
    ]


def test_pdf_shows_who_is_paid_what_and_why() -> None:
    shown = words(as_pdf(view(), lines(1), None))

    for piece in (
        "Settlement statement", "Weaver & Sons", "2026-11-16 to 2026-11-23 (UTC)",
        "Paid on 2026-11-23", "12,345.00 USD", "-345.00 USD", "-1,200.00 USD", "10,800.00 USD",
        "250.00 USD", "10,539.95 USD", "-10.05 USD", "P-100042", "1,234.56", "-123.46", "1,111.10",
        "Page 1 of ",
    ):  # fmt: skip
        assert piece in shown, piece


def test_pdf_repeats_its_heading_and_numbers_its_pages() -> None:
    shown = words(as_pdf(view(), lines(100), None))

    pages = [n for n, piece in enumerate(shown) if piece.startswith("Page ")]
    assert ["".join(shown[n : n + 2]) for n in pages] == [
        "Page 1 of 4", "Page 2 of 4", "Page 3 of 4", "Page 4 of 4"
    ]  # fmt: skip
    assert shown.count("Commission") == 5, "a sum, and a heading on each page"
    assert {f"P-{100_042 + n}" for n in range(100)} <= set(shown)


@pytest.mark.parametrize(
    ("currency", "amount"), [("JPY", "1,080,000 JPY"), ("KWD", "1,080.000 KWD")]
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, amount: str) -> None:
    assert amount in words(as_pdf(view(currency), [], None))
    total = as_csv(view(currency).settlement, []).decode().splitlines()[2]
    assert total == f"total,2026-11-23,,,1200{_zeros(currency)}"


def _zeros(currency: str) -> str:
    """The end of the total of 1200000 less 120000 minor units."""
    return {"JPY": "000,120000,1080000,JPY", "KWD": ".000,120.000,1080.000,KWD"}[currency]


def test_letters_that_the_font_lacks_are_written_plainly() -> None:
    name = "Łódzkie Tkalnie – “Kraków” & Søn 織"  # noqa: RUF001  # the dash is meant
    shown = words(as_pdf(view(name=name), [], None))

    assert 'Lódzkie Tkalnie - "Kraków" & Søn ?' in shown


def test_csv_adds_up() -> None:
    rows = [row.split(",") for row in as_csv(view().settlement, lines(2)).decode().splitlines()]
    by_kind = {row[0]: row[6] for row in rows}

    assert rows[0] == [
        "kind", "date", "order_number", "order_id", "gross", "commission", "net", "currency"
    ]  # fmt: skip
    assert rows[2][:5] == [
        "sale", "2026-11-03", "P-100042", "ord_01jd7x9k2me8kv1qzr5t0w3y4b", "1234.56"
    ]  # fmt: skip
    assert by_kind == {
        "kind": "net",
        "opening_balance": "250.00",
        "sale": "1111.10",
        "total": "10800.00",
        "earned_in_period": "10539.95",
        "carried_over": "-10.05",
        "paid": "10800.00",
    }
