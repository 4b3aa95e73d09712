"""Staff settle with vendors over HTTP; vendors read their own statements and nobody else's."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.schemas.settlements import (
    CommissionRule,
    SettlementDetails,
    SettlementPage,
    Statement,
    VendorBalanceList,
)
from core.domain.ids import Prefix, new_id
from core.domain.statuses import OrderStatus
from core.logs import quieten_libraries
from models.repositories import audit
from tests.eventually import eventually
from tests.integration.api.conftest import Person, World
from tests.integration.api.test_parcels import headers_of_vendor
from tests.vendor_books import VendorBooks

pytestmark = pytest.mark.usefixtures("workers")


@pytest.fixture
async def staff(world: World) -> Person:
    return await world.person("staff")


@pytest.fixture
async def colleague(world: World) -> Person:
    return await world.person("staff")


@pytest.fixture
async def books(world: World) -> VendorBooks:
    return await VendorBooks(database=world.database).open()


async def post(
    world: World, person: Person, path: str, body: Mapping[str, Any], key: str | None = None
) -> httpx.Response:
    headers = {**person.headers, "Idempotency-Key": key or new_id(Prefix.EVENT)}
    return await world.client.post(f"/v1/admin/{path}", json=dict(body), headers=headers)


async def get(world: World, headers: Mapping[str, str], path: str) -> httpx.Response:
    return await world.client.get(f"/v1/{path}", headers=dict(headers))


async def drawn_up(world: World, person: Person, books: VendorBooks) -> dict[str, Any]:
    answer = await post(world, person, "settlements", {"vendor_id": books.vendor_id})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def statuses(world: World, person: Person, settlement_id: str) -> str:
    answer = await get(world, person.headers, f"admin/settlements/{settlement_id}")
    SettlementDetails.model_validate_json(answer.content)
    return str(answer.json()["status"])


async def test_settlement_by_hand_is_approved_by_a_colleague_and_paid(
    world: World, staff: Person, colleague: Person, books: VendorBooks
) -> None:
    order_id = await books.order()
    await books.sale(order_id, 1_759, commission=240)
    await books.sale(await books.order(OrderStatus.DELIVERED), 500)
    asked = {"vendor_id": books.vendor_id}

    made = await post(world, staff, "settlements", asked, key=books.vendor_id)
    again = await post(world, staff, "settlements", asked, key=books.vendor_id)

    assert (made.status_code, again.status_code) == (201, 201)
    assert (again.content, again.headers["Idempotency-Replayed"]) == (made.content, "true")
    body = made.json()
    assert made.headers["Location"] == f"/v1/admin/settlements/{body['id']}"
    assert (body["status"], body["amount"], body["carried"]) == (
        "awaiting_approval",
        {"amount": 1_759, "currency": "USD"},
        {"amount": 500, "currency": "USD"},
    )
    assert body["waiting_for"]["detail"] == "1 person has to approve it"
    approve = f"settlements/{body['id']}/approve"
    own = await post(world, staff, approve, {})
    assert (own.status_code, own.json()["state"], own.json()["allowed"]) == (
        409,
        "awaiting_approval, and you have drawn it up",
        ["approval by somebody else"],
    )
    approved = await post(world, colleague, approve, {"reason": "compared"})
    assert approved.status_code == 200, approved.text
    assert [one["actor"] for one in approved.json()["approvals"]] == [f"staff:{colleague.user_id}"]
    (line,) = approved.json()["lines"]
    assert (line["kind"], line["order_id"], line["gross"]["amount"]) == ("sale", order_id, 1_999)
    await eventually(lambda: statuses(world, staff, body["id"]), lambda status: status == "paid")
    late = await post(world, staff, f"settlements/{body['id']}/cancel", {"reason": "no"})
    assert (late.status_code, late.json()["state"]) == (409, "paid")
    actions = [one.action for one in await audit.list_entries(
        world.database, limit=9, target=body["id"]
    )]  # fmt: skip
    assert actions == ["settlement.approve", "settlement.drawn_up"]


async def test_canceled_settlement_goes_to_the_next_one(
    world: World, staff: Person, books: VendorBooks
) -> None:
    await books.adjustment(900)
    first = await drawn_up(world, staff, books)

    canceled = await post(
        world, staff, f"settlements/{first['id']}/cancel", {"reason": "a day too early"}
    )

    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert canceled.json()["lines"] == []
    statement = await get(world, staff.headers, f"admin/settlements/{first['id']}/statement")
    assert (statement.status_code, statement.json()["state"]) == (409, "canceled")
    later = {"vendor_id": books.vendor_id, "until": first["period_end_at"]}
    same = await post(world, staff, "settlements", later)
    assert (same.status_code, same.json()["status"]) == (201, "canceled")
    seen = await get(
        world, staff.headers, f"admin/settlements?vendor_id={books.vendor_id}&status=canceled"
    )
    SettlementPage.model_validate_json(seen.content)
    assert [one["id"] for one in seen.json()["data"]] == [first["id"]]


async def test_vendor_who_owes_gets_no_settlement_and_is_shown(
    world: World, staff: Person, books: VendorBooks
) -> None:
    await books.refund(None, 300)

    answer = await post(world, staff, "settlements", {"vendor_id": books.vendor_id})

    assert (answer.status_code, answer.json()["state"]) == (409, "nothing to be paid")
    page = await get(world, staff.headers, "admin/vendor-balances?owing=true&limit=100")
    VendorBalanceList.model_validate_json(page.content)
    (own,) = [one for one in page.json()["data"] if one["vendor_id"] == books.vendor_id]
    assert (own["owed"]["amount"], own["payable"]["amount"]) == (-300, -300)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"vendor_id": new_id(Prefix.VENDOR)}, "/vendor_id"),
        ({"until": "2999-01-01T00:00:00Z"}, "/until"),
        ({"until": "2026-01-01T00:00:00"}, "/until"),
        ({"currency": "usd"}, "/currency"),
        ({"amount": 5}, "/amount"),
    ],
)
async def test_settlement_at_fault_is_named_and_not_made(
    world: World, staff: Person, books: VendorBooks, change: dict[str, Any], pointer: str
) -> None:
    await books.adjustment(5)

    answer = await post(world, staff, "settlements", {"vendor_id": books.vendor_id, **change})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    seen = await get(world, staff.headers, f"admin/settlements?vendor_id={books.vendor_id}")
    assert seen.json()["data"] == []


async def test_vendor_reads_its_own_settlements_and_balance_alone(
    world: World, staff: Person, books: VendorBooks
) -> None:
    other = await VendorBooks(database=world.database).open()
    await books.sale(await books.order(), 1_759, commission=240)
    await books.sale(await books.order(OrderStatus.DELIVERED), 500)
    made = await drawn_up(world, staff, books)
    own, foreign = (headers_of_vendor(world, one.vendor_id) for one in (books, other))
    statement = f"vendor/settlements/{made['id']}/statement"

    listed = await get(world, own, "vendor/settlements")
    balance = await get(world, own, "vendor/balance")
    told = await get(world, own, statement)

    assert [one["id"] for one in listed.json()["data"]] == [made["id"]]
    assert balance.json()["data"] == [
        {
            "vendor_id": books.vendor_id,
            "owed": {"amount": 2_259, "currency": "USD"},
            "payable": {"amount": 0, "currency": "USD"},
            "settling": {"amount": 1_759, "currency": "USD"},
            "waiting": {"amount": 500, "currency": "USD"},
            "held": {"amount": 0, "currency": "USD"},
        }
    ]
    read = Statement.model_validate_json(told.content)
    assert read.vendor_name == "Weaver & Sons"
    assert read.opening.amount + read.earned.amount == read.amount.amount + read.carried.amount
    assert (await get(world, foreign, statement)).status_code == 404
    assert (await get(world, foreign, "vendor/settlements")).json()["data"] == []
    assert (await get(world, foreign, "vendor/balance")).json()["data"] == []


async def test_statement_comes_as_csv_and_pdf_by_format_or_accept(
    world: World, staff: Person, books: VendorBooks
) -> None:
    await books.sale(await books.order(), 1_759, commission=240)
    made = await drawn_up(world, staff, books)
    path = f"admin/settlements/{made['id']}/statement"

    table = await get(world, staff.headers, f"{path}?format=csv")
    accepted = await get(world, {**staff.headers, "Accept": "text/csv, */*"}, path)
    paper = await get(world, {**staff.headers, "Accept": "application/pdf"}, path)
    wrong = await get(world, staff.headers, f"{path}?format=xml")

    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["kind"] for row in rows] == [
        "opening_balance", "sale", "total", "earned_in_period", "carried_over", "paid"
    ]  # fmt: skip
    assert (rows[1]["gross"], rows[1]["commission"], rows[1]["net"]) == ("19.99", "2.40", "17.59")
    assert (rows[2]["net"], rows[5]["net"], rows[5]["date"]) == ("17.59", "0.00", "")
    assert accepted.content == table.content
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert paper.headers["Content-Type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF-")
    assert made["id"] in paper.headers["Content-Disposition"]
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/query/format")


async def test_payout_account_is_set_with_an_entry_in_the_log(world: World, staff: Person) -> None:
    books = await VendorBooks(database=world.database).open(account=None)
    path = f"/v1/admin/vendors/{books.vendor_id}/payout-account"
    wanted = {"provider": "stripe", "account": "acct_1", "reason": "signed"}

    first = await world.client.put(path, json=wanted, headers=staff.headers)
    same = await world.client.put(path, json=wanted, headers=staff.headers)
    unknown = await world.client.put(
        path, json={**wanted, "provider": "pigeon"}, headers=staff.headers
    )

    assert (first.status_code, same.status_code) == (200, 200)
    assert first.json() == {"vendor_id": books.vendor_id, "provider": "stripe", "account": "acct_1"}
    assert unknown.json()["errors"][0]["pointer"] == "/provider"
    entries = await audit.list_entries(world.database, limit=9, target=books.vendor_id)
    assert [(one.action, one.before, one.reason) for one in entries] == [
        ("vendor.payout_account", {"provider": None, "account": None}, "signed")
    ]
    stranger = f"/v1/admin/vendors/{new_id(Prefix.VENDOR)}/payout-account"
    missing = await world.client.put(stranger, json=wanted, headers=staff.headers)
    assert missing.status_code == 404


async def test_bank_account_is_told_to_its_provider_and_kept_nowhere(
    world: World,
    staff: Person,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    quieten_libraries()
    books = await VendorBooks(database=world.database).open(account=None)
    path = f"/v1/admin/vendors/{books.vendor_id}/payout-account"
    number = "7392046158"
    bank = {
        "type": "nuban",
        "name": "Ada Obi-Lovelace",
        "account_number": number,
        "bank_code": "058",
        "currency": "NGN",
    }
    wanted = {"provider": "paystack", "bank": bank, "reason": "signed"}

    first = await world.client.put(path, json=wanted, headers=staff.headers)
    same = await world.client.put(path, json=wanted, headers=staff.headers)

    assert first.status_code == 200, first.text
    assert first.json()["provider"] == "paystack"
    assert first.json()["account"].startswith("RCP_")
    assert same.json() == first.json()
    entries = await audit.list_entries(world.database, limit=9, target=books.vendor_id)
    account = first.json()["account"]
    assert [one.after for one in entries] == [{"provider": "paystack", "account": account}]
    refusals: dict[str, list[dict[str, Any]]] = {
        "/bank": [
            {**wanted, "provider": "stripe"},
            {**wanted, "bank": {**bank, "bank_code": "000"}},
        ],
        "/bank/account_number": [{**wanted, "bank": {**bank, "account_number": number * 4}}],
        "": [{**wanted, "account": "RCP_1"}, {"provider": "paystack"}],
    }
    for pointer, bodies in refusals.items():
        for body in bodies:
            refused = await world.client.put(path, json=body, headers=staff.headers)
            assert refused.status_code == 422, refused.text
            assert refused.json()["errors"][0]["pointer"] == pointer
            assert number not in refused.text
    stranger = f"/v1/admin/vendors/{new_id(Prefix.VENDOR)}/payout-account"
    missing = await world.client.put(stranger, json=wanted, headers=staff.headers)
    assert missing.status_code == 404
    output = capfd.readouterr()
    for secret in (number, "Obi-Lovelace"):
        assert await mentions(world, secret) == []
        assert secret not in caplog.text + output.out + output.err
    assert "vendors.payout_account" in await mentions(world, account)


async def mentions(world: World, words: str) -> list[str]:
    """Table and column of every row that holds the words."""

    async def sql(statement: str, **parameters: Any) -> list[dict[str, Any]]:
        rows = await world.database.statement(text(statement), parameters)
        return [dict(row) for row in rows]

    columns = await sql("""
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND data_type IN
            ('text', 'character varying', 'json', 'jsonb', 'ARRAY', 'bytea')
    """)
    found = []
    for row in columns:
        table, column = row["table_name"], row["column_name"]
        select = f'SELECT 1 FROM "{table}" WHERE "{column}"::text LIKE :words LIMIT 1'  # noqa: S608  # names from the catalogue
        if await sql(select, words=f"%{words}%"):
            found.append(f"{table}.{column}")
    return found


async def test_commission_rule_from_its_beginning_to_its_end(
    world: World, staff: Person, books: VendorBooks
) -> None:
    asked = {"vendor_id": books.vendor_id, "basis_points": 1_200, "reason": "contract"}
    made = await post(world, staff, "commission-rules", asked)
    assert made.status_code == 201, made.text
    CommissionRule.model_validate_json(made.content)
    path = f"/v1/admin/commission-rules/{made.json()['id']}"
    twin = await post(world, staff, "commission-rules", asked)
    assert (twin.status_code, twin.json()["type"].rpartition("/")[2]) == (409, "conflict")

    change = {"basis_points": 1_000}
    changed = await world.client.patch(path, json=change, headers=staff.headers)
    assert (changed.status_code, changed.json()["basis_points"]) == (200, 1_000)
    stale = {**staff.headers, "If-Match": '"0"'}
    assert (await world.client.patch(path, json=change, headers=stale)).status_code == 412
    assert (await world.client.delete(path, headers=stale)).status_code == 412
    fresh = {**staff.headers, "If-Match": changed.headers["ETag"]}
    assert (await world.client.delete(path, headers=fresh)).status_code == 204
    assert (await world.client.delete(path, headers=fresh)).status_code == 404
    rules = await get(world, staff.headers, f"admin/commission-rules?vendor_id={books.vendor_id}")
    assert rules.json()["data"] == []
    assert (await post(world, staff, "commission-rules", asked)).status_code == 201
    entries = await audit.list_entries(world.database, limit=9, target=made.json()["id"])
    assert [(one.action, (one.after or {})["basis_points"]) for one in entries] == [
        ("commission_rule.delete", 1_000),
        ("commission_rule.change", 1_000),
        ("commission_rule.add", 1_200),
    ]
    foreign = {**asked, "vendor_id": new_id(Prefix.VENDOR)}
    assert (await post(world, staff, "commission-rules", foreign)).status_code == 422


@pytest.mark.parametrize("what", ["settlements", "commission-rules", "vendor-balances"])
async def test_others_see_nothing_of_it(world: World, what: str) -> None:
    for role in ("vendor", "customer"):
        person = await world.person(role)
        seen = await get(world, person.headers, f"admin/{what}")
        assert seen.status_code == 403
    assert (await get(world, {}, f"admin/{what}")).status_code == 401


async def test_settlement_that_is_not_there_is_not_found(world: World, staff: Person) -> None:
    missing = new_id(Prefix.SETTLEMENT)

    seen = await get(world, staff.headers, f"admin/settlements/{missing}")
    told = await post(world, staff, f"settlements/{missing}/approve", {})

    assert (seen.status_code, told.status_code) == (404, 404)
