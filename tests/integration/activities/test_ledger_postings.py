"""What the steps of an order post: exact amounts, once, and nothing is left when all is undone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.captures import GatewayCaptureActivities
from activities.checkout import PostgresCheckoutActivities
from activities.payments import GatewayPaymentActivities
from activities.refunds import GatewayRefundActivities
from core.domain.ids import Prefix, new_id
from core.domain.payments import ProviderPayment, ProviderRefund
from core.domain.statuses import OrderStatus, PaymentStatus, RefundStatus
from core.resources import open_resources
from core.settings import Settings
from models import CommissionRule
from models.migrations.opening_postings import carry_over
from models.payments import RefundPart
from models.repositories import orders, payments, refunds
from models.repositories.commissions import RATE_OF_ITEM
from models.repositories.invariants import rows_that_break
from models.repositories.invariants.ledger import LEDGER
from tests.contract.sandbox import Control
from tests.integration.activities.test_money_twice import TOTAL, Books
from tests.integration.activities.test_twice import twice
from tests.shop import PRICE, SHIPPING, Shop
from workflows.ports.checkout import ConfirmOrder, OpenOrder
from workflows.ports.payments import ReleaseAuthorizations
from workflows.ports.refunds import SendRefundPart

Balances = dict[tuple[str, str], int]

_BALANCES = text("""
SELECT account, holder, sum(amount)::bigint AS amount
FROM ledger_entries e JOIN ledger_postings p ON p.key = e.posting_key
WHERE p.order_id = :order_id GROUP BY 1, 2 HAVING sum(amount) <> 0
""")


@pytest.fixture
async def books(settings: Settings, sandbox_url: str) -> AsyncIterator[Books]:
    async with (
        open_resources(settings) as resources,
        httpx.AsyncClient(base_url=f"{sandbox_url}/_control") as http,
    ):
        yield Books(
            shop=Shop(resources.database, resources.temporal),
            control=Control(http=http),
            payments=GatewayPaymentActivities(resources.database, resources.payments),
            captures=GatewayCaptureActivities(resources.database, resources.payments),
            refunds=GatewayRefundActivities(resources.database, resources.payments),
            resources=resources,
        )


async def balances(books: Books, order_id: str) -> Balances:
    """What the accounts come to for one order; the ledger's own promises hold for it."""
    for invariant in LEDGER:
        broken = await rows_that_break(books.shop.database, invariant)
        assert [row for row in broken if row.get("order_id", order_id) == order_id] == []
    rows = await books.shop.database.statement(_BALANCES, {"order_id": order_id})
    return {(row["account"], row["holder"]): row["amount"] for row in rows}


async def vendors(books: Books, order_id: str) -> list[tuple[str, str, int]]:
    """Vendor, item and units, by parcel."""
    rows = await books.shop.database.statement(
        text(
            "SELECT s.vendor_id, si.item_id, si.quantity FROM shipments s JOIN shipment_items si"
            " ON si.shipment_id = s.id WHERE s.order_id = :id ORDER BY s.number"
        ),
        {"id": order_id},
    )
    return [(row["vendor_id"], row["item_id"], row["quantity"]) for row in rows]


async def commission(books: Books, vendor_id: str, basis_points: int) -> None:
    rule = CommissionRule(
        id=new_id(Prefix.COMMISSION), vendor_id=vendor_id, basis_points=basis_points
    )
    async with books.shop.database.transaction() as session:
        session.add(rule)


async def given_back(
    books: Books, order_id: str, amount: int, items: Mapping[str, int] | None = None
) -> str:
    refund_id = new_id(Prefix.REFUND)
    async with books.shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        await refunds.request(
            session,
            order,
            refund_id=refund_id,
            amount=amount,
            reason="late",
            actor="staff:usr_1",
            items=[{"item_id": one, "quantity": n} for one, n in (items or {}).items()],
        )
        payment_id = (await payments.of_order(session, order_id))[0].id
    step = SendRefundPart(order_id=order_id, refund_id=refund_id, payment_id=payment_id, tries=1)
    assert (await twice(books.refunds.send_refund_part, step)).status is RefundStatus.SUCCEEDED
    return refund_id


