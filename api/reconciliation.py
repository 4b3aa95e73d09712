"""What staff see of reconciliations, and what they decide about differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from temporalio.common import WorkflowIDReusePolicy

from api import engine
from api.idempotency import IdempotentCall, refusal, replay
from api.json_route import to_json
from api.schemas.reconciliation import ResolveDifference
from core.domain.errors import (
    FieldError,
    InvalidRequestError,
    InvalidStateError,
    NotFoundError,
    UnavailableError,
)
from core.domain.movement_postings import adjustment_of
from core.domain.reconciliation import DifferenceKind, DifferenceStatus, RepairKind
from core.domain.reconciliation_words import actions_of, in_words
from core.resources import Resources
from models.reconciliation import Difference, Reconciliation
from models.repositories import audit, differences, ledger, reconciliations
from models.repositories.idempotency import StoredAnswer
from workflows import workflow_ids
from workflows.messages import Child
from workflows.ports.reconciliation import Reconciliation as Wanted
from workflows.ports.repairs import RepairRequest
from workflows.task_queues import TaskQueue

_REPAIR, _ADJUST = "repair", "book_adjustment"


async def run_now(resources: Resources, call: IdempotentCall, provider: str) -> Response:
    """Start a comparison; one that runs already is the answer as well.

    Raises:
        InvalidRequestError: no such provider.
        UnavailableError: Temporal cannot be reached.
    """
    if provider not in resources.payments:
        known = ", ".join(sorted(resources.payments))
        raise InvalidRequestError([FieldError(pointer="/provider", detail=f"one of {known}")])
    workflow_id = workflow_ids.reconciliation(provider)
    record = await call.claim(resources.database, f"reconciliation:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    await engine.start_once(
        resources.temporal,
        "ReconciliationWorkflow",
        Wanted(provider=provider),
        workflow_id=workflow_id,
        task_queue=TaskQueue.MAINTENANCE,
        budget_seconds=resources.settings.api.latency_budget_seconds,
        summary=f"Compare the books of {provider} with ours",
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    async with resources.database.transaction() as session:
        await audit.record(
            session,
            actor=f"staff:{call.caller_id}",
            action="reconciliation.requested",
            target=workflow_id,
            reason="",
            after={"provider": provider},
        )
    body = to_json({"provider": provider, "workflow_id": workflow_id})
    return await call.settle(resources.database, StoredAnswer(status=202, body=body, location=None))


async def find_run(resources: Resources, run_id: str) -> dict[str, Any]:
    """Return a run with its differences.

    Raises:
        NotFoundError: there is no such run.
    """
    async with resources.database.transaction() as session:
        run = await reconciliations.find(session, run_id)
        if run is None:
            raise NotFoundError("there is no such reconciliation")
        found = await reconciliations.differences_of(session, run_id)
    return {**run_document(run), "differences": [difference_document(one) for one in found]}


async def resolve(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    difference_id: str,
    wanted: ResolveDifference,
) -> Response:
    """Decide about a difference, once; of two people at once the first one does.

    Raises:
        NotFoundError: there is no such difference.
        IdempotencyKeyReusedError: the key belongs to another request.
    """
    record = await call.claim(resources.database, f"difference:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    try:
        async with resources.database.transaction() as session:
            row = await differences.lock(session, difference_id)
            update_id = call.fingerprint
            if not await audit.knows_update(session, target=row.id, update_id=update_id):
                await _decide(session, row, wanted, call)
            document = difference_document(row)
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    if wanted.action == _REPAIR:
        await _start_repair(resources, difference_id)
    return await call.settle(
        resources.database, StoredAnswer(status=200, body=to_json(document), location=None)
    )


async def _decide(
    session: AsyncSession, row: Difference, wanted: ResolveDifference, call: IdempotentCall
) -> None:
    allowed = _actions(row)
    if wanted.action not in allowed:
        raise InvalidStateError(present=row.status, wanted=wanted.action, allowed=allowed)
    before = {"status": row.status, "amount": row.amount}
    actor = f"staff:{call.caller_id}"
    row.actor, row.reason = actor, wanted.reason
    if wanted.action == _REPAIR:
        row.status, row.attempts = DifferenceStatus.REPAIRING, 0
    else:
        row.status, row.resolution = DifferenceStatus.RESOLVED, wanted.action
        row.ended_at = datetime.now(UTC)
    if wanted.action == _ADJUST and row.currency is not None:
        amount = differences.on_balance(row)
        await ledger.post(session, adjustment_of(row.id, row.provider, row.currency, amount))
    await session.flush()
    await audit.record(
        session,
        actor=actor,
        action=f"difference.{wanted.action}",
        target=row.id,
        reason=wanted.reason,
        before=before,
        after={"status": row.status, "update_id": call.fingerprint},
    )


async def _start_repair(resources: Resources, difference_id: str) -> None:
    """What is not started now, the next reconciliation starts."""
    try:
        await engine.start_once(
            resources.temporal,
            Child.REPAIR,
            RepairRequest(difference_id=difference_id),
            workflow_id=workflow_ids.repair(difference_id),
            task_queue=TaskQueue.MAINTENANCE,
            budget_seconds=resources.settings.api.latency_budget_seconds,
            summary=f"Put {difference_id} right",
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
    except UnavailableError:
        engine.log.warning("repair not started", difference_id=difference_id)


def run_document(run: Reconciliation) -> dict[str, Any]:
    """Return a run as staff see it."""
    figures: Mapping[str, Any] = run.figures
    error = figures.get("error")
    return {
        "id": run.id,
        "provider": run.provider,
        "status": run.status,
        "overview": _overview(run),
        "window_start_at": run.window_start_at,
        "window_end_at": run.window_end_at,
        "transactions": run.transactions,
        "payments": run.payments,
        "found": run.found,
        "repaired": run.repaired,
        "figures": {name: value for name, value in figures.items() if name != "error"},
        "error": error,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }


def difference_document(row: Difference) -> dict[str, Any]:
    """Return a difference as staff see it."""
    on_balance = differences.on_balance(row)
    evidence = {name: value for name, value in row.evidence.items() if name != "on_balance"}
    return {
        "id": row.id,
        "provider": row.provider,
        "kind": row.kind,
        "subject": row.subject,
        "status": row.status,
        "overview": in_words(
            DifferenceKind(row.kind), row.subject, amount=row.amount, currency=row.currency
        ),
        "repair": row.repair,
        "actions": _actions(row),
        "order_id": row.order_id,
        "payment_id": row.payment_id,
        "difference": _money(row.amount, row.currency),
        "on_balance": _money(on_balance, row.currency),
        "evidence": evidence,
        "found_in": row.found_in,
        "seen_in": row.seen_in,
        "attempts": row.attempts,
        "resolution": row.resolution,
        "actor": row.actor,
        "reason": row.reason,
        "found_at": row.found_at,
        "ended_at": row.ended_at,
    }


def _actions(row: Difference) -> Sequence[str]:
    return actions_of(
        DifferenceStatus(row.status),
        RepairKind(row.repair),
        on_balance=differences.on_balance(row),
        currency=row.currency,
    )


def _money(amount: int, currency: str | None) -> dict[str, Any] | None:
    return {"amount": amount, "currency": currency} if currency else None


def _overview(run: Reconciliation) -> str:
    looked = f"{_count(run.payments, 'payment')} and {_count(run.transactions, 'new movement')}"
    if run.ended_at is None:
        return f"under way: {looked} so far"
    if run.figures.get("error"):
        return f"could not go on after {looked}: {run.figures['error']}"
    new = "1 difference is new" if run.found == 1 else f"{run.found} differences are new"
    return f"{looked}: {new}, {run.repaired} repaired"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
