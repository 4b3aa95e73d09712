"""A statement in the form that is asked for."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.json_route import JsonResponse
from api.schemas.settlements import Statement, StatementFormat
from api.settlement_documents import statement_document
from api.statements.csv_form import HEADER, as_csv
from core.domain.errors import InvalidStateError
from core.domain.statuses import SettlementStatus
from core.resources import Resources
from models.repositories import settlement_views
from models.repositories.settlement_views import SettlementView

_MEDIA_TYPES: dict[str, StatementFormat] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/pdf": "pdf",
}

_SIGNATURE = "%PDF-1.4 ..."

STATEMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "model": Statement,
        "description": "The statement; amounts of the CSV are in major units",
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": ",".join(HEADER)},
            "application/pdf": {
                "schema": {"type": "string", "format": "binary"},
                "example": _SIGNATURE,
            },
        },
    }
}
"""``responses`` of a route that gives a statement."""


async def statement(
    request: Request,
    resources: Resources,
    view: SettlementView,
    wanted: StatementFormat | None,
) -> Response:
    """Return the statement; ``format`` decides, then the first ``Accept`` that we have.

    Raises:
        InvalidStateError: the settlement was canceled: its entries are in another one.
    """
    if view.settlement.status == SettlementStatus.CANCELED:
        raise InvalidStateError(present=view.settlement.status, wanted="a statement")
    lines = await settlement_views.lines_of(resources.database, view.settlement.id)
    match wanted or _accepted(request.headers.get("accept", "")):
        case "csv":
            return _file(view, as_csv(view.settlement, lines), "text/csv; charset=utf-8", "csv")
        case "pdf":
            from api.statements.pdf_form import as_pdf  # noqa: PLC0415  # fonts, for the few who ask

            font = resources.settings.settlement.font_file
            document = await asyncio.to_thread(as_pdf, view, lines, font)
            return _file(view, document, "application/pdf", "pdf")
    return JsonResponse(statement_document(view, lines))


def _accepted(header: str) -> StatementFormat:
    for part in header.split(","):
        media_type = part.split(";")[0].strip().lower()
        if media_type in _MEDIA_TYPES:
            return _MEDIA_TYPES[media_type]
    return "json"


def _file(view: SettlementView, body: bytes, media_type: str, ending: str) -> Response:
    name = f"statement-{view.settlement.id}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return Response(body, 200, headers, media_type)
