"""What handlers ask for by type.

All of it is ``async`` although nothing waits: FastAPI sends plain functions to a thread, which
costs more than the rest of a read.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request

from api.admission import Admission
from api.cursors import Cursors
from api.event_stream import OrderEvents
from api.sign_in_guard import SignInGuard
from core.domain.errors import NotFoundError
from core.domain.ids import Prefix, is_id
from core.resources import Resources
from core.security import AccessTokens, Passwords
from search.index import SearchIndex

_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


async def _cursors(request: Request) -> Cursors:
    cursors: Cursors = request.app.state.cursors
    return cursors


async def _passwords(request: Request) -> Passwords:
    passwords: Passwords = request.app.state.passwords
    return passwords


async def _admission(request: Request) -> Admission:
    admission: Admission = request.app.state.admission
    return admission


async def _sign_in_guard(request: Request) -> SignInGuard:
    guard: SignInGuard = request.app.state.sign_in_guard
    return guard


async def _tokens(request: Request) -> AccessTokens:
    tokens: AccessTokens = request.app.state.tokens
    return tokens


async def _order_events(request: Request) -> OrderEvents:
    events: OrderEvents = request.app.state.order_events
    return events


async def _search(request: Request) -> SearchIndex:
    index: SearchIndex = request.app.state.search
    return index


_PathId = Annotated[str, Path(alias="id", description="A TypeID")]


def _id_in_path(prefix: Prefix) -> Any:
    """Return a path parameter that holds an id; anything else is simply not there."""

    async def check(value: _PathId) -> str:
        if not is_id(prefix, value):
            raise NotFoundError("there is nothing under this id")
        return value

    return Depends(check)


async def _sku_in_path(sku: Annotated[str, Path(examples=["TEE-BLK-M"])]) -> str:
    if not _SKU.fullmatch(sku):
        raise NotFoundError("there is no such SKU")
    return sku


Res = Annotated[Resources, Depends(_resources)]
CursorsDep = Annotated[Cursors, Depends(_cursors)]
PasswordsDep = Annotated[Passwords, Depends(_passwords)]
AdmissionDep = Annotated[Admission, Depends(_admission)]
SignInGuardDep = Annotated[SignInGuard, Depends(_sign_in_guard)]
TokensDep = Annotated[AccessTokens, Depends(_tokens)]
SearchDep = Annotated[SearchIndex, Depends(_search)]
OrderEventsDep = Annotated[OrderEvents, Depends(_order_events)]
DifferenceId = Annotated[str, _id_in_path(Prefix.DIFFERENCE)]
ReconciliationId = Annotated[str, _id_in_path(Prefix.RECONCILIATION)]
OrderId = Annotated[str, _id_in_path(Prefix.ORDER)]
ReturnId = Annotated[str, _id_in_path(Prefix.RETURN)]
CartId = Annotated[str, _id_in_path(Prefix.CART)]
DisputeId = Annotated[str, _id_in_path(Prefix.DISPUTE)]
JobId = Annotated[str, _id_in_path(Prefix.JOB)]
SessionId = Annotated[str, _id_in_path(Prefix.SESSION)]
HoldId = Annotated[str, _id_in_path(Prefix.HOLD)]
RuleId = Annotated[str, _id_in_path(Prefix.RULE)]
ShipmentId = Annotated[str, _id_in_path(Prefix.SHIPMENT)]
MediaId = Annotated[str, _id_in_path(Prefix.MEDIA)]
ProductId = Annotated[str, _id_in_path(Prefix.PRODUCT)]
PromotionId = Annotated[str, _id_in_path(Prefix.PROMOTION)]
SettlementId = Annotated[str, _id_in_path(Prefix.SETTLEMENT)]
CategoryId = Annotated[str, _id_in_path(Prefix.CATEGORY)]
VariantId = Annotated[str, _id_in_path(Prefix.VARIANT)]
CommissionRuleId = Annotated[str, _id_in_path(Prefix.COMMISSION)]
UserId = Annotated[str, _id_in_path(Prefix.USER)]
ExportId = Annotated[str, _id_in_path(Prefix.EXPORT)]
MessageId = Annotated[str, _id_in_path(Prefix.MESSAGE)]
ApiKeyId = Annotated[str, _id_in_path(Prefix.API_KEY)]
VendorId = Annotated[str, _id_in_path(Prefix.VENDOR)]
TransferId = Annotated[str, _id_in_path(Prefix.TRANSFER)]
WarehouseId = Annotated[str, _id_in_path(Prefix.WAREHOUSE)]
Sku = Annotated[str, Depends(_sku_in_path)]
Limit = Annotated[int, Query(ge=1, le=100, description="Rows in a page")]
Cursor = Annotated[
    str | None,
    Query(max_length=512, description="The `next_cursor` of the page before; opaque, signed"),
]