async def test_captures_pay_each_vendor_less_its_commission(books: Books) -> None:
    order_id = await books.confirmed()
    assert await balances(books, order_id) == {
        ("authorized", "stripe"): TOTAL,
        ("authorizations", ""): -TOTAL,
    }
    (one, _, units), (other, _, more) = await vendors(books, order_id)
    await commission(books, one, 1500)
    first = await books.capture(order_id, 1)
    cut = round(PRICE * units * 0.15)

    assert await balances(books, order_id) == {
        ("authorized", "stripe"): TOTAL - first,
        ("authorizations", ""): first - TOTAL,
        ("provider_balance", "stripe"): first,
        ("vendor_payable", one): cut - PRICE * units,
        ("commission", one): -cut,
        ("shipping", ""): PRICE * units - first,
    }
    await books.capture(order_id, 2)
    assert await balances(books, order_id) == {
        ("provider_balance", "stripe"): TOTAL,
        ("vendor_payable", one): cut - PRICE * units,
        ("commission", one): -cut,
        ("vendor_payable", other): -PRICE * more,
        ("shipping", ""): -SHIPPING,
    }


async def test_refunds_take_the_sale_back_to_the_last_unit(books: Books) -> None:
    order_id = await books.confirmed()
    (one, item, units), (other, _, more) = await vendors(books, order_id)
    await commission(books, one, 1000)
    await books.capture(order_id, 1)
    await books.capture(order_id, 2)
    cut = round(PRICE * units * 0.1)

    await given_back(books, order_id, 700)
    with_gesture = await balances(books, order_id)
    await given_back(books, order_id, PRICE * units, {item: units})
    without_goods = await balances(books, order_id)
    await given_back(books, order_id, TOTAL - PRICE * units - 700)

    assert with_gesture[("refunds", "")] == 700
    assert with_gesture[("commission", one)] == -cut
    assert without_goods == {
        ("provider_balance", "stripe"): TOTAL - PRICE * units - 700,
        ("vendor_payable", other): -PRICE * more,
        ("shipping", ""): -SHIPPING,
        ("refunds", ""): 700,
    }
    assert await balances(books, order_id) == {}


async def test_refund_that_failed_afterwards_is_undone_and_may_succeed_again(books: Books) -> None:
    order_id = await books.confirmed()
    (_, item, units), _ = await vendors(books, order_id)
    await books.capture(order_id, 1)
    before = await balances(books, order_id)
    refund_id = await given_back(books, order_id, PRICE * units, {item: units})
    after = await balances(books, order_id)

    async with books.shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        payment = (await payments.of_order(session, order_id))[0]
        part = await session.get_one(RefundPart, (refund_id, payment.id))
        failed = ProviderRefund(
            provider_refund_id=part.provider_refund_id or "",
            status=RefundStatus.FAILED,
            amount=part.amount,
        )
        await refunds.record_part(session, order, part, failed)
    undone = await balances(books, order_id)
    async with books.shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        part = await session.get_one(RefundPart, (refund_id, payment.id))
        part.status = RefundStatus.PENDING
        again = replace(failed, provider_refund_id=f"re_{refund_id}", status=RefundStatus.SUCCEEDED)
        await refunds.record_part(session, order, part, again)

    assert undone == before
    assert await balances(books, order_id) == after


async def test_rest_that_is_let_go_is_held_no_more(books: Books) -> None:
    order_id = await books.confirmed()
    first = await books.capture(order_id, 1)
    release = ReleaseAuthorizations(order_id=order_id)
    await ActivityEnvironment().run(books.payments.release_authorizations, release)

    assert (await balances(books, order_id))["provider_balance", "stripe"] == first
    assert ("authorized", "stripe") not in await balances(books, order_id)


