from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import pytest
from pydantic import SecretStr
from rich.console import Console
from temporalio import workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from core.database import Database
from core.settings import PostgresSettings, Settings, StripeSettings, TemporalSettings
from deploy.local.errors import StackError
from deploy.verification import Report, command, verify
from models.repositories.invariants import INVARIANTS
from tests.eventually import eventually
from tests.integration.models.orders_in_every_state import (
    STATES,
    TOTAL,
    carry_ledger_over,
    order_id,
    write_orders_in_every_state,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Ledger:
    """Answers requests for Stripe's ledger with the rows it has, as the sandbox's control does.

    With ``later`` it has those from the second answer on.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.later: list[dict[str, Any]] | None = None

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        of_stripe = b"service=stripe" in request
        body = orjson.dumps({"data": self.rows if of_stripe else []})
        if of_stripe:
            self.rows = self.rows if self.later is None else self.later
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def ledger() -> AsyncIterator[tuple[Ledger, str]]:
    ledger = Ledger()
    async with await asyncio.start_server(ledger.answer, "127.0.0.1", 0) as server:
        yield ledger, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    connection = await asyncpg.connect(database_url)
    await write_orders_in_every_state(connection)
    await carry_ledger_over(database_url)
    await connection.close()
    database = Database.open(PostgresSettings(url=SecretStr(database_url)))
    yield database
    await database.close()


@pytest.fixture
async def temporal(temporal_address: str) -> Client:
    return await Client.connect(temporal_address)


def ledger_of_the_shop() -> list[dict[str, Any]]:
    """What the provider has of the orders that are paid."""
    return [
        {
            "id": f"pi_{status}",
            "order_id": order_id(status),
            "amount": TOTAL,
            "currency": "usd",
            "status": "succeeded" if state.captured else "requires_capture",
            "captured": state.captured,
            "refunded": 0,
            "idempotency_key": f"{order_id(status)}:authorize:1",
            "created": int(NOW.timestamp()),
        }
        for status, state in STATES.items()
        if state.payment in {"authorized", "captured"}
    ]


WORKFLOWS = {
    "pending": ("CheckoutWorkflow", "checkout"),
    "requires_action": ("CheckoutWorkflow", "checkout"),
    "confirmed": ("FulfillmentWorkflow", "fulfillment"),
    "processing": ("FulfillmentWorkflow", "fulfillment"),
    "shipped": ("FulfillmentWorkflow", "fulfillment"),
    "delivered": ("FulfillmentWorkflow", "fulfillment"),
}


@pytest.fixture
async def running(temporal: Client) -> AsyncIterator[None]:
    """A workflow for every unfinished order; no worker ever takes them, so they stay running."""
    ids = {f"{kind}/{order_id(status)}": name for status, (name, kind) in WORKFLOWS.items()}
    for workflow_id, name in ids.items():
        await temporal.start_workflow(
            name,
            id=workflow_id,
            task_queue="nobody",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
    yield
    for workflow_id in ids:
        with suppress(RPCError):
            await temporal.get_workflow_handle(workflow_id).terminate()


def broken_in(report: Report) -> dict[str, int]:
    """Broken checks, without the failed workflows that other tests left on the same server."""
    return {
        check.name: len(check.broken)
        for check in report.checks
        if check.broken and check.name != "no_failed_workflow"
    }


async def test_healthy_platform_is_clean(
    database: Database, temporal: Client, running: None, ledger: tuple[Ledger, str]
) -> None:
    books, url = ledger
    books.rows = ledger_of_the_shop()

    report = await verify(database=database, temporal=temporal, sandbox_url=url)

    assert broken_in(report) == {}
    assert len(report.checks) == len(INVARIANTS) + 8 + 2


async def test_lost_workflow_and_lost_charge_are_found_with_their_rows(
    database: Database, temporal: Client, running: None, ledger: tuple[Ledger, str]
) -> None:
    books, url = ledger
    books.rows = [row for row in ledger_of_the_shop() if row["id"] != "pi_completed"]
    lost = f"fulfillment/{order_id('shipped')}"
    await temporal.get_workflow_handle(lost).terminate()

    report = await verify(database=database, temporal=temporal, sandbox_url=url, pause_seconds=0.05)

    assert broken_in(report) == {
        "payment_has_provider_success": 1,
        "unfinished_order_has_workflow": 1,
    }
    rows = {check.name: check.broken for check in report.checks}
    assert rows["payment_has_provider_success"][0]["order_id"] == order_id("completed")
    assert rows["unfinished_order_has_workflow"] == [
        {"order_id": order_id("shipped"), "status": "shipped", "workflow": lost}
    ]


async def test_difference_that_settles_between_two_looks_is_not_reported(
    database: Database, temporal: Client, running: None, ledger: tuple[Ledger, str]
) -> None:
    books, url = ledger
    complete = ledger_of_the_shop()
    books.rows, books.later = complete[1:], complete

    report = await verify(database=database, temporal=temporal, sandbox_url=url, pause_seconds=0.01)

    assert broken_in(report) == {}
    assert books.rows == complete


async def test_real_provider_skips_the_ledger(
    database: Database, temporal: Client, running: None
) -> None:
    report = await verify(database=database, temporal=temporal, sandbox_url=None)

    skipped = [check.name for check in report.checks if check.skipped]
    assert skipped == ["provider_ledger"]


def settings_of(database_url: str, temporal_address: str, sandbox_url: str) -> Settings:
    return Settings(
        _env_file=None,
        postgres=PostgresSettings(url=SecretStr(database_url)),
        temporal=TemporalSettings(address=temporal_address),
        stripe=StripeSettings(api_base=f"{sandbox_url}/stripe"),
    )


async def test_command_prints_the_broken_rows_as_json_and_returns_1(
    database: Database,
    database_url: str,
    temporal_address: str,
    running: None,
    ledger: tuple[Ledger, str],
) -> None:
    ledger[0].rows = ledger_of_the_shop()
    await _spoil(database_url)
    output = io.StringIO()

    code = await command(
        settings_of(database_url, temporal_address, ledger[1]),
        as_json=True,
        console=Console(file=output, width=40),
    )

    document = json.loads(output.getvalue())
    assert code == 1
    assert document["clean"] is False
    (found,) = (check for check in document["checks"] if check["name"] == "on_hand_is_movements")
    assert [row["sku"] for row in found["broken"]] == ["TEE"]


async def test_command_prints_the_broken_promise_in_words(
    database: Database,
    database_url: str,
    temporal_address: str,
    running: None,
    ledger: tuple[Ledger, str],
) -> None:
    ledger[0].rows = ledger_of_the_shop()
    await _spoil(database_url)
    output = io.StringIO()

    await command(
        settings_of(database_url, temporal_address, ledger[1]),
        as_json=False,
        console=Console(file=output, width=200),
    )

    words = output.getvalue()
    assert "on_hand_is_movements: on_hand is the sum of the stock movements" in words
    assert "sku=TEE" in words


async def test_command_without_a_platform_says_so(temporal_address: str) -> None:
    nowhere = settings_of("postgresql://postgres@127.0.0.1:1/no", temporal_address, "http://x")

    with pytest.raises(StackError, match="cannot be verified"):
        await command(nowhere, as_json=False, console=Console(file=io.StringIO()))


async def _spoil(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE stock SET on_hand = on_hand + 1")
    await connection.close()


async def test_order_whose_parcel_came_back_needs_no_workflow(
    database: Database,
    database_url: str,
    temporal: Client,
    running: None,
    ledger: tuple[Ledger, str],
) -> None:
    ledger[0].rows = ledger_of_the_shop()
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "UPDATE shipments SET status = 'returned' WHERE order_id = $1", order_id("shipped")
    )
    await connection.close()
    await temporal.get_workflow_handle(f"fulfillment/{order_id('shipped')}").terminate()

    report = await verify(database=database, temporal=temporal, sandbox_url=ledger[1])

    assert broken_in(report) == {}


@workflow.defn
class FailingWorkflow:
    @workflow.run
    async def run(self) -> None:
        raise ApplicationError("on purpose")


async def test_failed_workflow_is_reported_by_its_id(
    database: Database, temporal: Client, running: None
) -> None:
    async with Worker(
        temporal,
        task_queue="verify-failing",
        workflows=[FailingWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        with pytest.raises(WorkflowFailureError):
            await temporal.execute_workflow(
                FailingWorkflow.run, id="verify/failing", task_queue="verify-failing"
            )
    await eventually(lambda: _is_listed(database, temporal))

    # Other tests on this server have failed workflows of their own to look for.
    await temporal.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace="default", workflow_execution=WorkflowExecution(workflow_id="verify/failing")
        )
    )


async def _is_listed(database: Database, temporal: Client) -> bool:
    report = await verify(database=database, temporal=temporal, sandbox_url=None, pause_seconds=0)
    return any(
        row["workflow"] == "verify/failing"
        for check in report.checks
        if check.name == "no_failed_workflow"
        for row in check.broken
    )
