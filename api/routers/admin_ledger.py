"""The ledger, for accountants."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Query, Response
from starlette.responses import StreamingResponse

from api.auth import MoneyReader
from api.dependencies import Cursor, CursorsDep, Limit, Res
from api.json_route import JsonResponse, router
from api.ledger_export import HEADER, as_csv
from api.openapi import problems
from api.pages import page
from api.schemas.base import CURRENCY, NO_CONTROLS
from api.schemas.ledger import LedgerBalancePage, LedgerPostingPage
from core.domain.ledger import Account
from models.repositories import ledger_views

api = router("staff")
_STAFF = ("not-authenticated", "forbidden")

_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Every leg is a row; amounts are in major units, nothing is negative",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": ",".join(HEADER) + "\r\n2026-11-22T09:30:00.000000Z,"
                "pay_01jd9zt6jxe4vsqfdm2k3hs8as:capture:1,capture,"
                "ord_01jd9zt6jxe4vsqfdm2k3hs8ar,pay_01jd9zt6jxe4vsqfdm2k3hs8as,provider_balance,"
                "stripe,,19.99,,USD\r\n",
            }
        },
    }
}

_Account = Annotated[Account | None, Query(description="Only this account")]
_From = Annotated[date | None, Query(alias="from", description="From this day on (UTC)")]
_To = Annotated[date | None, Query(alias="to", description="Up to this day (UTC), it included")]


@api.get(
    "/admin/ledger/balances",
    response_model=LedgerBalancePage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_ledger_balances(
    *,
    _staff: MoneyReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    account: _Account = None,
    holder: Annotated[
        str | None,
        Query(max_length=100, pattern=NO_CONTROLS, description="Only of this provider or vendor"),
    ] = None,
    currency: Annotated[str | None, Query(pattern=CURRENCY)] = None,
    on: Annotated[
        date | None, Query(description="At the end of this day (UTC); today if it is not given")
    ] = None,
) -> Response:
    """Return what the accounts come to at the end of a day, and what moved on that day."""
    day = on or datetime.now(UTC).date()
    scope = {
        "list": "ledger-balances", "account": account, "holder": holder, "currency": currency,
        "on": on,
    }  # fmt: skip
    rows = await ledger_views.balances(
        resources.database,
        on=day,
        account=account,
        holder=holder,
        currency=currency,
        after=cursors.open(cursor, scope=scope),
        limit=limit + 1,
    )
    document = page(
        rows,
        limit=limit,
        cursors=cursors,
        scope=scope,
        id_of=lambda balance: balance.position,
        render=_balance,
    )
    return JsonResponse({"on": day, **document})


@api.get(
    "/admin/ledger/postings",
    response_model=LedgerPostingPage,
    responses=problems(*_STAFF, "invalid-cursor"),
)
async def list_ledger_postings(
    *,
    _staff: MoneyReader,
    resources: Res,
    cursors: CursorsDep,
    limit: Limit = 20,
    cursor: Cursor = None,
    order_id: Annotated[
        str | None, Query(max_length=100, pattern=NO_CONTROLS, description="Only of this order")
    ] = None,
    account: _Account = None,
    start: _From = None,
    end: _To = None,
) -> Response:
    """Return postings with their legs, the newest first."""
    scope = {
        "list": "ledger-postings", "order_id": order_id, "account": account, "from": start,
        "to": end,
    }  # fmt: skip
    filters = ledger_views.PostingFilters(
        order_id=order_id, account=account, start=start, end=end
    )  # fmt: skip
    rows = await ledger_views.postings(
        resources.database, filters, before=cursors.open(cursor, scope=scope), limit=limit + 1
    )
    return JsonResponse(
        page(
            rows,
            limit=limit,
            cursors=cursors,
            scope=scope,
            id_of=lambda posting: posting.position,
            render=_posting,
        )
    )


@api.get(
    "/admin/ledger/export",
    response_class=StreamingResponse,
    responses={**_CSV, **problems(*_STAFF)},
)
async def export_ledger(
    *,
    _staff: MoneyReader,
    resources: Res,
    start: Annotated[date, Query(alias="from", description="From this day on (UTC)")],
    end: Annotated[date, Query(alias="to", description="Up to this day (UTC), it included")],
) -> Response:
    """Return every leg of a period as CSV (RFC 4180)."""
    legs = ledger_views.export(resources.database, start=start, end=end)
    name = f"ledger-{start}-{end}.csv"
    return StreamingResponse(
        as_csv(legs),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _balance(row: ledger_views.Balance) -> dict[str, Any]:
    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": row.currency}

    return {
        "account": row.account,
        "holder": row.holder,
        "balance": money(row.balance),
        "debits": money(row.debits),
        "credits": money(row.credits),
    }


def _posting(row: ledger_views.PostingView) -> dict[str, Any]:
    return {
        "key": row.key,
        "kind": row.kind,
        "order_id": row.order_id,
        "reference": row.reference,
        "posted_at": row.posted_at,
        "legs": [
            {
                "account": leg.account,
                "holder": leg.holder,
                "item_id": leg.item_id,
                "amount": {"amount": leg.amount, "currency": row.currency},
            }
            for leg in row.legs
        ],
    }
