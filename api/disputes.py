"""What staff do about a dispute: its workflow tells the bank, and evidence stays in the row."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api import engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, refusal_of_update, replay
from api.json_route import to_json
from api.preconditions import require_match
from api.rendering import money
from api.schemas.disputes import EvidenceFields
from core.domain.disputes import DISPUTE_MOVES
from core.domain.errors import InvalidStateError, NotFoundError
from core.domain.statuses import DisputeStatus
from core.resources import Resources
from models.repositories import dispute_evidence, dispute_views
from models.repositories.dispute_views import DisputeView
from models.repositories.idempotency import StoredAnswer
from workflows import workflow_ids
from workflows.messages import DisputeAnswer

_EVIDENCE = tuple(EvidenceFields.model_fields)


async def require_dispute(resources: Resources, dispute_id: str) -> DisputeView:
    """Return a dispute.

    Raises:
        NotFoundError: there is no such dispute.
    """
    view = await dispute_views.find_dispute(resources.database, dispute_id)
    if view is None:
        raise NotFoundError("there is no such dispute")
    return view


async def submit_evidence(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    view: DisputeView,
    *,
    fields: EvidenceFields,
    actor: str,
    if_match: str | None,
) -> Response:
    """Keep the evidence in the row, then have it sent; the same key is the same submission.

    Raises:
        PreconditionFailedError: the dispute has changed since the caller has seen it.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: Temporal cannot be reached; the same key asks again.
    """
    submission_id = _digest(call)
    record = await call.claim(resources.database, f"evidence:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    if view.has_submitted(submission_id):
        return await _settle(resources, call, view.id, status=200)
    require_match(if_match, view.version)
    document = {**fields.model_dump(mode="json"), "submission_id": submission_id}
    try:
        async with resources.database.transaction() as session:
            await dispute_evidence.draft_evidence(
                session, view.id, submission_id=submission_id, fields=document
            )
    except InvalidStateError as error:
        return await call.settle(resources.database, refusal(request, error))
    answer = DisputeAnswer(actor=actor, submission_id=submission_id)
    return await _ask(request, resources, call, view, answer)


async def accept(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    view: DisputeView,
    *,
    reason: str,
    actor: str,
    if_match: str | None,
) -> Response:
    """Give a dispute up; the same key does it once.

    Raises:
        PreconditionFailedError: the dispute has changed since the caller has seen it.
        IdempotencyKeyReusedError: the key belongs to another request.
        UnavailableError: Temporal cannot be reached; the same key asks again.
    """
    record = await call.claim(resources.database, f"accept:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    require_match(if_match, view.version)
    answer = DisputeAnswer(actor=actor, accepted=True, reason=reason)
    return await _ask(request, resources, call, view, answer)


async def _ask(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    view: DisputeView,
    answer: DisputeAnswer,
) -> Response:
    status = 200
    try:
        await engine.send_update(
            resources.temporal,
            workflow_ids.dispute(view.id),
            "answer",
            answer,
            update_id=f"answer-{_digest(call)}",
            result_type=DisputeStatus,
            budget_seconds=resources.settings.api.latency_budget_seconds,
        )
    except NoAnswerYetError:
        status = 202
    except UpdateRefusedError as error:
        if answer.submission_id:
            async with resources.database.transaction() as session:
                await dispute_evidence.drop_draft(session, view.id, answer.submission_id)
        return await call.settle(resources.database, refusal_of_update(request, error))
    except WorkflowClosedError:
        now = await require_dispute(resources, view.id)
        allowed = sorted(str(move) for move in DISPUTE_MOVES[now.status])
        closed = InvalidStateError(present=now.status, wanted="an answer", allowed=allowed)
        return await call.settle(resources.database, refusal(request, closed))
    return await _settle(resources, call, view.id, status=status)


async def _settle(
    resources: Resources, call: IdempotentCall, dispute_id: str, *, status: int
) -> Response:
    now = await require_dispute(resources, dispute_id)
    answer = StoredAnswer(status=status, body=to_json(dispute_document(now)), location=None)
    return await call.settle(resources.database, answer)


def dispute_document(view: DisputeView) -> dict[str, Any]:
    """Return a dispute as staff see it."""
    names = (
        "id", "order_id", "payment_id", "provider", "provider_dispute_id", "status", "reason",
        "withdrawn", "inquiry", "evidence_due_at", "evidence_submitted_at", "submitted_by",
        "opened_at", "closed_at", "created_at", "updated_at",
    )  # fmt: skip
    submitted = (view.evidence or {}).get("submitted")
    return {name: getattr(view, name) for name in names} | {
        "amount": money(view.amount, view.currency),
        "held": [{**one, "amount": money(one["amount"], view.currency)} for one in view.held],
        "evidence": {name: submitted.get(name) for name in _EVIDENCE} if submitted else None,
        "workflow_id": workflow_ids.dispute(view.id),
    }


def sale_document(view: DisputeView, vendor_id: str) -> dict[str, Any]:
    """Return a dispute as one of its vendors sees it."""
    names = (
        "id", "order_id", "status", "reason", "evidence_due_at", "evidence_submitted_at",
        "opened_at", "closed_at",
    )  # fmt: skip
    return {name: getattr(view, name) for name in names} | {
        "held": money(view.share_of(vendor_id), view.currency)
    }


def _digest(call: IdempotentCall) -> str:
    """One submission for one request, however often it is sent."""
    return hashlib.sha256(call.fingerprint.encode()).hexdigest()[:16]
