"""What staff do with settlements: their workflows are started and asked, the rows are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import Request
from starlette.responses import Response

from api import engine
from api.engine import NoAnswerYetError, UpdateRefusedError, WorkflowClosedError
from api.idempotency import IdempotentCall, refusal, refusal_of_update, replay
from api.json_route import to_json
from api.schemas.settlements import SettlementRequest as Wanted
from api.settlement_documents import details_document, settlement_document
from core.domain.errors import (
    FieldError,
    InvalidRequestError,
    InvalidStateError,
    NotFoundError,
    UnavailableError,
)
from core.domain.ids import issued_at
from core.domain.settlements import settlement_id
from core.domain.statuses import SettlementStatus
from core.resources import Resources
from models.repositories import payables, settlement_views
from models.repositories.idempotency import StoredAnswer
from models.repositories.settlement_views import SettlementView
from models.vendors import Vendor
from workflows import search_attributes, workflow_ids
from workflows.messages import Child
from workflows.ports.settlements import SettlementDecision, SettlementRequest, SettlementState
from workflows.task_queues import TaskQueue

_NOTHING = "nothing to be paid"
NO_CURRENCY = "XXX"
"""ISO 4217 for none: nothing is owed in any."""
_ENDED = (SettlementStatus.PAID, SettlementStatus.CANCELED)


async def require(
    resources: Resources, wanted: str, *, vendor_id: str | None = None
) -> SettlementView:
    """Return a settlement, of a vendor or of any for None.

    Raises:
        NotFoundError: not there, or somebody else's.
    """
    view = await settlement_views.find(resources.database, wanted, vendor_id=vendor_id)
    if view is None:
        raise NotFoundError("there is no such settlement")
    return view


async def draw_up(
    request: Request, resources: Resources, call: IdempotentCall, wanted: Wanted
) -> Response:
    """Settle with a vendor now; the answer is the settlement as it waits or is paid.

    Raises:
        InvalidRequestError: no such vendor, a moment to come, or several currencies.
        UnavailableError: not known what came of it; the same key finds it.
    """
    # Periods end with a whole second; all of the present one is in.
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    until = (wanted.until or now).astimezone(UTC).replace(microsecond=0)
    if until > now:
        _refuse("/until", "it is still to come")
    async with resources.database.transaction() as session:
        if await session.get(Vendor, wanted.vendor_id) is None:
            _refuse("/vendor_id", "there is no such vendor")
    currency = wanted.currency or await _only_currency(resources, wanted.vendor_id, until)
    made = settlement_id(wanted.vendor_id, currency or NO_CURRENCY, until)
    # Another key may ask for the same settlement; a repeat of this one asks for its first moment.
    record = await call.claim(resources.database, f"{made}:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    made = record.resource_id.partition(":")[0]
    order = SettlementRequest(
        settlement_id=made,
        vendor_id=wanted.vendor_id,
        currency=currency or NO_CURRENCY,
        period_end=datetime.fromtimestamp(issued_at(made), UTC),
        actor=f"staff:{call.caller_id}",
    )
    if currency is None or await _drawn_up(resources, order) is None:
        error = InvalidStateError(present=_NOTHING, wanted="a settlement")
        return await call.settle(resources.database, refusal(request, error))
    view = await settlement_views.find(resources.database, made)
    if view is None:
        raise UnavailableError("it is not known yet what came of it")
    answer = StoredAnswer(
        status=201,
        body=to_json(settlement_document(view.settlement)),
        location=f"/v1/admin/settlements/{made}",
    )
    return await call.settle(resources.database, answer)


async def decide(
    request: Request,
    resources: Resources,
    call: IdempotentCall,
    view: SettlementView,
    *,
    update: str,
    reason: str,
) -> Response:
    """Approve, cancel or retry: the workflow takes the decision, or says why not.

    Raises:
        UnavailableError: not known what came of it, or its workflow does not run.
    """
    found = view.settlement
    record = await call.claim(resources.database, f"{update}:{call.fingerprint}")
    if record.answer is not None:
        return replay(record.answer)
    status = 200
    try:
        await engine.send_update(
            resources.temporal,
            workflow_ids.settlement(found.id),
            update,
            SettlementDecision(actor=f"staff:{call.caller_id}", reason=reason),
            update_id=f"{update}-{call.fingerprint[:16]}",
            result_type=SettlementState,
            budget_seconds=resources.settings.api.latency_budget_seconds,
        )
    except NoAnswerYetError:
        status = 202
    except UpdateRefusedError as refused:
        return await call.settle(resources.database, refusal_of_update(request, refused))
    except WorkflowClosedError as closed:
        if found.status not in _ENDED:
            raise UnavailableError("its workflow does not run; the next run starts it") from closed
        error = InvalidStateError(present=found.status, wanted=update)
        return await call.settle(resources.database, refusal(request, error))
    body = await details(resources, await require(resources, found.id))
    answer = StoredAnswer(status=status, body=body, location=None)
    return await call.settle(resources.database, answer)


async def details(resources: Resources, view: SettlementView) -> bytes:
    """The settlement with its lines and approvals, as JSON."""
    lines = await settlement_views.lines_of(resources.database, view.settlement.id)
    return to_json(details_document(view, lines))


async def tell_of_account(resources: Resources, vendor_id: str) -> None:
    """Wake the settlements that wait for the vendor's payout account."""
    waiting = await settlement_views.unfinished(resources.database, vendor_id=vendor_id)
    await engine.signal_each(
        resources.temporal,
        [workflow_ids.settlement(one) for one in waiting],
        "payout_account_changed",
        budget_seconds=1.0,
    )


async def _drawn_up(resources: Resources, order: SettlementRequest) -> SettlementStatus | None:
    """Start the settlement's workflow; its status once it is drawn up, None without one.

    Raises:
        UnavailableError: not drawn up in time; it goes on by itself.
    """
    try:
        state = await engine.start_and_update(
            resources.temporal,
            Child.SETTLEMENT,
            order,
            workflow_id=workflow_ids.settlement(order.settlement_id),
            task_queue=TaskQueue.MAINTENANCE,
            update="drawn_up",
            result_type=SettlementState,
            budget_seconds=resources.settings.api.latency_budget_seconds,
            search_attributes=search_attributes.of_vendor(order.vendor_id),
            summary="Settle with a vendor",
        )
    except (NoAnswerYetError, WorkflowClosedError) as error:
        raise UnavailableError("it is not known yet what came of it") from error
    return state.status


async def _only_currency(resources: Resources, vendor_id: str, until: datetime) -> str | None:
    """The one currency in which something can be paid, None when there is nothing.

    Raises:
        InvalidRequestError: there are several.
    """
    found = await payables.balances(resources.database, until, vendor_id=vendor_id)
    ready = [balance.currency for balance in found if balance.payable > 0]
    if len(ready) > 1:
        _refuse("/currency", f"one of {', '.join(ready)}")
    return ready[0] if ready else None


def _refuse(pointer: str, detail: str) -> None:
    raise InvalidRequestError([FieldError(pointer=pointer, detail=detail)])
