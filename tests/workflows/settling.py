"""How these tests settle with a vendor, as the API and the weekly run do."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from core.domain.provider_books import ProviderTransfer
from core.domain.settlements import settlement_id, settlement_of
from tests.vendor_books import CURRENCY, VendorBooks, soon
from tests.workflows.platform import DAY, Platform
from workflows import workflow_ids
from workflows.ports.settlements import SettlementDecision, SettlementRequest, SettlementState
from workflows.settlement import SettlementWorkflow
from workflows.task_queues import TaskQueue

ONE, TWO = "staff:usr_1", "staff:usr_2"
LARGE = 1_000_001
"""More than one person may approve."""

_ROW = text("SELECT * FROM settlements WHERE id = :id")
_POSTINGS = text("SELECT key FROM ledger_postings WHERE reference = :id ORDER BY key")
_EVENTS = text("SELECT type FROM outbox WHERE aggregate_id = :id ORDER BY sequence")


class Settling:
    """One vendor's settlement under way."""

    provider = "stripe"

    def __init__(self, platform: Platform, books: VendorBooks, id_: str) -> None:
        self.platform, self.books, self.id = platform, books, id_
        self.handle: WorkflowHandle[Any, Any] = platform.shop.workflow(workflow_ids.settlement(id_))

    async def approve(self, actor: str) -> SettlementState:
        return await self.decide("approve", actor)

    async def decide(self, update: str, actor: str = ONE) -> SettlementState:
        state: SettlementState = await self.handle.execute_update(
            update, SettlementDecision(actor=actor, reason="so"), result_type=SettlementState
        )
        return state

    async def refused(self, update: str, actor: str) -> str:
        """Ask for a decision that is not possible; return the reason."""
        with pytest.raises(WorkflowUpdateFailedError) as caught:
            await self.decide(update, actor)
        cause = caught.value.cause
        assert isinstance(cause, ApplicationError)
        assert cause.type == "invalid-state"
        return cause.message

    async def row(self) -> dict[str, Any]:
        (row,) = await self.books.database.statement(_ROW, {"id": self.id})
        return dict(row)

    async def status(self) -> str:
        return str((await self.row())["status"])

    async def postings(self) -> list[str]:
        rows = await self.books.database.statement(_POSTINGS, {"id": self.id})
        return [row["key"].removeprefix(f"{self.id}:") for row in rows]

    async def events(self) -> list[str]:
        rows = await self.books.database.statement(_EVENTS, {"id": self.id})
        return [row["type"].removeprefix("settlement.") for row in rows]

    async def transfers(self) -> list[ProviderTransfer]:
        """What the provider has of it."""
        now = soon()
        gateway = self.platform.resources.payments[self.provider]
        page = await gateway.list_transfers(now - DAY, now)
        return [one for one in page.items if settlement_of(one.reference or "") == self.id]


async def settled(
    platform: Platform,
    net: int,
    *,
    account: str | None = "acct_vendor",
    actor: str = "system",
) -> Settling:
    """Let a vendor sell something without an order, and draw up what is owed for it."""
    books = await VendorBooks(database=platform.shop.database).open(account=account)
    await books.sale(None, net, commission=1)
    return await drawn_up(platform, books, actor=actor)


async def drawn_up(platform: Platform, books: VendorBooks, *, actor: str = "system") -> Settling:
    """Start the settlement of what the vendor is owed now."""
    end = soon()
    found = settlement_id(books.vendor_id, CURRENCY, end)
    await platform.shop.temporal.start_workflow(
        SettlementWorkflow.run,
        SettlementRequest(
            settlement_id=found,
            vendor_id=books.vendor_id,
            currency=CURRENCY,
            period_end=end,
            actor=actor,
        ),
        id=workflow_ids.settlement(found),
        task_queue=TaskQueue.MAINTENANCE,
    )
    settling = Settling(platform, books, found)
    await settling.handle.execute_update("drawn_up", result_type=SettlementState)
    return settling
