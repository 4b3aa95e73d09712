"""Staff read the ledger: balances at the end of a day, postings with legs, a period as CSV."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from api.schemas.ledger import LedgerBalancePage, LedgerPostingPage
from core.domain.ids import Prefix, new_id
from core.domain.ledger import Account, Leg, PostingKind, credit, debit
from models.ledger import LedgerEntry, LedgerPosting
from tests.integration.api.conftest import Person, World

FIRST, LAST = "2001-02-03", "2001-02-04"
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


async def post(world: World, day: str, legs: list[Leg], **more: str) -> str:
    """Post as if it had been on that day, at noon (UTC)."""
    key = f"{new_id(Prefix.PAYMENT)}:test"
    async with world.database.transaction() as session:
        await session.execute(
            insert(LedgerPosting).values(
                key=key,
                kind=PostingKind.CAPTURE,
                currency="KWD",
                posted_at=datetime.fromisoformat(f"{day}T12:00:00+00:00"),
                **{"reference": "", **more},
            )
        )
        for position, leg in enumerate(legs):
            await session.execute(
                insert(LedgerEntry).values(
                    posting_key=key,
                    position=position,
                    account=leg.account,
                    holder=leg.holder,
                    item_id=leg.item_id,
                    currency="KWD",
                    amount=leg.amount,
                    posted_on=date.fromisoformat(day),
                )
            )
    return key


def sale(vendor: str, amount: int) -> list[Leg]:
    return [
        debit(Account.CUSTOMER_RECEIVABLE, amount),
        Leg(account=Account.VENDOR_PAYABLE, holder=vendor, item_id="itm_1", amount=5 - amount),
        credit(Account.COMMISSION, 5, vendor),
    ]


async def balances(world: World, staff: Person, **filters: Any) -> LedgerBalancePage:
    path = "/v1/admin/ledger/balances"
    answer = await world.client.get(path, params=filters, headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return LedgerBalancePage.model_validate_json(answer.content)


async def postings(world: World, staff: Person, **filters: Any) -> LedgerPostingPage:
    path = "/v1/admin/ledger/postings"
    answer = await world.client.get(path, params=filters, headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return LedgerPostingPage.model_validate_json(answer.content)


async def test_balances_are_those_of_the_end_of_a_day(world: World, staff: Person) -> None:
    vendor = new_id(Prefix.VENDOR)
    await post(world, FIRST, sale(vendor, 1005))
    await post(world, LAST, sale(vendor, 305))

    of = {"holder": vendor, "account": "vendor_payable"}
    first = await balances(world, staff, on=FIRST, **of)
    last = await balances(world, staff, on=LAST, **of)
    before = await balances(world, staff, on="2001-02-02", **of)

    assert before.data == []
    assert [(one.balance.amount, one.debits.amount, one.credits.amount) for one in first.data] == [
        (-1000, 0, 1000)
    ]
    assert [(one.balance.amount, one.debits.amount, one.credits.amount) for one in last.data] == [
        (-1300, 0, 300)
    ]
    assert last.data[0].balance.currency == "KWD"


async def test_balances_come_in_pages_by_account(world: World, staff: Person) -> None:
    vendor = new_id(Prefix.VENDOR)
    await post(world, FIRST, sale(vendor, 1005))

    first = await balances(world, staff, holder=vendor, currency="KWD", limit=1)
    rest = await balances(
        world, staff, holder=vendor, currency="KWD", limit=1, cursor=first.next_cursor
    )

    assert [one.account for one in (*first.data, *rest.data)] == ["commission", "vendor_payable"]
    assert rest.next_cursor is None


async def test_postings_are_filtered_and_paged_the_newest_first(
    world: World, staff: Person
) -> None:
    order_id, vendor = new_id(Prefix.ORDER), new_id(Prefix.VENDOR)
    older = await post(world, FIRST, sale(vendor, 105), order_id=order_id)
    newer = await post(world, LAST, sale(vendor, 205), order_id=order_id)

    first = await postings(world, staff, order_id=order_id, limit=1)
    rest = await postings(world, staff, order_id=order_id, limit=1, cursor=first.next_cursor)
    of_a_day = await postings(world, staff, order_id=order_id, to=FIRST)
    with_account = await postings(
        world, staff, order_id=order_id, account="commission", **{"from": LAST}
    )
    without = await postings(world, staff, order_id=order_id, account="bank")

    assert [one.key for one in (*first.data, *rest.data)] == [newer, older]
    assert rest.next_cursor is None
    assert [one.key for one in of_a_day.data] == [older]
    assert [one.key for one in with_account.data] == [newer]
    assert without.data == []
    assert [(leg.account, leg.item_id, leg.amount.amount) for leg in rest.data[0].legs] == [
        ("customer_receivable", None, 105),
        ("vendor_payable", "itm_1", -100),
        ("commission", None, -5),
    ]


async def test_export_has_a_row_for_each_leg_and_no_formulas(world: World, staff: Person) -> None:
    vendor = new_id(Prefix.VENDOR)
    day = "2001-03-04"
    key = await post(world, day, sale(vendor, 12345), reference=FORMULA)
    await post(world, "2001-03-05", sale(vendor, 12345))

    answer = await world.client.get(
        "/v1/admin/ledger/export", params={"from": day, "to": day}, headers=staff.headers
    )

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="ledger-{day}-{day}.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(row["account"], row["debit"], row["credit"]) for row in rows] == [
        ("customer_receivable", "12.345", ""),
        ("vendor_payable", "", "12.340"),
        ("commission", "", "0.005"),
    ]
    assert {row["posting"] for row in rows} == {key}
    assert {row["reference"] for row in rows} == {f"'{FORMULA}"}
    assert {row["posted_at"] for row in rows} == {"2001-03-04T12:00:00.000000Z"}
    assert answer.text.count("\r\n") == 4


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("balances", {"account": "petty_cash"}),
        ("balances", {"on": "yesterday"}),
        ("postings", {"from": "2001-02-30"}),
        ("export", {"from": FIRST}),
    ],
)
async def test_filter_that_makes_no_sense_is_refused(
    world: World, staff: Person, path: str, params: dict[str, str]
) -> None:
    answer = await world.client.get(
        f"/v1/admin/ledger/{path}", params=params, headers=staff.headers
    )

    assert answer.status_code == 422


@pytest.mark.parametrize("path", ["balances", "postings", "export?from=2001-01-01&to=2001-01-01"])
async def test_ledger_is_for_staff_only(world: World, path: str) -> None:
    customer = await world.person()

    refused = await world.client.get(f"/v1/admin/ledger/{path}", headers=customer.headers)
    nobody = await world.client.get(f"/v1/admin/ledger/{path}")

    assert (refused.status_code, nobody.status_code) == (403, 401)
