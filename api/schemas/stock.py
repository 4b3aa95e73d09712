"""Stock as staff change it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from api.schemas.base import (
    AT_EXAMPLE,
    CountryCode,
    Moment,
    Quantity,
    Schema,
    Sku,
    example,
    text,
)
from core.domain.backorders import BackorderPolicy
from models.stock import TransferStatus

_ID = "01jd7x9k2me8kv1qzr5t0w3y4b"
_STAFF = f"staff:usr_{_ID}"
_MOST = 10_000_000
WarehouseId = Annotated[
    str, StringConstraints(pattern=r"^whs_[0-9a-z]{26}$"), Field(examples=[f"whs_{_ID}"])
]
Reason = Annotated[str, text(200), Field(examples=["found behind the shelf"])]
_ADJUSTMENT: dict[str, Any] = {
    "warehouse_id": f"whs_{_ID}",
    "sku": "TEE-BLK-M",
    "delta": 5,
    "reason": "found behind the shelf",
}
_TRANSFER: dict[str, Any] = {
    "from_warehouse_id": f"whs_{_ID}",
    "to_warehouse_id": "whs_01jd7x9k2me8kv1qzr5t0w3y4c",
    "items": [{"sku": "TEE-BLK-M", "quantity": 5}],
    "reason": "the shop in the south sells more",
}
_TRANSFER_SEEN = {
    "id": f"trf_{_ID}",
    **_TRANSFER,
    "status": "in_transit",
    "actor": _STAFF,
    "created_at": AT_EXAMPLE,
    "ended_at": None,
}
_MOVEMENT = {
    "id": 7,
    "warehouse_id": f"whs_{_ID}",
    "sku": "TEE-BLK-M",
    "delta": -2,
    "reason": "shipped",
    "reference": f"shipment:shp_{_ID}:TEE-BLK-M",
    "actor": "system",
    "created_at": AT_EXAMPLE,
}
_WAREHOUSE: dict[str, Any] = {
    "name": "North",
    "country": "US",
    "region": "NY",
    "priority": 0,
    "latitude": 40.71,
    "longitude": -74.0,
}
_WAREHOUSE_SEEN = {"id": f"whs_{_ID}", **_WAREHOUSE, "created_at": AT_EXAMPLE}
_POLICY: dict[str, Any] = {
    "backorder_policy": "backorder",
    "backorder_limit": 50,
    "promised_at": AT_EXAMPLE,
    "low_stock_threshold": 10,
}


class AdjustmentRequest(Schema):
    """``delta`` units come in (or go, below zero)."""

    model_config = example(_ADJUSTMENT)

    warehouse_id: WarehouseId
    sku: Sku
    delta: Annotated[int, Field(strict=True, ge=-_MOST, le=_MOST)]
    reason: Reason

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.delta == 0:
            raise ValueError("delta must not be 0")
        return self


class Adjusted(Schema):
    """What lies there now; ``served_orders`` had waited and got units of it."""

    model_config = example(
        {**_ADJUSTMENT, "on_hand": 12, "reserved": 2, "available": 10, "served_orders": []}
    )

    warehouse_id: str
    sku: str
    delta: int
    reason: str
    on_hand: int
    reserved: int
    available: int
    served_orders: list[str]


class StockMovement(Schema):
    id: int
    warehouse_id: str
    sku: str
    delta: int
    reason: str
    reference: str
    actor: str
    created_at: Moment


class StockMovementPage(Schema):
    model_config = example({"data": [_MOVEMENT], "next_cursor": None})

    data: list[StockMovement]
    next_cursor: str | None


class TakeSummary(Schema):
    """``rows`` were counted, ``changed`` of them differ from the books, by ``units`` altogether."""

    model_config = example({"dry_run": False, "rows": 120, "changed": 3, "units": -4})

    dry_run: bool
    rows: int
    changed: int
    units: int


class TransferItem(Schema):
    sku: Sku
    quantity: Annotated[Quantity, Field(le=_MOST)]


class TransferRequest(Schema):
    model_config = example(_TRANSFER)

    from_warehouse_id: WarehouseId
    to_warehouse_id: WarehouseId
    items: Annotated[list[TransferItem], Field(min_length=1, max_length=500)]
    reason: Reason

    @model_validator(mode="after")
    def _goes_somewhere_once(self) -> Self:
        if self.from_warehouse_id == self.to_warehouse_id:
            raise ValueError("to_warehouse_id must be another warehouse")
        if len({item.sku for item in self.items}) < len(self.items):
            raise ValueError("a SKU is listed twice")
        return self


class Transfer(Schema):
    model_config = example(_TRANSFER_SEEN)

    id: str
    from_warehouse_id: str
    to_warehouse_id: str
    status: TransferStatus
    items: list[TransferItem]
    reason: str
    actor: str
    created_at: Moment
    ended_at: Moment | None


class TransferPage(Schema):
    model_config = example({"data": [_TRANSFER_SEEN], "next_cursor": None})

    data: list[Transfer]
    next_cursor: str | None


Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Priority = Annotated[int, Field(strict=True, ge=-1_000_000, le=1_000_000)]


class WarehouseRequest(Schema):
    """A lower ``priority`` is asked first; coordinates are degrees (WGS 84), both or none."""

    model_config = example(_WAREHOUSE)

    name: Annotated[str, text(200)]
    country: CountryCode
    region: Annotated[str, text(100)] | None = None
    priority: Priority = 0
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _has_both_coordinates(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude come together")
        return self


class WarehouseChange(Schema):
    """What is not sent stays."""

    model_config = example({"priority": 5})

    name: Annotated[str, text(200)] | None = None
    country: CountryCode | None = None
    region: Annotated[str, text(100)] | None = None
    priority: Priority | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class Warehouse(Schema):
    model_config = example(_WAREHOUSE_SEEN)

    id: str
    name: str
    country: str
    region: str | None
    priority: int
    latitude: float | None
    longitude: float | None
    created_at: Moment


class WarehousePage(Schema):
    model_config = example({"data": [_WAREHOUSE_SEEN], "next_cursor": None})

    data: list[Warehouse]
    next_cursor: str | None


class StockPolicy(Schema):
    """How a variant is sold when stock runs out; ``backorder_limit`` null lets any number wait.

    With fewer available units than ``low_stock_threshold`` the event ``stock.low`` is sent.
    """

    model_config = example({"sku": "TEE-BLK-M", **_POLICY})

    sku: str
    backorder_policy: BackorderPolicy
    backorder_limit: int | None
    promised_at: Moment | None
    low_stock_threshold: int | None


class StockPolicyRequest(Schema):
    model_config = example({**_POLICY, "reason": "the next delivery is late"})

    backorder_policy: BackorderPolicy
    backorder_limit: Annotated[int, Field(strict=True, ge=0, le=_MOST)] | None = None
    promised_at: AwareDatetime | None = None
    low_stock_threshold: Annotated[int, Field(strict=True, ge=0, le=_MOST)] | None = None
    reason: Reason
