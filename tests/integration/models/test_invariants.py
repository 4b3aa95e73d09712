from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from core.database import Database
from core.domain.ledger import Account, Posting, PostingKind, credit, debit
from core.settings import PostgresSettings
from models.repositories import ledger
from models.repositories.invariants import INVARIANTS, rows_that_break
from models.repositories.invariants.ledger import LEDGER
from tests.integration.models.orders_in_every_state import (
    CUSTOMER,
    HOLD,
    STATES,
    TOTAL,
    VENDOR,
    WAREHOUSE,
    carry_ledger_over,
    order_id,
    payment_id,
    shipment_id,
    write_orders_in_every_state,
)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    await write_orders_in_every_state(connection)
    await carry_ledger_over(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(database_url: str, connection: asyncpg.Connection) -> AsyncIterator[Database]:
    database = Database.open(PostgresSettings(url=SecretStr(database_url), pool_size=1))
    yield database
    await database.close()


async def broken(database: Database) -> dict[str, int]:
    """Names of the broken invariants and how many rows break each."""
    found = {
        invariant.name: len(await rows_that_break(database, invariant)) for invariant in INVARIANTS
    }
    return {name: rows for name, rows in found.items() if rows}


def with_ids(sql: str) -> str:
    """Put the ids of the shop where ``:order_confirmed`` and the like stand."""
    values = {"hold": HOLD, "warehouse": WAREHOUSE, "vendor": VENDOR, "customer": CUSTOMER}
    for status in STATES:
        values[f"order_{status}"] = order_id(status)
        values[f"payment_{status}"] = payment_id(status)
        values[f"shipment_{status}"] = shipment_id(status)
    literals = {name: f"'{value}'" for name, value in values.items()} | {"total": str(TOTAL)}
    return re.sub(r":([a-z_]+)", lambda match: literals[match[1]], sql)


def planted_violations() -> list[tuple[str, str]]:
    """Names of invariants and the SQL that breaks each, from the file beside this one."""
    text = Path(__file__).with_name("violations.sql").read_text(encoding="utf-8")
    sections = text.split("-- breaks: ")[1:]
    return [
        (name, with_ids(sql)) for name, _, sql in (section.partition("\n") for section in sections)
    ]


VIOLATIONS = planted_violations()

OTHER_SIDE = {
    "ledger_has_what_is_authorized": ("authorized", "authorizations", "held"),
    "ledger_has_what_is_paid": ("provider_balance", "suspense", "there"),
}


async def let_ledger_follow(database: Database) -> None:
    """Post what the planted payments say, so that only what was planted is wrong with them."""
    for invariant in LEDGER:
        if invariant.name not in OTHER_SIDE:
            continue
        account, other, figure = OTHER_SIDE[invariant.name]
        for row in await rows_that_break(database, invariant):
            amount = int(row[figure] - row["posted"])
            posting = Posting(
                key=f"{row['order_id']}:{row['currency']}:{account}",
                kind=PostingKind.CAPTURE,
                currency=row["currency"],
                legs=[
                    debit(Account(account), amount, row["provider"]),
                    credit(Account(other), amount),
                ],
                order_id=row["order_id"],
            )
            async with database.transaction() as session:
                await ledger.post(session, posting)


async def test_order_in_every_state_breaks_nothing(database: Database) -> None:
    assert await broken(database) == {}


def test_every_invariant_has_a_planted_violation() -> None:
    assert {name for name, _ in VIOLATIONS} == {invariant.name for invariant in INVARIANTS}


@pytest.mark.parametrize(
    ("name", "sql"),
    VIOLATIONS,
    ids=[f"{name}-{number}" for number, (name, _) in enumerate(VIOLATIONS, start=1)],
)
async def test_planted_violation_is_found_by_its_own_check_alone(
    database: Database, connection: asyncpg.Connection, name: str, sql: str
) -> None:
    await connection.execute(sql)
    if name not in {invariant.name for invariant in LEDGER}:
        await let_ledger_follow(database)

    assert await broken(database) == {name: 1}


async def test_idempotency_key_forgotten_after_a_day_breaks_nothing(
    database: Database, connection: asyncpg.Connection
) -> None:
    await connection.execute("DELETE FROM idempotency_keys")
    await connection.execute("UPDATE orders SET created_at = now() - interval '25 hours'")

    assert await broken(database) == {}


async def test_hold_within_a_minute_of_its_deadline_breaks_nothing(
    database: Database, connection: asyncpg.Connection
) -> None:
    await connection.execute("UPDATE holds SET expires_at = now() - interval '30 seconds'")
    await connection.execute(
        "UPDATE reservation_lines SET expires_at = now() - interval '30 seconds'"
    )

    assert await broken(database) == {}


LEGITIMATE = {
    "parked-past-its-deadline": """
        UPDATE reservation_lines SET expires_at = now() - interval '1 hour'
        WHERE order_id = :order_requires_action;
        INSERT INTO order_waits
            (order_id, workflow_id, what, since_at, attempts, last_error, actions)
        VALUES (:order_requires_action, 'checkout/1', 'payment void', now(), 1, 'down', '[]');
        UPDATE orders SET waiting_for = '{"what": "payment void", "attempts": 1}'
        WHERE id = :order_requires_action""",
    "refund-of-a-completed-order-that-is-parked": """
        INSERT INTO order_waits
            (order_id, workflow_id, what, since_at, attempts, last_error, actions)
        VALUES (:order_completed, 'refund/1', 'refund', now(), 1, 'down', '[]');
        UPDATE orders SET waiting_for = '{"what": "refund", "attempts": 1}'
        WHERE id = :order_completed""",
    "challenge-known-before-its-order-shows-it": """
        UPDATE payments SET status = 'requires_action' WHERE order_id = :order_pending""",
    "unanswered-provider": """
        UPDATE payments SET status = 'unknown' WHERE order_id = :order_pending""",
    "canceled-before-it-was-opened": """
        ALTER TABLE order_timeline DISABLE TRIGGER USER;
        DELETE FROM order_timeline WHERE order_id = :order_canceled AND type <> 'order.canceled';
        UPDATE order_timeline SET sequence = 1 WHERE order_id = :order_canceled;
        DELETE FROM outbox WHERE aggregate_id = :order_canceled AND type <> 'order.canceled';
        UPDATE outbox SET sequence = 1 WHERE aggregate_id = :order_canceled;
        DELETE FROM reservation_lines WHERE order_id = :order_canceled;
        UPDATE orders SET version = 1 WHERE id = :order_canceled""",
    "event-of-a-minute-ago": """
        INSERT INTO webhook_events (provider, event_id, type, object_id, payload, received_at)
        VALUES ('stripe', 'evt_1', 'charge.updated', 'ch_1', '{}', now() - interval '1 minute')""",
}


@pytest.mark.parametrize("sql", LEGITIMATE.values(), ids=LEGITIMATE)
async def test_legitimate_moment_breaks_nothing(
    database: Database, connection: asyncpg.Connection, sql: str
) -> None:
    await connection.execute(with_ids(sql))

    assert await broken(database) == {}
