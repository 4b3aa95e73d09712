"""What staff can ask a list of orders for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from api.schemas.base import COUNTRY, CURRENCY, ENUM_LIKE, MAX_INTEGER, NO_CONTROLS
from core.domain.statuses import FulfillmentStatus, OrderStatus, PaymentStatus
from models.repositories.order_filters import Filters

_TEN_YEARS = 10 * 366 * 86_400
_SomeId = Annotated[str | None, Query(max_length=100, pattern=NO_CONTROLS)]
_Total = Annotated[
    int | None, Query(ge=0, le=MAX_INTEGER, description="Minor units of the order's currency")
]
_Slug = Annotated[str | None, Query(pattern=ENUM_LIKE)]


async def _filters(
    *,
    status: Annotated[OrderStatus | None, Query()] = None,
    payment_status: Annotated[PaymentStatus | None, Query()] = None,
    fulfillment_status: Annotated[FulfillmentStatus | None, Query()] = None,
    number: Annotated[
        str | None, Query(pattern=r"^([Pp]-)?[0-9]{1,15}$", examples=["P-100042"])
    ] = None,
    email: Annotated[
        str | None,
        Query(max_length=254, pattern=NO_CONTROLS, description="A guest's, or an account's"),
    ] = None,
    customer_id: _SomeId = None,
    vendor_id: _SomeId = None,
    warehouse_id: Annotated[_SomeId, Query(description="Where a parcel of it leaves from")] = None,
    sku: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = None,
    country: Annotated[str | None, Query(pattern=COUNTRY)] = None,
    currency: Annotated[str | None, Query(pattern=CURRENCY)] = None,
    min_total: _Total = None,
    max_total: _Total = None,
    created_from: Annotated[AwareDatetime | None, Query()] = None,
    created_to: Annotated[AwareDatetime | None, Query(description="Not included")] = None,
    promotion_code: _SomeId = None,
    payment_provider: _Slug = None,
    shipping_method: _Slug = None,
    stuck_for: Annotated[
        int | None,
        Query(ge=0, le=_TEN_YEARS, description="Seconds for which a step of it has waited"),
    ] = None,
) -> Filters:
    return Filters(
        status=status,
        payment_status=payment_status,
        fulfillment_status=fulfillment_status,
        number=int(number.upper().removeprefix("P-")) if number else None,
        email=email,
        customer_id=customer_id,
        vendor_id=vendor_id,
        warehouse_id=warehouse_id,
        sku=sku,
        country=country,
        currency=currency,
        min_total=min_total,
        max_total=max_total,
        created_from=created_from,
        created_to=created_to,
        promotion_code=promotion_code,
        payment_provider=payment_provider,
        shipping_method=shipping_method,
        stuck_for=stuck_for,
    )


OrderFilters = Annotated[Filters, Depends(_filters)]
