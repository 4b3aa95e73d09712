"""Reconciliations and differences, for staff."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api import reconciliation
from api.auth import MoneyReader, MoneyWriter
from api.dependencies import Cursor, CursorsDep, DifferenceId, Limit, ReconciliationId, Res
from api.idempotency import Idempotent
from api.json_route import JsonResponse, router
from api.openapi import problems
from api.pages import page
from api.schemas.base import NO_CONTROLS
from api.schemas.reconciliation import (
    Difference,
    DifferencePage,
    ReconcileRequest,
    ReconcileStarted,
    ReconciliationDetail,
    ReconciliationPage,
    ResolveDifference,
)
from core.domain.reconciliation import DifferenceKind, DifferenceStatus
from models.repositories import differences, reconciliations

api = router("staff")

_STAFF = ("not-authenticated", "forbidden")
_ONCE = ("idempotency-key-missing", "idempotency-key-reused")
_Provider = Annotated[str | None, Query(max_length=64, pattern=NO_CONTROLS)]


@api.get(
    "/admin/reconciliations",
    response_model=ReconciliationPage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_reconciliations(
    *,
    _staff: MoneyReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    provider: _Provider = None,
) -> Response:
    """Return the comparisons of books, the newest first."""
    scope = {"list": "reconciliations", "provider": provider}
    async with resources.database.transaction() as session:
        rows = await reconciliations.page_of(
            session, before=cursors.open(cursor, scope=scope), provider=provider, limit=limit + 1
        )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda run: run.id,
            render=reconciliation.run_document,
        )
    )


@api.post(
    "/admin/reconciliations",
    status_code=202,
    response_model=ReconcileStarted,
    responses=problems(*_STAFF, *_ONCE),
)
async def reconcile_now(
    wanted: ReconcileRequest, _staff: MoneyWriter, call: Idempotent, resources: Res
) -> Response:
    """Compare a provider's books with ours now."""
    return await reconciliation.run_now(resources, call, wanted.provider)


@api.get(
    "/admin/reconciliations/{id}",
    response_model=ReconciliationDetail,
    responses=problems(*_STAFF, "not-found"),
)
async def get_reconciliation(
    reconciliation_id: ReconciliationId, _staff: MoneyReader, resources: Res
) -> Response:
    """Return a comparison with its figures and all that it found or saw again."""
    return JsonResponse(await reconciliation.find_run(resources, reconciliation_id))


@api.get(
    "/admin/differences",
    response_model=DifferencePage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_differences(
    *,
    _staff: MoneyReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    status: Annotated[DifferenceStatus | None, Query()] = None,
    kind: Annotated[DifferenceKind | None, Query()] = None,
    provider: _Provider = None,
) -> Response:
    """Return where the books do not agree, or did not, the newest first."""
    scope = {"list": "differences", "status": status, "kind": kind, "provider": provider}
    async with resources.database.transaction() as session:
        rows = await differences.page_of(
            session,
            before=cursors.open(cursor, scope=scope),
            status=status,
            kind=kind,
            provider=provider,
            limit=limit + 1,
        )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda row: row.id,
            render=reconciliation.difference_document,
        )
    )


@api.post(
    "/admin/differences/{id}/resolve",
    response_model=Difference,
    responses=problems(*_STAFF, *_ONCE, "not-found", "invalid-state"),
)
async def resolve_difference(
    *,
    request: Request,
    difference_id: DifferenceId,
    _staff: MoneyWriter,
    call: Idempotent,
    resources: Res,
    wanted: ResolveDifference,
) -> Response:
    """Decide about a difference; of two people at once the first one does."""
    return await reconciliation.resolve(request, resources, call, difference_id, wanted)