async def test_money_that_was_taken_at_once_is_owed_until_it_is_sent_or_given_back(
    books: Books,
) -> None:
    resources = books.resources
    checkout = PostgresCheckoutActivities(
        resources.database, resources.temporal, resources.settings
    )
    order_id = await books.shop.draft(await books.shop.stock_up(5), 2)
    amount = 2 * PRICE + SHIPPING
    await ActivityEnvironment().run(checkout.open_order, OpenOrder(order_id=order_id))
    paid = ProviderPayment(
        provider_payment_id=f"ref_{order_id}",
        status=PaymentStatus.AUTHORIZED,
        currency="USD",
        amount=amount,
        authorized_amount=amount,
        taken_at_once=True,
    )
    step = ConfirmOrder(order_id=order_id, payment=paid)
    assert await twice(checkout.confirm_order, step) is OrderStatus.CONFIRMED
    taken = await balances(books, order_id)
    async with books.shop.database.transaction() as session:
        order = await orders.lock(session, order_id)
        payment = await orders.first_payment(session, order_id)
        assert await payments.let_go(session, order, payment) == amount

    assert taken == {
        ("provider_balance", "stripe"): amount,
        ("customer_receivable", ""): -amount,
    }
    assert await balances(books, order_id) == {}


async def test_ledger_that_is_carried_over_is_the_one_that_was_posted(books: Books) -> None:
    order_id = await books.confirmed()
    (_, item, _), _ = await vendors(books, order_id)
    await books.capture(order_id, 1)
    await given_back(books, order_id, PRICE, {item: 1})
    await given_back(books, order_id, 250)
    posted = await balances(books, order_id)
    assert posted

    async with books.shop.database.engine.connect() as connection:
        for sql in (
            "ALTER TABLE ledger_entries DISABLE TRIGGER USER",
            "ALTER TABLE ledger_postings DISABLE TRIGGER USER",
            "DELETE FROM settlement_lines",
            "DELETE FROM ledger_entries",
            "DELETE FROM ledger_postings",
        ):
            await connection.execute(text(sql))
        await connection.run_sync(carry_over)
        rows = (await connection.execute(_BALANCES, {"order_id": order_id})).mappings().all()
        await connection.rollback()

    assert {(row["account"], row["holder"]): row["amount"] for row in rows} == posted


@pytest.mark.parametrize(
    ("rules", "rate"),
    [
        ([], None),
        ([("", "", 100)], 100),
        ([("", "", 100), ("", "category", 200)], 200),
        ([("", "category", 200), ("vendor", "", 300)], 300),
        ([("vendor", "", 300), ("vendor", "category", 400), ("", "category", 200)], 400),
        ([("", "other", 900)], None),
    ],
)
async def test_most_specific_commission_rule_wins(
    books: Books, rules: list[tuple[str, str, int]], rate: int | None
) -> None:
    shelf = await books.shop.stock_up(1)
    item = (
        f"SELECT rule.basis_points FROM (SELECT CAST(:variant AS text) AS variant_id,"  # noqa: S608  # constants of ours
        f" CAST(:vendor AS text) AS vendor_id) i LEFT JOIN {RATE_OF_ITEM} rule ON true"
    )
    ids = {name: new_id(Prefix.CATEGORY) for name in ("category", "other")}
    async with books.resources.database.engine.connect() as connection:
        linked = (
            "INSERT INTO product_categories SELECT product_id, "  # noqa: S608  # ids of ours
            f"'{ids['category']}' FROM variants WHERE id = '{shelf.variant_id}'"
        )
        for sql in (
            "DELETE FROM commission_rules",
            *(
                f"INSERT INTO categories (id, name, slug) VALUES ('{one}', 'A', '{one}')"  # noqa: S608  # ids of ours
                for one in ids.values()
            ),
            linked,
        ):
            await connection.execute(text(sql))
        for vendor, category, basis_points in rules:
            await connection.execute(
                text(
                    "INSERT INTO commission_rules (id, vendor_id, category_id, basis_points)"
                    " VALUES (:id, :vendor, :category, :rate)"
                ),
                {
                    "id": new_id(Prefix.COMMISSION),
                    "vendor": shelf.vendor_id if vendor else None,
                    "category": ids.get(category),
                    "rate": basis_points,
                },
            )
        found = await connection.scalar(
            text(item), {"variant": shelf.variant_id, "vendor": shelf.vendor_id}
        )
        await connection.rollback()

    assert found == rate
